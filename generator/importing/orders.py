"""Read an order file into arrays: what is good becomes numbers, what is not becomes a rejected row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.scenario_messages import shown
from flashsale.schema import MAX_EXACT_ID, MAX_ORDER_VALUE
from generator.importing.bad_cells import BadCellError
from generator.importing.cells import BAD, NumberColumn
from generator.importing.mapping import Mapping
from generator.importing.names import plain_number, text_of
from generator.importing.numbers import FRACTION, MINOR_PARTS
from generator.importing.order_columns import (
    OrderColumnReaders,
    Vocabularies,
    joined_cells,
    joined_title,
    wanted_titles,
)
from generator.importing.product_facts import ProductFacts
from generator.importing.rejects import Rejects
from generator.importing.row_source import Batch, BrokenRow, RowSource, require_titles

IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

ROLES = ("product", "seller", "warehouse", "city", "quantity", "time", "value")
_KEY_BYTES = 16
"""Of a hash: two of 100 million different order ids share one with a probability below 10^-22."""
NO_SELLER = -1


@dataclass(frozen=True, slots=True)
class OrderRows:
    """N good rows in the order of the file.

    `product`, `seller` (`NO_SELLER`: none) and `city` are codes of `words`, `warehouse` is its id; `time` in
    epoch ms, `value` of the line in minor units.  `key` (N, 2) tells order ids apart, `own_id` (N,) is the order id
    where it is a plain number and -1 elsewhere; both are None when the file has no order ids.
    """

    product: Int32Array
    seller: Int32Array
    warehouse: Int32Array
    city: Int32Array
    quantity: Int32Array
    time: IntArray
    value: IntArray
    key: npt.NDArray[np.uint64] | None
    own_id: IntArray | None
    words: Vocabularies
    facts: ProductFacts

    def __len__(self) -> int:
        return len(self.time)


def read_orders(
    source: RowSource,
    mapping: Mapping,
    rejects: Rejects,
    until_ms: int | None,
    seen: Callable[[int, float], None],
) -> OrderRows:
    """All rows of `source`.  `seen` hears of progress: rows read so far, share of the file.

    Raises ImportFileError when a mapped column is missing or the file cannot be read to its end.
    """
    titles = wanted_titles(mapping)
    require_titles(source, titles)
    reader = _Reader(mapping, list(titles), until_ms)
    rows = 0
    for batch in source.batches(list(titles)):
        for bad in sorted(reader.take(batch), key=lambda row: row.line):
            rejects.add(bad)
        rows += len(batch.lines) + len(batch.broken)
        seen(rows, source.position)
    return reader.result()


class _Reader:
    def __init__(self, mapping: Mapping, titles: list[str], until_ms: int | None) -> None:
        self._mapping, self._titles = mapping, titles
        self._columns = OrderColumnReaders(mapping, until_ms)
        self._facts = ProductFacts()
        self._parts: dict[str, list[npt.NDArray[Any]]] = {role: [] for role in (*ROLES, "key", "own_id")}

    def take(self, batch: Batch) -> list[BrokenRow]:
        """Keep the good rows of `batch`; returns the others."""
        cells = dict(zip(self._titles, batch.columns, strict=True))
        problems: dict[int, tuple[str, str]] = {}
        numbers: dict[str, IntArray] = {}
        for column in self._columns.needed:
            found = self._cells(cells, column)
            numbers[column.role] = column.numbers(found)
            _note_problems(problems, numbers[column.role], found, column)
        keys, own = self._order_ids(cells, problems)
        numbers["value"] = self._line_values(numbers, cells, problems)
        good = np.ones(len(batch.lines), np.bool_)
        good[list(problems)] = False
        self._keep(numbers, keys, own, good)
        broken = [BrokenRow(batch.lines[i], *problem, batch.raw(i)) for i, problem in problems.items()]
        return broken + batch.broken

    def result(self) -> OrderRows:
        def whole(role: str, kind: type[np.generic]) -> Any:
            parts = self._parts.pop(role)
            return np.concatenate(parts).astype(kind, copy=False) if parts else np.empty(0, kind)

        has_ids = bool(self._mapping.columns.order_id)
        key = whole("key", np.uint64).reshape(-1, 2)
        own_id = whole("own_id", np.int64)
        columns = {role: whole(role, np.int64 if role in ("time", "value") else np.int32) for role in ROLES}
        return OrderRows(
            **columns,
            key=key if has_ids else None,
            own_id=own_id if has_ids else None,
            words=self._columns.words,
            facts=self._facts,
        )

    def _cells(self, cells: dict[str, Sequence[Any]], column: NumberColumn) -> Sequence[Any]:
        if column.role == "time":
            return joined_cells([cells[title] for title in self._mapping.columns.time])
        return cells[column.title]

    def _order_ids(
        self, cells: dict[str, Sequence[Any]], problems: dict[int, tuple[str, str]]
    ) -> tuple[bytes, list[int]]:
        """(16 bytes for each row, its id as a plain number or -1)."""
        titles = self._mapping.columns.order_id
        if not titles:
            return b"", []
        keys, own = [], []
        for i, parts in enumerate(zip(*(cells[title] for title in titles), strict=True)):
            try:
                text = "\x1f".join(map(text_of, parts))
            except BadCellError as error:
                problems.setdefault(i, (f"{error.code}:order_id", f"column '{joined_title(titles)}': {error.text}"))
                text = ""
            keys.append(blake2b(text.encode(), digest_size=_KEY_BYTES).digest())
            number = plain_number(text, MAX_EXACT_ID) if text else None
            own.append(-1 if number is None else number)
        return b"".join(keys), own

    def _line_values(
        self, numbers: dict[str, IntArray], cells: dict[str, Sequence[Any]], problems: dict[int, tuple[str, str]]
    ) -> IntArray:
        """Value of each line in minor units; a value out of range or with a fraction is a problem."""
        role = self._columns.amount_role
        amount, quantity = numbers[role], numbers["quantity"]
        usable = (amount >= 0) & (quantity > 0)
        times = np.where(usable, quantity if role == "unit_price" else 1, 0)
        too_large = usable & (amount.astype(np.float64) * times > MAX_ORDER_VALUE * MINOR_PARTS * 1.001)
        parts = np.where(too_large, 0, amount) * np.where(too_large, 0, times)
        too_large |= parts > MAX_ORDER_VALUE * MINOR_PARTS
        value, rest = np.divmod(parts, MINOR_PARTS)
        half = MINOR_PARTS // 2
        rounded_up = (rest > half) | ((rest == half) & (value % 2 == 1))
        fraction = np.zeros(len(value), np.bool_) if self._mapping.money.round else rest != 0
        column = self._columns.column(role)
        for i in np.flatnonzero(too_large | fraction).tolist():
            text = shown(cells[column.title][i])
            limit = f"{text} × {int(quantity[i])} is beyond {MAX_ORDER_VALUE} minor units"
            words = limit if too_large[i] else f"{text} × {int(quantity[i])} {FRACTION}"
            problems.setdefault(i, (f"range:{role}", f"column {column.title!r}: {words}"))
        result: IntArray = value + rounded_up
        return result

    def _keep(self, numbers: dict[str, IntArray], keys: bytes, own: list[int], good: BoolArray) -> None:
        if "seller" not in numbers:
            numbers["seller"] = np.full(len(good), NO_SELLER, np.int64)
        for role in ROLES:
            kept = numbers[role][good]
            if role == "seller":
                kept = np.maximum(kept, NO_SELLER)
            # Times and values need 64 bits, all else fits 32.
            self._parts[role].append(kept if role in ("time", "value") else kept.astype(np.int32))
        if self._mapping.columns.order_id:
            self._parts["key"].append(np.frombuffer(keys, np.uint64).reshape(-1, 2)[good])
            self._parts["own_id"].append(np.array(own, np.int64)[good])
        self._facts.note({role: column[good] for role, column in numbers.items()})


def _note_problems(
    problems: dict[int, tuple[str, str]], numbers: IntArray, cells: Sequence[Any], column: NumberColumn
) -> None:
    for i in np.flatnonzero(numbers == BAD).tolist():
        if i not in problems:
            error = column.problem(cells[i])
            problems[i] = f"{error.code}:{column.role}", f"column {column.title!r}: {error.text}"
