"""Rows of the archive as the documents they were, types included: the inverse of what the archive job reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bson.raw_bson import RawBSONDocument

from flashsale.archived_tables import HISTORY, QUARANTINES, ROLLUPS
from flashsale.fact_layout import fact_layout
from flashsale.schema import FACTS, Table
from spark_jobs.pair_columns import encode
from spark_jobs.rollups import pw_columns

StoredDocument = dict[str, Any] | RawBSONDocument
_FACTS_AT_ONCE, _DOCUMENTS_AT_ONCE = 10_000, 50


def stored_documents(table: Table, path: Path) -> Iterator[list[StoredDocument]]:
    """Documents of a file, some at a time; each has an ``_id``."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_FACTS_AT_ONCE if table in FACTS else _DOCUMENTS_AT_ONCE):
            if table in FACTS:
                yield _facts(table, batch)
            elif table in QUARANTINES:
                yield [RawBSONDocument(raw) for raw in batch["bson"].to_pylist()]
            else:
                yield _ROWS[table.name](batch)


def _facts(table: Table, batch: pa.RecordBatch) -> list[StoredDocument]:
    """By the layout the writer uses, so that an int64 stays one however small it is."""
    layout = fact_layout(table)
    rows = np.tile(layout.template, (batch.num_rows, 1))
    values = rows.view(layout.values)[:, 0]
    for field in table.fields:
        column = batch[field.name]
        if field.type == "date":
            column = column.cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
        values[field.name] = column.to_numpy(zero_copy_only=False)
    return [RawBSONDocument(row.tobytes()) for row in rows]


def _rollups(batch: pa.RecordBatch) -> list[StoredDocument]:
    documents: list[StoredDocument] = []
    for number, row in enumerate(batch.drop_columns(["pairs"]).to_pylist()):
        pairs = batch["pairs"].slice(number, 1).flatten()
        columns = dict(zip([field.name for field in pairs.type], pairs.flatten(), strict=True))
        row["_id"] = row.pop("minute")
        row["facts"] = json.loads(row["facts"])
        row["rows"] = encode(pw_columns(pa.table(columns)).to_arrow())
        documents.append(row)
    return documents


def _history(batch: pa.RecordBatch) -> list[StoredDocument]:
    return [{"_id": row.pop("minute_end"), **row, "headline": json.loads(row["headline"])} for row in batch.to_pylist()]


_ROWS = {ROLLUPS.name: _rollups, HISTORY.name: _history}
