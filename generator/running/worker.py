"""Simulate some shards of a sale and have their facts stored."""

import time
from collections.abc import Sequence
from dataclasses import replace

from generator.running.exchange import Exchange, Go
from generator.running.options import RunOptions
from generator.running.parcels import Acknowledged, Parcel
from generator.running.save_schedule import SaveSchedule
from generator.running.sinks import Resume, Sink
from generator.running.write_behind import WriteBehind
from generator.shard_state import Aggregate
from generator.simulation import step
from generator.state_bytes import to_bytes
from generator.world import World


class _Shard:
    """A shard as it is simulated; `acked` is its last tick that was stored before this run."""

    def __init__(self, world: World, resume: Resume) -> None:
        self.world, self.state, self.acked = world, resume.state, resume.tick

    @property
    def number(self) -> int:
        return self.world.shard


class Worker:
    """Runs the shards of `worlds`, tick by tick, all at the same tick."""

    def __init__(self, worlds: Sequence[World], sink: Sink, exchange: Exchange, options: RunOptions) -> None:
        self._sink, self._exchange = sink, exchange
        self._shards = [_Shard(world, sink.resume(world)) for world in worlds]
        self._schedule = SaveSchedule(options.save_ticks)
        numbers = [shard.number for shard in self._shards]
        self._behind = WriteBehind(self._store, numbers, options.batching, patient=options.patient)

    def run(self) -> None:
        """Work until the exchange says that there is no further tick; then all is stored, and the states saved.

        Raises FlashsaleError when the store fails for good.
        """
        try:
            self._simulate()
            self._behind.close(self._exchange.idle)
        finally:
            self._behind.abandon()
        for shard in self._shards:
            if shard.state.tick >= shard.acked:
                self._sink.finish(shard.number, shard.state)

    def _simulate(self) -> None:
        acked = {shard.number: shard.acked for shard in self._shards}
        tick = self._exchange.begin(min(shard.state.tick for shard in self._shards), acked)
        while (go := self._exchange.totals(tick, self._aggregates(tick - 1))) is not None:
            self._behind.slow = go.slow
            for shard in self._shards:
                # After a restart the shards' states may be of different ticks.
                if shard.state.tick < tick:
                    self._step(shard, go)
            tick += 1

    def _aggregates(self, tick: int) -> dict[int, Aggregate]:
        return {shard.number: shard.state.aggregate_at(tick) for shard in self._shards}

    def _step(self, shard: _Shard, go: Go) -> None:
        shard.state, facts = step(shard.world, shard.state, go.totals)
        if facts.tick <= shard.acked:
            return
        parcel = self._sink.pack(shard.world, facts)
        if self._sink.keeps_states and self._schedule.is_due(facts.tick):
            saved = to_bytes(shard.state)
            self._schedule.saved(len(saved))
            parcel = replace(parcel, saved=saved)
        self._behind.put(shard.number, parcel, self._exchange.idle)

    def _store(self, shard: int, parcels: list[Parcel]) -> None:
        began, worked = time.perf_counter(), time.thread_time()
        self._sink.write(shard, parcels)
        seconds, worked = time.perf_counter() - began, time.thread_time() - worked
        self._exchange.acknowledged(
            Acknowledged(
                shard,
                parcels[-1].tick,
                orders=sum(parcel.orders for parcel in parcels),
                events=sum(parcel.events for parcel in parcels),
                seconds=seconds,
                waited=max(0.0, seconds - worked),
            )
        )
