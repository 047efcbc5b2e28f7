"""A batch as one Parquet file on this machine's disk: zstd, sorted by product, warehouse and time.

DuckDB sorts: within the memory it is given, and on disk beyond that, so the memory of a batch does not
grow with its rows.
"""

import errno
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flashsale.errors import FlashsaleError, one_line
from flashsale.rendering import arrow_schema
from flashsale.schema import FACTS, Table

MEMORY_MB = 128
"""What DuckDB may hold of a batch; its own structures come on top."""
_GROUP_ROWS = 122_880
_DOCUMENTS_PER_GROUP = 60


def write_file(table: Table, batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """Write rows, in any order, as the archive keeps them.

    Raises FlashsaleError when the disk says no; whatever `batches` raises comes through.
    """
    if table in FACTS:
        _write_sorted(table, batches, path)
    else:
        _write_as_they_come(table, batches, path)


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the local disk says into one line."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            # Of a network library, which calls its errors so too.
            raise
        raise FlashsaleError(
            f"archive: {path.parent} cannot take the batch ({one_line(error)[:80]}); nothing was deleted; "
            "free space there or set TMPDIR to another folder, the next run goes on"
        ) from error


def _write_sorted(table: Table, batches: Iterable[pa.RecordBatch], path: Path) -> None:
    import duckdb

    source = _Source(batches)
    reader = pa.RecordBatchReader.from_batches(arrow_schema(table), source.batches())
    order = f"product_id, warehouse_id, {table.event_time}, {table.key}"
    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{MEMORY_MB}MB",
        "temp_directory": str(path.parent),
        "preserve_insertion_order": False,
    }
    with duckdb.connect(config=options) as connection, disk_errors(path):
        connection.register("facts", reader)
        try:
            connection.execute(
                f"COPY (SELECT * FROM facts ORDER BY {order}) TO '{path}' "  # noqa: S608 - names of our own
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP_ROWS})"
            )
        except duckdb.Error as error:
            if source.failure is not None:
                # What went wrong is where the rows come from, and has its own words for it.
                raise source.failure from error
            raise OSError(errno.EIO, one_line(error)) from error


class _Source:
    """Batches for DuckDB, which reports an exception of theirs as a text: the exception itself is kept."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = batches
        self.failure: BaseException | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except BaseException as error:
            self.failure = error
            raise


def _write_as_they_come(table: Table, batches: Iterable[pa.RecordBatch], path: Path) -> None:
    schema = arrow_schema(table)
    with disk_errors(path), pq.ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in batches:
            waiting.append(batch)
            if len(waiting) == _DOCUMENTS_PER_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))
