"""An imported sale's facts, second by second, ready for the door."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from flashsale.minutes import from_epoch_ms
from flashsale.schema import ORDERS
from generator.encoding import encode_inventory, encode_orders
from generator.facts import InventoryColumns, OrderColumns, order_documents, tick_time_ms
from generator.importing.order_table import OrderTable
from generator.tick_write import TickWrite

IntArray = npt.NDArray[np.int64]

T = TypeVar("T", OrderColumns, InventoryColumns)

BATCH_FACTS = 50_000
BATCH_TICKS = 600


@dataclass(frozen=True, slots=True)
class Portion:
    """Facts written together: `ticks` in order, and the first tick after them that is not dealt with yet."""

    ticks: Sequence[TickWrite]
    orders: int
    events: int
    next_tick: int


class ReplayTicks:
    """The facts of `table`, and the stock events that follow from it, moved to a sale that starts at `start_ms`.

    Ids and the order of facts do not depend on `start_ms`.  Facts arrive with the tick of their event time, not when
    they are replayed: so a file imported twice, or again after a crash, gives the same documents, and no order of
    last year is late.
    """

    def __init__(self, table: OrderTable, events: tuple[InventoryColumns, IntArray], start_ms: int) -> None:
        self._table, self._start_ms = table, start_ms
        self._shift_ms = start_ms - table.start_ms
        self._events, self._event_tick = events
        self._busy = np.union1d(np.unique(table.tick), np.unique(self._event_tick))

    @property
    def orders(self) -> int:
        return len(self._table)

    def portion(self, first: int, end: int) -> Portion:
        """Facts of ticks from `first` on and before `end`, as many as are good to write at once."""
        ticks = self._busy[np.searchsorted(self._busy, first) : np.searchsorted(self._busy, end)]
        order_bounds = _bounds(self._table.tick, ticks)
        event_bounds = _bounds(self._event_tick, ticks)
        sizes = np.diff(order_bounds, axis=1)[:, 0] + np.diff(event_bounds, axis=1)[:, 0]
        # A second with more facts than that goes alone.
        count = min(max(int(np.searchsorted(np.cumsum(sizes), BATCH_FACTS, side="right")), 1), BATCH_TICKS)
        writes = [
            self._tick(int(tick), slice(*orders), slice(*events))
            for tick, orders, events in zip(
                ticks[:count], order_bounds[:count].tolist(), event_bounds[:count].tolist(), strict=True
            )
        ]
        return Portion(
            writes,
            int(np.diff(order_bounds[:count], axis=1).sum()),
            int(np.diff(event_bounds[:count], axis=1).sum()),
            end if count >= len(ticks) else int(ticks[count]),
        )

    def _tick(self, tick: int, orders: slice, events: slice) -> TickWrite:
        arrived_ms = tick_time_ms(self._start_ms, tick)
        sold = _shifted(self._table.orders, orders, self._shift_ms)
        again = np.flatnonzero(self._table.again[orders])
        first = np.flatnonzero(~self._table.again[orders])
        blocks = [encode_orders(sold.take(first), arrived_ms)]
        if events.stop > events.start:
            blocks.append(encode_inventory(_shifted(self._events, events, self._shift_ms), arrived_ms))
        # One by one: whether it is a copy or a contradiction is for the door to see.
        documents: dict[str, list[dict[str, Any]]] = {}
        if len(again):
            documents[ORDERS.name] = order_documents(sold.take(again), arrived_ms)
        return TickWrite(from_epoch_ms(arrived_ms), blocks, documents)


def _shifted(columns: T, rows: slice, shift_ms: int) -> T:
    part = columns.take(np.arange(rows.start, rows.stop))
    return replace(part, ts=part.ts + shift_ms)


def _bounds(tick_of_rows: IntArray, ticks: IntArray) -> IntArray:
    """(ticks, 2): first row of each tick, and the first after it."""
    return np.stack(
        [np.searchsorted(tick_of_rows, ticks, "left"), np.searchsorted(tick_of_rows, ticks, "right")], axis=1
    )
