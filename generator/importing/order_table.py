"""The good rows as the sale will have them: in order of time, with ids, copies of an order told apart."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.minutes import from_epoch_ms, iso
from flashsale.scenario_rules import MAX_PAIRS
from generator.facts import TICK_MS, OrderColumns
from generator.ids import SEQUENCE_BITS, SHARD_BITS
from generator.importing.bad_cells import ImportFileError
from generator.importing.mapping import Mapping
from generator.importing.names import ids_of
from generator.importing.order_columns import sale_bounds_ms
from generator.importing.orders import NO_SELLER, OrderRows
from generator.importing.places import warehouse_cities

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_MINUTES = 10_080
"""Longest sale, as for scenarios: a week."""
MAX_PER_SECOND = 1 << SEQUENCE_BITS
_MAX_PRODUCT_ID = _MAX_SELLER_ID = 2**31 - 1
_ONE_SELLER = 1


@dataclass(frozen=True, slots=True)
class OrderTable:
    """`orders` (N rows) in order of time, all in ``[start_ms, end_ms)``; `tick` (N,) is the second of the sale.

    `again` marks rows whose order id stands in an earlier row: they carry its id, and whether they say the same
    is seen at the door.  `city_ids`, `product_ids`: code of the vocabulary -> id, -1 for names of rejected rows only.
    """

    orders: OrderColumns
    tick: IntArray
    again: BoolArray
    start_ms: int
    end_ms: int
    product_ids: IntArray
    city_ids: IntArray

    def __len__(self) -> int:
        return len(self.tick)


def order_table(rows: OrderRows, mapping: Mapping) -> OrderTable:
    """The table of all `rows`, at least one, at their own times.

    Raises ImportFileError for a sale longer than `MAX_MINUTES`, too many orders in one second, and too many pairs.
    """
    by_time = np.argsort(rows.time, kind="stable")
    time = rows.time[by_time]
    start_ms, end_ms = _span(time, mapping)
    tick = (time - start_ms) // TICK_MS
    per_second = np.bincount(tick)
    if per_second.max() > MAX_PER_SECOND:
        moment = iso(from_epoch_ms(start_ms + int(per_second.argmax()) * TICK_MS))
        raise ImportFileError(
            f"more than {MAX_PER_SECOND} orders carry the second {moment}: does the time column hold the time of day?"
        )
    product_ids = ids_of(rows.words.products.names, np.unique(rows.product), _MAX_PRODUCT_ID)
    city_codes = np.union1d(np.unique(rows.city), _codes_of_warehouse_cities(rows, mapping))
    city_ids = ids_of(rows.words.cities.names, city_codes, 0)
    pairs = len(np.unique(rows.product.astype(np.int64) << 32 | rows.warehouse))
    if pairs > MAX_PAIRS:
        raise ImportFileError(f"the orders are of {pairs} pairs of product and warehouse, must be at most {MAX_PAIRS}")
    order_id, again = _order_ids(rows, by_time, tick)
    orders = OrderColumns(
        order_id=order_id,
        product_id=product_ids[rows.product[by_time]],
        seller_id=_seller_ids(rows)[by_time],
        warehouse_id=rows.warehouse[by_time].astype(np.int64),
        city_id=city_ids[rows.city[by_time]],
        qty=rows.quantity[by_time].astype(np.int64),
        value=rows.value[by_time],
        ts=time,
    )
    return OrderTable(orders, tick, again, start_ms, end_ms, product_ids, city_ids)


def _span(time: IntArray, mapping: Mapping) -> tuple[int, int]:
    """[start, end) of the sale in epoch ms, whole seconds; `time` is sorted."""
    start, end = sale_bounds_ms(mapping)
    first, last = int(time[0]), int(time[-1])
    start_ms = (first if start is None else start) // TICK_MS * TICK_MS
    end_ms = (last // TICK_MS + 1) * TICK_MS if end is None else -(-end // TICK_MS) * TICK_MS
    if end_ms - start_ms > MAX_MINUTES * 60_000:
        raise ImportFileError(
            f"the orders lie between {iso(from_epoch_ms(first))} and {iso(from_epoch_ms(last))}; a sale has at most "
            f"{MAX_MINUTES // 1440} days: set `starts_at` and `ends_at` in [sale] of the mapping"
        )
    return start_ms, end_ms


def _codes_of_warehouse_cities(rows: OrderRows, mapping: Mapping) -> IntArray:
    codes = [rows.words.cities.find(city) for city in warehouse_cities(mapping)]
    return np.array([code for code in codes if code is not None], np.int64)


def _seller_ids(rows: OrderRows) -> IntArray:
    """(N,): 1 where the file has no sellers, 0 for orders without one."""
    used = np.unique(rows.seller[rows.seller != NO_SELLER])
    if not rows.words.sellers.names:
        return np.full(len(rows), _ONE_SELLER, np.int64)
    ids = ids_of(rows.words.sellers.names, used, _MAX_SELLER_ID)
    return np.where(rows.seller == NO_SELLER, 0, ids[rows.seller])


def _order_ids(rows: OrderRows, by_time: IntArray, tick: IntArray) -> tuple[IntArray, BoolArray]:
    """(id of each row, whether an earlier row has the same order id), in order of time.

    Plain numbers stay what they are when all are; otherwise an order is numbered by the second and its place in
    it.  Either way the ids are a function of file and mapping alone.
    """
    n = len(tick)
    if rows.key is None or rows.own_id is None:
        return numbered(tick), np.zeros(n, np.bool_)
    key = rows.key[by_time]
    # Stable: of equal keys the earliest comes first.
    grouped = np.lexsort((key[:, 1], key[:, 0]))
    is_first = np.ones(n, np.bool_)
    is_first[1:] = (key[grouped[1:]] != key[grouped[:-1]]).any(axis=1)
    first_of_group = grouped[is_first][np.cumsum(is_first) - 1]
    first = np.empty(n, np.int64)
    first[grouped] = first_of_group
    own = bool((rows.own_id >= 0).all())
    ids = rows.own_id[by_time] if own else numbered(tick)[first]
    return ids, first != np.arange(n)


def numbered(tick: IntArray) -> IntArray:
    """Ids as `generator.ids.fact_ids` gives them to shard 0, for rows in order of their tick."""
    first_of_tick = np.searchsorted(tick, tick, side="left")
    return (tick << (SHARD_BITS + SEQUENCE_BITS)) | (np.arange(len(tick)) - first_of_tick)
