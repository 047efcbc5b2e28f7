"""Does MongoDB hold the sale that is simulated here?  Minute by minute, by what was sent to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo.database import Database

from flashsale.minutes import MINUTE, floor_minute, from_epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, INGEST_LEDGER
from flashsale.stores.mongo import Document
from generator.delayed import Delayed, nothing_delayed
from generator.facts import TICK_MS, tick_time_ms
from generator.faults import disturb
from generator.shard_state import TickFacts
from generator.truth.again import Replay
from generator.world import World

MinuteShard = tuple[datetime, int]


@dataclass(slots=True)
class StoredLedger:
    """`sent`: documents that MongoDB's ledger accounts for, whatever became of them, by minute and shard;
    `acked_through`: everything before it was acknowledged, by shard."""

    sent: dict[MinuteShard, int]
    acked_through: dict[int, datetime]


def read_stored_ledger(database: Database[Document]) -> StoredLedger:
    """What the writer of the sale saw."""
    sent = {
        (one["_id"]["minute"], one["_id"]["shard"]): one["acked"]
        + one["duplicate_same"]
        + one["duplicate_conflict"]
        + sum(one["refused"].values())
        for one in database[INGEST_LEDGER].find()
    }
    checkpoints = database[CHECKPOINTS].find({}, {"acked_through": 1})
    return StoredLedger(sent, {one["_id"]: one["acked_through"] for one in checkpoints})


class SentCounter:
    """Counts the documents that each shard sends in each minute."""

    def __init__(self, replay: Replay) -> None:
        self.sent: dict[MinuteShard, int] = {}
        self._start_ms = replay.worlds[0].start_ms
        sale, scenario = replay.sale, replay.scenario
        self._faulty: list[World] = []
        if scenario.faults.any:
            self._faulty = [
                World(scenario, replay.market, sale.seed, sale.sale_start, shard) for shard in range(scenario.shards)
            ]
        self._delayed: list[Delayed] = [nothing_delayed() for _ in range(scenario.shards)]

    def counting(self, ticks: Iterable[list[TickFacts]]) -> Iterator[list[TickFacts]]:
        """All ticks of the sale in order, each counted; with the facts of all shards, before faults."""
        for tick in ticks:
            self._add(tick)
            yield tick

    def _add(self, tick: list[TickFacts]) -> None:
        minute = floor_minute(from_epoch_ms(tick_time_ms(self._start_ms, tick[0].tick)))
        for shard, facts in enumerate(tick):
            count = len(facts.orders.ts) + len(facts.inventory.ts)
            if self._faulty:
                orders, inventory, strays, self._delayed[shard] = disturb(
                    self._faulty[shard], facts.tick, facts.orders, facts.inventory, self._delayed[shard]
                )
                count = len(orders.ts) + len(inventory.ts) + sum(map(len, strays.values()))
            self.sent[minute, shard] = self.sent.get((minute, shard), 0) + count


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the minutes that are whole on both sides: how many were `compared`, and those that differ, as
    (minute, sent as simulated, sent as stored) in order of time."""

    compared: int
    differing: list[tuple[datetime, int, int]] = field(default_factory=list)


def compare(counter: SentCounter, stored: StoredLedger, sale: SaleRun, ticks: int) -> Agreement:
    """Of a sale whose first `ticks` were counted."""
    end = sale.sale_start + ticks * timedelta(milliseconds=TICK_MS)
    minutes: dict[datetime, tuple[int, int]] = {}
    for minute, shard in counter.sent.keys() | stored.sent.keys():
        acked = stored.acked_through.get(shard)
        # The sale's last minute is whole although it may be short.
        simulated = ticks == sale.seconds or minute + MINUTE <= end
        if not simulated or acked is None or acked < min(minute + MINUTE, end):
            continue
        here, there = minutes.get(minute, (0, 0))
        one = minute, shard
        minutes[minute] = here + counter.sent.get(one, 0), there + stored.sent.get(one, 0)
    differing = [(m, here, there) for m, (here, there) in sorted(minutes.items()) if here != there]
    return Agreement(len(minutes), differing)
