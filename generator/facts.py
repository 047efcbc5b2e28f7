"""Facts of one shard and tick: as columns from the simulation, as documents for the writer."""

from dataclasses import Field, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from bson.int64 import Int64

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Document = dict[str, Any]
Column = IntArray | FloatArray

TICK_MS = 1000


def tick_time_ms(start_ms: int, tick: int) -> int:
    """Arrival time of a tick's facts: its last millisecond, so that it lies in the minute of its events."""
    return start_ms + (tick + 1) * TICK_MS - 1


class _Columns:
    """Columns of equal length, a row per fact."""

    __slots__ = ()

    @classmethod
    def empty(cls) -> Self:
        """No rows."""
        return cls(*(np.empty(0, dtype=_DTYPES.get(one.name, np.int64)) for one in _fields(cls)))

    def take(self, index: IntArray) -> Self:
        """The rows with these indices, in this order."""
        return type(self)(*(getattr(self, one.name)[index] for one in _fields(self)))

    def joined(self, other: Any) -> Self:
        """These rows, then those of `other`, which has the same columns."""
        return type(self)(
            *(np.concatenate([getattr(self, one.name), getattr(other, one.name)]) for one in _fields(self))
        )


@dataclass(frozen=True, slots=True)
class OrderColumns(_Columns):
    """N orders; `ts` in epoch ms, `value` in minor units."""

    order_id: IntArray
    product_id: IntArray
    seller_id: IntArray
    warehouse_id: IntArray
    city_id: IntArray
    qty: IntArray
    value: IntArray
    ts: IntArray


@dataclass(frozen=True, slots=True)
class InventoryColumns(_Columns):
    """M inventory events; `delay` in minutes, `ts` in epoch ms."""

    event_id: IntArray
    product_id: IntArray
    warehouse_id: IntArray
    on_hand: IntArray
    reserved: IntArray
    delay: FloatArray
    ts: IntArray


_DTYPES: dict[str, type] = {"delay": np.float64}


def _fields(columns: Any) -> tuple[Field[Any], ...]:
    return fields(columns)


def order_fields(orders: OrderColumns) -> dict[str, Column]:
    """The columns under the schema's names of the fields."""
    return {
        "order_id": orders.order_id,
        "product_id": orders.product_id,
        "seller_id": orders.seller_id,
        "warehouse_id": orders.warehouse_id,
        "city_id": orders.city_id,
        "order_qty": orders.qty,
        "order_value": orders.value,
        "order_ts": orders.ts,
    }


def inventory_fields(events: InventoryColumns) -> dict[str, Column]:
    """The columns under the schema's names of the fields."""
    return {
        "inventory_event_id": events.event_id,
        "product_id": events.product_id,
        "warehouse_id": events.warehouse_id,
        "inventory_on_hand": events.on_hand,
        "reserved_stock": events.reserved,
        "fulfillment_delay": events.delay,
        "inventory_ts": events.ts,
    }


def order_documents(orders: OrderColumns, arrived_at_ms: int) -> list[Document]:
    """`orders_fact` documents in stored form."""
    arrived_at = _date(arrived_at_ms)
    columns = (
        orders.order_id,
        orders.product_id,
        orders.seller_id,
        orders.warehouse_id,
        orders.city_id,
        orders.qty,
        orders.value,
        orders.ts,
    )
    return [
        {
            "_id": Int64(order_id),
            "product_id": product,
            "seller_id": seller,
            "warehouse_id": warehouse,
            "city_id": city,
            "order_qty": qty,
            "order_value": Int64(value),
            "order_ts": _date(ts),
            "arrived_at": arrived_at,
        }
        for order_id, product, seller, warehouse, city, qty, value, ts in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def inventory_documents(events: InventoryColumns, arrived_at_ms: int) -> list[Document]:
    """`inventory_fact` documents in stored form."""
    arrived_at = _date(arrived_at_ms)
    columns = (
        events.event_id,
        events.product_id,
        events.warehouse_id,
        events.on_hand,
        events.reserved,
        events.delay,
        events.ts,
    )
    return [
        {
            "_id": Int64(event_id),
            "product_id": product,
            "warehouse_id": warehouse,
            "inventory_on_hand": on_hand,
            "reserved_stock": reserved,
            "fulfillment_delay": delay,
            "inventory_ts": _date(ts),
            "arrived_at": arrived_at,
        }
        for event_id, product, warehouse, on_hand, reserved, delay, ts in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _date(epoch_ms: int) -> datetime:
    seconds, ms = divmod(epoch_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=ms * 1000)
