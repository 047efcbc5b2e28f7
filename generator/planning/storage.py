"""What it takes to store a plan's facts: bytes as they are sent, bytes where MongoDB keeps them, and time."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from generator.encoding import encode_inventory, encode_orders
from generator.facts import InventoryColumns, OrderColumns

DATA_BYTES_PER_FACT = 48.5
INDEX_BYTES_PER_FACT = 58.5
"""Of one copy on mongod's disk, compressed: `document_disk_bytes` and `document_index_bytes` of docs/performance.md."""
FACTS_PER_SECOND = 162_500
"""With two workers, mongod beside them on the same two cores: `stored_documents_per_s` of docs/performance.md."""
MEASURED_BY = "docs/performance.md, make bench-generator"


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of all facts of a sale: `wire` uncompressed as BSON, `data` and `indexes` of one copy on disk;
    `seconds` with ``--speed max --workers 2`` on the machine of the measurement."""

    order_bytes: int
    event_bytes: int
    wire: float
    data: float
    indexes: float
    seconds: float


def storage(orders: float, inventory_events: float) -> Storage:
    """Of that many facts.  A fact as BSON has always the same length, found by encoding one."""
    one_order = len(encode_orders(_one(OrderColumns), 0).payload)
    one_event = len(encode_inventory(_one(InventoryColumns), 0).payload)
    facts = orders + inventory_events
    return Storage(
        order_bytes=one_order,
        event_bytes=one_event,
        wire=orders * one_order + inventory_events * one_event,
        data=facts * DATA_BYTES_PER_FACT,
        indexes=facts * INDEX_BYTES_PER_FACT,
        seconds=facts / FACTS_PER_SECOND,
    )


def _one(columns: type[OrderColumns] | type[InventoryColumns]) -> Any:
    """A row of zeros."""
    empty = columns.empty()
    return columns(*(np.zeros(1, dtype=getattr(empty, one.name).dtype) for one in fields(columns)))
