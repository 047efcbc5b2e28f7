"""Documents of the pipeline's own state as rows of the archive, one row a document.

`flashsale.archived_tables` describes the columns.  A quarantined document keeps its BSON, so that nothing of it
is lost whatever it was; a rollup's columns are laid out again as a list of pairs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import bson
import pyarrow as pa
from bson import json_util
from bson.codec_options import CodecOptions

from flashsale.archived_tables import HISTORY, QUARANTINES, ROLLUPS
from flashsale.rendering import arrow_schema
from flashsale.schema import Table
from flashsale.snapshot import canonical_json
from flashsale.stores.mongo import Document
from spark_jobs.fact_decoding import LENIENT
from spark_jobs.pair_columns import decode
from spark_jobs.rollups import pw_columns

_PLAIN: CodecOptions[Document] = LENIENT


def document_row(table: Table, raw: bytes) -> pa.RecordBatch:
    """The row of one document, given as BSON."""
    document = bson.decode(raw, _PLAIN)
    values = _ROWS[table.name](document, raw)
    schema = arrow_schema(table)
    columns = [_column(values[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(value: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(value, pa.StructArray):
        return pa.ListArray.from_arrays(pa.array([0, len(value)], pa.int32()), value).cast(kind)
    return pa.array([value], kind)


def _quarantined(document: Document, raw: bytes) -> Mapping[str, Any]:
    text = json_util.dumps(document.get("document"), json_options=json_util.RELAXED_JSON_OPTIONS)
    return {
        "quarantine_id": document["_id"],
        "origin": document["origin"],
        "reason": document["reason"],
        "detail": document.get("detail", ""),
        "document": text.encode(errors="backslashreplace").decode(),
        "bson": raw,
        "quarantined_at": document["quarantined_at"],
    }


def _rollup(document: Document, _: bytes) -> Mapping[str, Any]:
    pairs = pw_columns(decode(document["rows"])).to_arrow().combine_chunks()
    items = ROLLUPS.field("pairs").items
    return {
        "minute": document["_id"],
        "orders": document["orders"],
        "facts": json.dumps(document["facts"], sort_keys=True),
        "digest": document["digest"],
        "pwc_digest": document["pwc_digest"],
        "carried_digest": document["carried_digest"],
        "watermark": document["watermark"],
        "computed_at": document["computed_at"],
        "pairs": pa.StructArray.from_arrays(
            [pairs[item.name].combine_chunks() for item in items], [item.name for item in items]
        ),
    }


def _history(document: Document, _: bytes) -> Mapping[str, Any]:
    return {
        "minute_end": document["_id"],
        "headline": canonical_json(document["headline"]),
        "digest": document["digest"],
        "settled": document["settled"],
        "watermark": document["watermark"],
        "computed_at": document["computed_at"],
    }


_ROWS: Mapping[str, Callable[[Document, bytes], Mapping[str, Any]]] = {
    **{table.name: _quarantined for table in QUARANTINES},
    ROLLUPS.name: _rollup,
    HISTORY.name: _history,
}
