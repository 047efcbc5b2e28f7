"""One tick's facts as Arrow columns: the rows that MongoDB would have stored."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from bson.raw_bson import RawBSONDocument

from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import epoch_ms
from flashsale.rendering import arrow_schema
from flashsale.schema import INVENTORY, ORDERS, Table
from flashsale.violations import violation
from generator.door import encode_at_door
from generator.facts import inventory_fields, order_fields
from generator.shard_state import TickFacts


@cache
def schema_of(table: Table) -> pa.Schema:
    """Arrow schema of a fact table."""
    return arrow_schema(table)


def tick_columns(facts: TickFacts, arrived_ms: int, max_ahead_ms: int) -> dict[str, pa.RecordBatch]:
    """Fact table -> its rows of the tick, without what the door refuses.

    Raises FlashsaleError for a value that does not fit its field.
    """
    return {
        table.name: _with_strays(table, columns, facts.strays.get(table.name, ()), arrived_ms, max_ahead_ms)
        for table, columns in ((ORDERS, order_fields(facts.orders)), (INVENTORY, inventory_fields(facts.inventory)))
    }


def _with_strays(
    table: Table, columns: Mapping[str, Any], strays: Iterable[Any], arrived_ms: int, max_ahead_ms: int
) -> pa.RecordBatch:
    moments = columns[table.event_time or ""]
    if len(moments) and int(moments.max()) > arrived_ms + max_ahead_ms:
        kept = np.flatnonzero(moments <= arrived_ms + max_ahead_ms)
        columns = {name: column[kept] for name, column in columns.items()}
    arrived = np.full(len(columns[table.key]), arrived_ms, dtype=np.int64)
    batch = _batch(table, {**columns, "arrived_at": arrived})
    known = set(columns[table.key].tolist()) if strays else set()
    admitted: dict[int, Mapping[str, Any]] = {}
    for document in strays:
        if _is_stored(table, document, arrived_ms, max_ahead_ms) and document["_id"] not in known:
            admitted.setdefault(int(document["_id"]), document)
    if not admitted:
        return batch
    rows = [{**document, table.key: document["_id"]} for document in admitted.values()]
    more = pa.RecordBatch.from_pylist(rows, schema=batch.schema)
    return pa.concat_batches([batch, more])


def _is_stored(table: Table, document: Any, arrived_ms: int, max_ahead_ms: int) -> bool:
    """Whether the door lets it in: valid, of this very tick (what is sent again tells its first one)."""
    raw = encode_at_door(table, document, arrived_ms, max_ahead_ms)
    if not isinstance(raw, RawBSONDocument):
        return False
    arrived = document.get("arrived_at")
    return violation(table, document) is None and isinstance(arrived, datetime) and epoch_ms(arrived) == arrived_ms


def _batch(table: Table, columns: Mapping[str, Any]) -> pa.RecordBatch:
    schema = schema_of(table)
    try:
        arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
    except pa.ArrowInvalid as error:
        raise FlashsaleError(f"{table.name}: {one_line(error)[:200]}; lower what the scenario makes of it") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
