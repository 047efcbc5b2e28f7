"""Opening stock from a file, and the stock events that follow from the orders."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from generator.facts import InventoryColumns
from generator.importing.bad_cells import bad
from generator.importing.cells import BAD, NumberColumn
from generator.importing.mapping import Mapping
from generator.importing.names import known_reader, text_of
from generator.importing.numbers import MAX_ON_HAND, number_reader, whole_reader
from generator.importing.order_table import OrderTable
from generator.importing.order_table import numbered as ids_by_tick
from generator.importing.places import warehouse_names
from generator.importing.rejects import Rejects
from generator.importing.row_source import Batch, BrokenRow, RowSource, require_titles

IntArray = npt.NDArray[np.int64]

_PAIR_BITS = 32


@dataclass(frozen=True, slots=True)
class OpeningStock:
    """K pairs: `pair` is product_id · 2^32 + warehouse_id, rising; `on_hand` their units at the start."""

    pair: IntArray
    on_hand: IntArray


def pairs_of(product_id: IntArray, warehouse_id: IntArray) -> IntArray:
    return (product_id.astype(np.int64) << _PAIR_BITS) | warehouse_id


def stock_path(mapping: Mapping) -> Path | None:
    """Where the file of opening stock is; None without one."""
    return None if mapping.stock is None else mapping.folder / mapping.stock.file


def read_stock(
    source: RowSource, mapping: Mapping, product_ids: dict[str, int], rejects: Rejects
) -> tuple[OpeningStock, int]:
    """(opening stock, rows of products that nobody ordered).  `product_ids`: name -> id of the ordered ones.

    A pair that stands in the file before is a rejected row.  Raises ImportFileError when a column is missing.
    """
    rules = mapping.stock
    assert rules is not None
    require_titles(
        source,
        {rules.product: "stock.product", rules.warehouse: "stock.warehouse", rules.on_hand: "stock.on_hand"},
    )
    reader = _Reader(mapping, product_ids)
    for batch in source.batches([rules.product, rules.warehouse, rules.on_hand]):
        for row in sorted(reader.take(batch), key=lambda row: row.line):
            rejects.add(row)
    pairs = np.array(sorted(reader.on_hand), np.int64)
    on_hand = np.array([reader.on_hand[pair] for pair in pairs.tolist()], np.int64)
    return OpeningStock(pairs, on_hand), reader.unknown_products


class _Reader:
    def __init__(self, mapping: Mapping, product_ids: dict[str, int]) -> None:
        rules = mapping.stock
        assert rules is not None
        not_listed = "is not in [[warehouses]] of the mapping"
        on_hand = whole_reader(number_reader(mapping.file), 0, MAX_ON_HAND)
        self._columns = [
            NumberColumn("product", rules.product, lambda cell: product_ids.get(text_of(cell), -1)),
            NumberColumn("warehouse", rules.warehouse, known_reader(warehouse_names(mapping), not_listed)),
            NumberColumn("on_hand", rules.on_hand, on_hand),
        ]
        self.on_hand: dict[int, int] = {}
        self.unknown_products = 0

    def take(self, batch: Batch) -> list[BrokenRow]:
        """Keep the good rows; returns the others."""
        columns = [column.numbers(cells).tolist() for column, cells in zip(self._columns, batch.columns, strict=True)]
        rejected = list(batch.broken)
        for i, (product, warehouse, on_hand) in enumerate(zip(*columns, strict=True)):
            wrong = [j for j, number in enumerate((product, warehouse, on_hand)) if number == BAD]
            pair = product << _PAIR_BITS | warehouse
            if wrong:
                column = self._columns[wrong[0]]
                error = column.problem(batch.columns[wrong[0]][i])
            elif product < 0:
                self.unknown_products += 1
                continue
            elif pair in self.on_hand:
                column = self._columns[0]
                error = bad("repeated", batch.columns[0][i], "stands in an earlier row with the same warehouse")
            else:
                self.on_hand[pair] = on_hand
                continue
            problem = f"column {column.title!r}: {error.text}"
            rejected.append(BrokenRow(batch.lines[i], f"{error.code}:{column.role}", problem, batch.raw(i)))
        return rejected


def stock_events(table: OrderTable, opening: OpeningStock) -> tuple[InventoryColumns, IntArray]:
    """(M events in order of time, the tick of each): every pair at the start, then each pair and second that sold.

    ``on_hand(t) = max(0, opening − units ordered up to t)``; nothing is known of receipts and of what is reserved.
    A stock that stays at 0 is no event; of a pair that sells in the first second there is one event in it.
    """
    orders = table.orders
    pair = pairs_of(orders.product_id, orders.warehouse_id)
    counted = np.flatnonzero(~table.again & np.isin(pair, opening.pair))
    row = np.searchsorted(opening.pair, pair[counted])
    by_pair = counted[np.argsort(row, kind="stable")]
    row = np.sort(row)
    left = np.maximum(0, opening.on_hand[row] - _cumulative(orders.qty[by_pair].astype(np.int64), row))
    tick = table.tick[by_pair]
    last = np.ones(len(row), np.bool_)
    last[:-1] = (row[1:] != row[:-1]) | (tick[1:] != tick[:-1])
    row, tick, left, time = row[last], tick[last], left[last], orders.ts[by_pair][last]
    before = np.where(np.diff(row, prepend=-1) != 0, opening.on_hand[row], np.roll(left, 1))
    first_second = tick == 0
    changed = (left != before) | first_second
    opened = np.setdiff1d(np.arange(len(opening.pair)), row[first_second])
    row = np.concatenate([opened, row[changed]])
    tick = np.concatenate([np.zeros(len(opened), np.int64), tick[changed]])
    left = np.concatenate([opening.on_hand[opened], left[changed]])
    time = np.concatenate([np.full(len(opened), table.start_ms), time[changed]])
    order = np.lexsort((row, time, tick))
    row, tick, left, time = row[order], tick[order], left[order], time[order]
    events = InventoryColumns(
        event_id=ids_by_tick(tick),
        product_id=opening.pair[row] >> _PAIR_BITS,
        warehouse_id=opening.pair[row] & ((1 << _PAIR_BITS) - 1),
        on_hand=left,
        reserved=np.zeros(len(row), np.int64),
        delay=np.zeros(len(row)),
        ts=time,
    )
    return events, tick


def _cumulative(qty: IntArray, row: IntArray) -> IntArray:
    """Running sums of `qty` that begin anew with each value of `row`, which rises."""
    total = np.cumsum(qty)
    starts = np.searchsorted(row, row, side="left")
    result: IntArray = total - np.where(starts > 0, total[starts - 1], 0)
    return result
