"""From files to a table of orders, their stock events and dimensions: everything before a store is touched."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from generator.facts import InventoryColumns
from generator.importing.bad_cells import ImportFileError
from generator.importing.mapping import Mapping
from generator.importing.order_table import OrderTable, order_table
from generator.importing.orders import OrderRows, read_orders
from generator.importing.rejects import Rejects
from generator.importing.source_files import content_digest, open_rows, version_of
from generator.importing.stock import OpeningStock, read_stock, stock_events, stock_path

IntArray = npt.NDArray[np.int64]
Seen = Callable[[int, float], None]

_NO_STOCK = OpeningStock(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a sale is imported from; `content` is a digest of the bytes of all of it and of the speed."""

    orders: Path
    mapping: Mapping
    speed: float | None
    content: str

    @property
    def seed(self) -> int:
        """31 bits of the digest: the seed in the sale's identity."""
        return int(self.content[:8], 16) & 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Read:
    """What the files hold; rejected rows by reason (``kind:column``); `seconds` it took to read them."""

    rows: OrderRows
    table: OrderTable
    events: tuple[InventoryColumns, IntArray]
    rows_read: int
    rejected: dict[str, int]
    rejects_path: Path
    stock_rows_rejected: int
    stock_rows_unused: int
    seconds: float


def inputs_of(orders: Path, mapping: Mapping, speed: float | None) -> Inputs:
    """Digest the files; raises ImportFileError when one cannot be read."""
    stock = stock_path(mapping)
    parts = [content_digest(orders), None if stock is None else content_digest(stock), mapping.text, speed]
    return Inputs(orders, mapping, speed, sha256(json.dumps(parts).encode()).hexdigest())


def read_inputs(inputs: Inputs, rejects_path: Path, until_ms: int | None, seen: Seen) -> Read:
    """Read all rows; those that are no good are told on stderr and kept in `rejects_path`.

    Raises ImportFileError when no row is good, when a file changed meanwhile, and for what is wrong with a whole file.
    """
    mapping, began = inputs.mapping, time.monotonic()
    before = version_of(inputs.orders)
    rows_read = 0

    def count(rows: int, share: float) -> None:
        nonlocal rows_read
        rows_read = rows
        seen(rows, share)

    with ExitStack() as stack:
        source = stack.enter_context(open_rows(inputs.orders, mapping.file))
        rejects = stack.enter_context(Rejects(inputs.orders, rejects_path, source.titles, source.encoding))
        rows = read_orders(source, mapping, rejects, until_ms, count)
    if version_of(inputs.orders) != before:
        raise ImportFileError(f"{inputs.orders}: was changed while it was read; import it again")
    if not rows_read:
        raise ImportFileError(f"{inputs.orders}: has a header and no row")
    rejects.forget_older()
    if not len(rows):
        raise ImportFileError(
            f"{inputs.orders}: none of {rows_read} rows can be imported ({reasons(rejects.by_reason)}); "
            f"all stand in {rejects_path} with their reason"
        )
    table = order_table(rows, mapping)
    opening, stock_rejected, unused = _stock(rows, table, mapping, rejects_path)
    return Read(
        rows,
        table,
        stock_events(table, opening),
        rows_read,
        dict(rejects.by_reason),
        rejects_path,
        stock_rejected,
        unused,
        time.monotonic() - began,
    )


def reasons(counts: dict[str, int]) -> str:
    """``type:quantity 2, unknown:city 1``, the most frequent first."""
    return ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _stock(rows: OrderRows, table: OrderTable, mapping: Mapping, rejects_path: Path) -> tuple[OpeningStock, int, int]:
    """(opening stock, rows rejected, rows of products without orders)."""
    path = stock_path(mapping)
    if path is None:
        return _NO_STOCK, 0, 0
    names = rows.words.products.names
    ids = {names[code]: int(table.product_ids[code]) for code in np.flatnonzero(table.product_ids >= 0).tolist()}
    with ExitStack() as stack:
        source = stack.enter_context(open_rows(path, mapping.file))
        own_rejects = rejects_path.with_name(f"{path.stem}.rejected.csv")
        if own_rejects == rejects_path:
            own_rejects = rejects_path.with_name(f"{path.stem}.stock.rejected.csv")
        rejects = stack.enter_context(Rejects(path, own_rejects, source.titles, source.encoding))
        opening, unused = read_stock(source, mapping, ids, rejects)
    rejects.forget_older()
    return opening, rejects.count, unused
