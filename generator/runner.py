"""Run a sale at the pace of the clock: one tick a second, acknowledged, then checkpointed."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from flashsale.minutes import from_epoch_ms, utc_now
from flashsale.sale_run import Phase, SaleRun
from flashsale.scenario import Scenario
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry
from flashsale.stores.mongo import Client
from flashsale.stores.sales import active_sale, require_contract, set_phase
from generator.checkpoint import load_checkpoint, save_checkpoint
from generator.facts import TICK_MS, inventory_documents, order_documents, tick_time_ms
from generator.heartbeat import Heartbeat
from generator.progress import Progress
from generator.retry import until_acknowledged
from generator.shard_state import ShardState, TickFacts, Totals
from generator.shipments import update_shipments
from generator.simulation import step
from generator.world import World, open_worlds
from generator.writer import FactWriter

T = TypeVar("T")

_LOG = logging.getLogger("generator")

TICK = timedelta(milliseconds=TICK_MS)
CHECK_SALE_TICKS = 5
"""Facts run at most this far ahead of what is known of the sale: well below `sale_run.STOP_LEAD`."""


@dataclass(slots=True)
class _Shard:
    world: World
    state: ShardState
    writer: FactWriter
    ledger: LedgerEntry


class SaleRunner:
    """Drives all shards of one sale; `stop` ends it after the tick at hand."""

    def __init__(
        self, client: Client, sale: SaleRun, scenario: Scenario, settings: Settings, stop: threading.Event
    ) -> None:
        self._client, self._sale, self._stop = client, sale, stop
        self._database = client[sale.database]
        self._shards: list[_Shard] = []
        for world in open_worlds(scenario, sale):
            read = partial(load_checkpoint, self._database, world, sale.sale_start)
            state, ledger = self._acknowledged("read the checkpoint", read)
            writer = FactWriter(self._database, settings, world.shard, resume=ledger, stop=stop)
            self._shards.append(_Shard(world, state, writer, ledger))
        self._heartbeat = Heartbeat(settings.heartbeat_file)
        self._progress = Progress(TICK)

    @property
    def next_tick(self) -> int:
        """The first tick that not every shard has behind it."""
        return min(shard.state.tick for shard in self._shards) + 1

    def run(self, max_ticks: int | None = None) -> None:
        """Work until `stop`, until another sale is the active one, or for `max_ticks` ticks.

        Raises FlashsaleError when MongoDB refuses, and when the sale was upgraded meanwhile.
        """
        first = self.next_tick
        if first:
            _LOG.info("sale %s: going on at tick %d of %d", self._sale.sale_id, first, self._sale.seconds)
        while not self._stop.is_set() and (max_ticks is None or self.next_tick - first < max_ticks):
            if self._is_over():
                self._after_the_end()
                return
            if not self._wait_until(self._tick_end(self.next_tick)):
                return
            if self.next_tick % CHECK_SALE_TICKS == 0 and not self._is_active():
                return
            if not self._is_over():
                self._do_tick(self.next_tick)

    def _do_tick(self, tick: int) -> None:
        """All shards' facts of `tick`, then all their checkpoints: never the other way round."""
        if tick == 0:
            self._set_phase("live")
        arrived_ms = tick_time_ms(self._shards[0].world.start_ms, tick)
        arrived_at = from_epoch_ms(arrived_ms)
        # After a crash one shard may have this tick behind it: it brings the aggregate it had before.
        totals = Totals.of(s.state.aggregate if s.state.tick < tick else s.state.previous for s in self._shards)
        done: list[tuple[_Shard, ShardState, TickFacts]] = []
        for shard in self._shards:
            if shard.state.tick < tick:
                state, facts = step(shard.world, shard.state, totals)
                shard.ledger = shard.writer.write_tick(
                    arrived_at,
                    order_documents(facts.orders, arrived_ms),
                    inventory_documents(facts.inventory, arrived_ms),
                )
                done.append((shard, state, facts))
        updates = [update for _, _, facts in done for update in facts.shipments]
        self._acknowledged("update shipments", lambda: update_shipments(self._database, updates, arrived_at))
        for shard, state, _ in done:
            shard.state = state
            self._checkpoint(shard, self._tick_end(tick))
        self._heartbeat.beat()
        self._progress.tick_done(
            tick,
            orders=sum(len(facts.orders.ts) for _, _, facts in done),
            events=sum(len(facts.inventory.ts) for _, _, facts in done),
            lag=utc_now() - self._tick_end(tick),
        )

    def _after_the_end(self) -> None:
        """The sale is over: keep saying so, until told to stop."""
        self._set_phase("ended")
        _LOG.info("sale %s has ended; the watermark moves on with the clock", self._sale.sale_id)
        while not self._stop.is_set():
            now = utc_now()
            # One that was cancelled is over before it began.
            self._checkpoint_all(max(now, self._sale.sale_end) if self.next_tick else now)
            if not self._is_active():
                return
            self._stop.wait(TICK.total_seconds())

    def _wait_until(self, due: datetime) -> bool:
        """Sleep until `due`, or until the sale is cancelled; before the sale the watermark moves meanwhile.

        False when told to stop, or when another sale is the active one.
        """
        while not self._is_over() and (left := due - utc_now()) > timedelta(0):
            if utc_now() < self._sale.sale_start:
                self._checkpoint_all(min(utc_now(), self._sale.sale_start))
                if not self._is_active():
                    return False
                left = min(due - utc_now(), TICK)
            if self._stop.wait(max(left.total_seconds(), 0)):
                return False
        return True

    def _is_over(self) -> bool:
        return self.next_tick >= self._sale.seconds

    def _tick_end(self, tick: int) -> datetime:
        return self._sale.sale_start + (tick + 1) * TICK

    def _checkpoint_all(self, acked_through: datetime) -> None:
        for shard in self._shards:
            self._checkpoint(shard, acked_through)
        self._heartbeat.beat()

    def _checkpoint(self, shard: _Shard, acked_through: datetime) -> None:
        self._acknowledged(
            "save the checkpoint",
            lambda: save_checkpoint(self._database, shard.world, acked_through, shard.state, shard.ledger),
        )

    def _acknowledged(self, doing: str, attempt: Callable[[], T]) -> T:
        return until_acknowledged(doing, attempt, self._stop)

    def _set_phase(self, phase: Phase) -> None:
        self._acknowledged("set the phase", lambda: set_phase(self._client, self._sale.sale_id, phase))

    def _is_active(self) -> bool:
        """Whether this is still the live sale, whose end is read anew; a new one makes this process end."""
        live = self._acknowledged("read the active sale", lambda: active_sale(self._client))
        if live.sale_id != self._sale.sale_id:
            _LOG.info("sale %s is the active one now; leaving %s", live.sale_id, self._sale.sale_id)
            return False
        require_contract(live)
        self._sale = live
        return True
