"""What the rollups of a simulated sale say at each minute's end, beside the truth of its phantom stock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from flashsale.minutes import epoch_ms
from generator.facts import InventoryColumns, OrderColumns
from generator.shard_state import TickFacts
from generator.world import World
from spark_jobs.pair_columns import NULL, PairColumns, pair_key
from spark_jobs.phantom_stock import Shipments
from spark_jobs.rollups import PW_COLUMNS, MinuteRollup, empty_pwc
from tests.support.simulated import START, START_MS, ticks_of

Ints = npt.NDArray[np.int64]
Pairs = set[tuple[int, int]]
FINAL_AFTER_MS = 180_000
"""From the start of a minute to the moment after which its facts are late."""


@dataclass
class _Book:
    """Units by (product id, warehouse id), dense: the reference that no job shares code with."""

    sold: Ints
    minute_units: Ints
    minute_squares: Ints
    on_hand: Ints
    reserved: Ints
    opening: Ints
    told_ms: Ints
    facts: int = 0
    uncounted: int = 0

    @classmethod
    def blank(cls, shape: tuple[int, int]) -> "_Book":
        zeros, nulls = np.zeros(shape, dtype=np.int64), np.full(shape, NULL)
        return cls(*(zeros.copy() for _ in range(3)), *(nulls.copy() for _ in range(4)))

    def take(self, facts: TickFacts, arrived_ms: int) -> None:
        self._orders(facts.orders, arrived_ms)
        self._events(facts.inventory, arrived_ms)
        strays = sum(len(documents) for documents in facts.strays.values())
        self.facts, self.uncounted = self.facts + strays, self.uncounted + strays

    def _orders(self, orders: OrderColumns, arrived_ms: int) -> None:
        in_time = self._in_time(orders.ts, arrived_ms)
        where, qty = (orders.product_id[in_time], orders.warehouse_id[in_time]), orders.qty[in_time]
        np.add.at(self.sold, where, qty)
        np.add.at(self.minute_units, where, qty)
        np.add.at(self.minute_squares, where, qty * qty)

    def _events(self, events: InventoryColumns, arrived_ms: int) -> None:
        newer = self._in_time(events.ts, arrived_ms)
        newer &= events.ts >= self.told_ms[events.product_id, events.warehouse_id]
        where = events.product_id[newer], events.warehouse_id[newer]
        self.on_hand[where], self.reserved[where] = events.on_hand[newer], events.reserved[newer]
        self.told_ms[where] = events.ts[newer]
        first = self.opening == NULL
        self.opening[first] = np.where(self.on_hand == NULL, NULL, self.on_hand - self.reserved)[first]

    def _in_time(self, ts: Ints, arrived_ms: int) -> npt.NDArray[np.bool_]:
        in_time: npt.NDArray[np.bool_] = arrived_ms < ts // 60_000 * 60_000 + FINAL_AFTER_MS
        self.facts, self.uncounted = self.facts + len(ts), self.uncounted + int((~in_time).sum())
        return in_time

    def close(self, minute: datetime) -> MinuteRollup:
        product, warehouse = np.nonzero((self.told_ms != NULL) | (self.sold > 0))
        given = {
            "units": self.minute_units,
            "units_squared": self.minute_squares,
            "on_hand": self.on_hand,
            "reserved": self.reserved,
            "inventory_ts": self.told_ms,
            "opening_available": self.opening,
            "sold_units": self.sold,
        }
        nothing = np.zeros(len(product), dtype=np.int64)
        columns = {name: given[name][product, warehouse] if name in given else nothing for name in PW_COLUMNS}
        self.minute_units[:], self.minute_squares[:] = 0, 0
        return MinuteRollup(minute, PairColumns(pair_key(product, warehouse), columns), empty_pwc(), "")


@dataclass(frozen=True)
class Closing:
    """A minute's end: what the jobs see, and of the truth the phantom pairs drawn, found, and showing in the books."""

    end: datetime
    last: MinuteRollup
    shipments: Shipments
    uncounted_share: float
    phantom: Pairs
    found: Pairs
    showing: Pairs


def closings(worlds: list[World], minutes: int) -> Iterator[Closing]:
    """Each minute's end of the sale's first `minutes`; ids of pairs are (product, warehouse)."""
    products = max(int(world.product_id.max()) for world in worlds) + 1
    shape = products, worlds[0].shape[1] + 1
    book = _Book.blank(shape)
    received: dict[int, tuple[int, int]] = {}
    written_off, cancelled, missing = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for world in worlds:
        missing[world.product_id, 1:] = world.phantom.missing
    for tick, (_, _, shards) in enumerate(ticks_of(worlds, 60 * minutes)):
        for world, facts in zip(worlds, shards, strict=True):
            book.take(facts, START_MS + 1000 * tick)
            for update in facts.shipments:
                if update.received_qty is not None:
                    received[update.shipment_id] = START_MS + 1000 * tick, update.received_qty
            for total, units in ((written_off, facts.truth.written_off), (cancelled, facts.truth.cancelled)):
                row, warehouse = np.divmod(units.key, world.shape[1])
                np.add.at(total, (world.product_id[row], warehouse + 1), units.units)
        if tick % 60 == 59:
            end = START + timedelta(seconds=tick + 1)
            assert epoch_ms(end) == START_MS + 1000 * (tick + 1)
            showing = _pairs(written_off != cancelled)
            share = book.uncounted / book.facts
            last = book.close(end - timedelta(minutes=1))
            yield Closing(
                end, last, _shipments(worlds, received), share, _pairs(missing > 0), _pairs(written_off > 0), showing
            )


def _shipments(worlds: list[World], received: dict[int, tuple[int, int]]) -> Shipments:
    product = np.concatenate([w.product_id[w.shipments.product] for w in worlds])
    warehouse = np.concatenate([w.shipments.warehouse for w in worlds]) + 1
    announced = np.concatenate([w.shipments.arrival_qty for w in worlds])
    ids = np.concatenate([w.shipments.shipment_id for w in worlds]).tolist()
    moments = np.array([received.get(i, (NULL, 0))[0] for i in ids], dtype=np.int64)
    units = np.array([received.get(i, (0, qty))[1] for i, qty in zip(ids, announced.tolist(), strict=True)])
    return Shipments(pair_key(product, warehouse), units.astype(np.int64), moments)


def _pairs(marked: npt.NDArray[np.bool_]) -> Pairs:
    return set(zip(*(axis.tolist() for axis in np.nonzero(marked)), strict=True))


def closing_of(end: datetime, told: datetime, **units: list[int]) -> MinuteRollup:
    """By hand: pairs (1, 1), (1, 2), ... with `opening`, `sold` and `closing` units, told at `told`."""
    length = len(units["sold"])
    book = _Book.blank((2, length + 1))
    book.sold[1, 1:], book.on_hand[1, 1:] = units["sold"], units["closing"]
    book.opening[1, 1:], book.told_ms[1, 1:], book.reserved[1, 1:] = units["opening"], epoch_ms(told), 0
    return book.close(end - timedelta(minutes=1))
