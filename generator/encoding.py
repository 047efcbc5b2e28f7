"""Facts as BSON without a Python object for each: an array of bytes whose rows are documents.

All documents of a fact table are equally long and have the same field at the same place
(`flashsale.fact_layout`): the rows are copies of one document, with the columns written over its values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bson
import numpy as np
import numpy.typing as npt
from bson.codec_options import CodecOptions, DatetimeConversion

from flashsale.errors import FlashsaleError
from flashsale.fact_layout import ByteRows, fact_layout
from flashsale.schema import INVENTORY, ORDERS, Table
from flashsale.stores.mongo import Document
from generator.facts import Column, FloatArray, IntArray, InventoryColumns, OrderColumns, inventory_fields, order_fields

_AS_WRITTEN: CodecOptions[Document] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
"""Decodes to what is encoded to the same bytes again, also for times that Python has no date for."""

RowMask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FactBlock:
    """N facts of one table that are sent with the same tick.

    Row i of `rows` (N, L) is one BSON document; `ids` (N,) its ``_id``, `event_ms` (N,) its
    event time in epoch ms; `arrived_ms` is the ``arrived_at`` of all of them.
    """

    table: Table
    rows: ByteRows
    ids: IntArray
    event_ms: IntArray
    arrived_ms: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def payload(self) -> memoryview:
        """The documents' bytes, one after the other."""
        return np.ascontiguousarray(self.rows).reshape(-1).data

    def document(self, row: int) -> Document:
        """Row `row`, decoded."""
        return bson.decode(self.rows[row].tobytes(), _AS_WRITTEN)

    def part(self, selected: slice | RowMask) -> "FactBlock":
        """The facts of the selected rows; of a slice, without copying them."""
        return FactBlock(self.table, self.rows[selected], self.ids[selected], self.event_ms[selected], self.arrived_ms)


def encode_orders(orders: OrderColumns, arrived_ms: int) -> FactBlock:
    """The documents of `order_documents`, byte for byte.

    Raises FlashsaleError for a value that does not fit its field.
    """
    return _block(ORDERS, order_fields(orders), arrived_ms)


def encode_inventory(events: InventoryColumns, arrived_ms: int) -> FactBlock:
    """The documents of `inventory_documents`, byte for byte.

    Raises FlashsaleError for a value that does not fit its field.
    """
    return _block(INVENTORY, inventory_fields(events), arrived_ms)


def _block(table: Table, columns: Mapping[str, Column], arrived_ms: int) -> FactBlock:
    """`columns` by field name; ValueError unless all are equally long."""
    ids, event_ms = columns[table.key], columns[table.event_time or ""]
    layout = fact_layout(table)
    rows = np.empty((len(ids), layout.length), np.uint8)
    rows[:] = layout.template
    values = rows.view(layout.values)[:, 0]
    for name, column in columns.items():
        if column.shape != ids.shape:
            raise ValueError(f"{table.name}.{name}: {len(column)} values for {len(ids)} facts")
        values[name] = _fitting(table, name, column, layout.values[name])
    values["arrived_at"] = arrived_ms
    return FactBlock(table, rows, ids.astype(np.int64, copy=False), event_ms.astype(np.int64, copy=False), arrived_ms)


def _fitting(table: Table, name: str, column: IntArray | FloatArray, wanted: np.dtype[Any]) -> IntArray | FloatArray:
    """`column`, of which every value fits field `name`: numpy by itself would cut off the upper bits."""
    if np.can_cast(column.dtype, wanted) or not len(column):
        return column
    if column.dtype.kind not in "iu" or wanted.kind != "i":
        raise FlashsaleError(f"{table.name}.{name}: {column.dtype} values do not fit {table.field(name).type}")
    limits = np.iinfo(wanted)
    for value in (int(column.min()), int(column.max())):
        if not limits.min <= value <= limits.max:
            raise FlashsaleError(
                f"{table.name}.{name}: {value} does not fit {table.field(name).type} "
                f"({limits.min} to {limits.max}); lower what the scenario makes of it"
            )
    return column
