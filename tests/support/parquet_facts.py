"""Read back what the generator wrote to Parquet, as MongoDB would hold it."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pyarrow as pa
from bson.int64 import Int64
from pyarrow import parquet

from flashsale.schema import FACTS, Table


def parquet_files(folder: Path) -> dict[str, bytes]:
    """Path below `folder` -> content, of everything that lies there."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def parquet_table(folder: Path, table: Table) -> pa.Table:
    """All rows of a fact table, by id."""
    # One by one: the folders' names would be read as columns.
    files = sorted((folder / table.name).rglob("*.parquet"))
    return pa.concat_tables([parquet.ParquetFile(file).read() for file in files]).sort_by(table.key)


def parquet_digest(folder: Path) -> dict[str, str]:
    """Fact table -> the digest that `generator_runs.digest` finds when MongoDB holds the same facts."""
    return {table.name: _digest(table, parquet_table(folder, table)) for table in FACTS}


def _digest(table: Table, rows: pa.Table) -> str:
    names = {field.name: table.stored_name(field) for field in table.fields}
    wide = {field.name for field in table.fields if field.type == "int64"}
    documents = (
        bson.encode({names[name]: _stored(value, name in wide) for name, value in row.items()})
        for row in rows.to_pylist()
    )
    return hashlib.sha256(b"".join(documents)).hexdigest()


def _stored(value: Any, wide: bool) -> Any:
    assert value is not None
    if isinstance(value, datetime):
        assert value.utcoffset() is not None
    return Int64(value) if wide else value
