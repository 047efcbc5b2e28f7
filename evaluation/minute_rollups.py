"""Rollups of simulated minutes as dense arrays, by the rules of the minute engine.

The engine's own are aggregated by Spark (``spark_jobs.rollup_transforms``, ``spark_jobs.rollups``); an
integration test compares the two.  All sums are of integers.  P products, W warehouses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.bots import MinuteOrders, bot_like
from generator.facts import InventoryColumns, OrderColumns, tick_time_ms
from generator.shard_state import TickFacts

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MINUTE_MS = 60_000
LATENESS_MS = 2 * MINUTE_MS
UNKNOWN = -1
_SUMS = ("orders", "units", "squares", "value")
_BOT_SUMS = ("bot_orders", "bot_units", "bot_squares", "bot_value")


@dataclass(frozen=True, slots=True)
class MinuteRollup:
    """One minute; all arrays (P, W).

    `orders`, `units`, `squares` (sum of squared quantities), `value` (minor units) of all orders, `bot_*` of
    those that machines made; `available` at the minute's end and `in_stock_ms` within it, −1 while unknown.
    """

    minute: int
    orders: IntArray
    units: IntArray
    squares: IntArray
    value: IntArray
    bot_orders: IntArray
    bot_units: IntArray
    bot_squares: IntArray
    bot_value: IntArray
    available: IntArray
    in_stock_ms: IntArray


class MinuteRollups:
    """Give it every tick in order; it holds the orders of the minutes that may still change, no more."""

    def __init__(self, start_ms: int, shape: tuple[int, int]) -> None:
        """`start_ms`: the sale's start, a minute boundary; `shape`: products, with ids 1 … P, and warehouses."""
        self._start_ms, self._shape = start_ms, shape
        self._open: dict[int, tuple[list[OrderColumns], list[InventoryColumns]]] = {}
        self._available: IntArray = np.full(shape, UNKNOWN, dtype=np.int64)
        self._next = 0

    def add(self, facts: Sequence[TickFacts]) -> Iterator[MinuteRollup]:
        """Take in one tick of all shards; the minutes that are final with it."""
        for one in facts:
            arrived_ms = tick_time_ms(self._start_ms, one.tick)
            self._file(0, one.orders, arrived_ms)
            self._file(1, one.inventory, arrived_ms)
        elapsed_ms = (facts[0].tick + 1) * 1000
        while elapsed_ms >= (self._next + 1) * MINUTE_MS + LATENESS_MS:
            yield self._close()

    def finish(self, minutes: int) -> Iterator[MinuteRollup]:
        """The rest of a sale of `minutes` minutes."""
        while self._next < minutes:
            yield self._close()

    def _file(self, table: int, rows: OrderColumns | InventoryColumns, arrived_ms: int) -> None:
        if not len(rows.ts):
            return
        minute = (rows.ts - self._start_ms) // MINUTE_MS
        for number in np.unique(minute).tolist():
            if arrived_ms >= self._start_ms + (number + 1) * MINUTE_MS + LATENESS_MS:
                continue
            waiting: list[OrderColumns] | list[InventoryColumns] = self._open.setdefault(number, ([], []))[table]
            waiting.append(rows.take(np.flatnonzero(minute == number)))  # type: ignore[arg-type]

    def _close(self) -> MinuteRollup:
        minute, self._next = self._next, self._next + 1
        orders, events = self._open.pop(minute, ([], []))
        sums = self._order_sums(orders)
        available, in_stock = self._stock(minute, events)
        self._available = available
        return MinuteRollup(minute, **sums, available=available, in_stock_ms=in_stock)

    def _order_sums(self, parts: list[OrderColumns]) -> dict[str, IntArray]:
        """The eight sums of `MinuteRollup` by name."""
        if not parts:
            return {name: np.zeros(self._shape, dtype=np.int64) for name in (*_SUMS, *_BOT_SUMS)}
        product, seller, warehouse, city, qty, value, ts = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("product_id", "seller_id", "warehouse_id", "city_id", "qty", "value", "ts")
        )
        key = (product - 1) * self._shape[1] + warehouse - 1
        machines = bot_like(MinuteOrders(product, seller, city, qty, (ts - self._start_ms) % MINUTE_MS))
        columns = (np.ones_like(qty), qty, qty * qty, value)
        of_all = {name: self._sum(key, column) for name, column in zip(_SUMS, columns, strict=True)}
        of_machines = {
            name: self._sum(key[machines], column[machines]) for name, column in zip(_BOT_SUMS, columns, strict=True)
        }
        return of_all | of_machines

    def _sum(self, key: IntArray, values: IntArray) -> IntArray:
        total = np.zeros(self._shape[0] * self._shape[1], dtype=np.int64)
        np.add.at(total, key, values)
        return total.reshape(self._shape)

    def _stock(self, minute: int, parts: list[InventoryColumns]) -> tuple[IntArray, IntArray]:
        """(available at the minute's end, ms of it with stock), −1 unknown."""
        before = self._available.ravel()
        until_first: IntArray = np.full(before.size, MINUTE_MS, dtype=np.int64)
        in_stock, closing = np.zeros(before.size, dtype=np.int64), before.copy()
        if parts:
            key, at, left = self._events(minute, parts)
            last = np.append(key[1:] != key[:-1], True)
            first = np.append(True, last[:-1])
            ends = np.where(last, MINUTE_MS, np.append(at[1:], MINUTE_MS))
            np.add.at(in_stock, key, np.where(left > 0, ends - at, 0))
            until_first[key[first]] = at[first]
            closing[key[last]] = left[last]
        in_stock += np.where(before > 0, until_first, 0)
        in_stock[closing == UNKNOWN] = UNKNOWN
        return closing.reshape(self._shape), in_stock.reshape(self._shape)

    def _events(self, minute: int, parts: list[InventoryColumns]) -> tuple[IntArray, IntArray, IntArray]:
        """(key, ms within the minute, available) of its events, by key, time and id."""
        product, warehouse, on_hand, reserved, ts, event = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("product_id", "warehouse_id", "on_hand", "reserved", "ts", "event_id")
        )
        key = (product - 1) * self._shape[1] + warehouse - 1
        order = np.lexsort((event, ts, key))
        at = ts - self._start_ms - minute * MINUTE_MS
        return key[order], at[order], np.maximum(on_hand - reserved, 0)[order]
