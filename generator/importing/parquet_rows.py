"""Rows of a Parquet file, numbered from 1."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from generator.importing.bad_cells import ImportFileError
from generator.importing.row_source import BATCH_ROWS, Batch


class ParquetSource:
    """An open Parquet file; `close` it, or use it as a context."""

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{path}: is not a readable Parquet file ({error})") from error
        self.titles: list[str] = self._file.schema_arrow.names
        self._rows: int = self._file.metadata.num_rows
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> float:
        return self._read / max(self._rows, 1)

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        schema = self._file.schema_arrow
        for title in wanted:
            if pa.types.is_nested(schema.field(title).type):
                raise ImportFileError(
                    f"{self.path}: column {title!r} holds {schema.field(title).type}, not single values"
                )
        try:
            for part in self._file.iter_batches(BATCH_ROWS):
                first = self._read + 1
                self._read += part.num_rows
                columns = [_cells(part.column(title)) for title in wanted]
                yield Batch(range(first, first + part.num_rows), columns, _RawRows(part))
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{self.path}: cannot be read after row {self._read} ({error})") from error


class _RawRows:
    """Row i of a batch as texts."""

    def __init__(self, part: pa.RecordBatch) -> None:
        self._part = part

    def __call__(self, i: int) -> list[str]:
        cells = (column[i] for column in self._part.columns)
        return ["" if not cell.is_valid else _shown(cell) for cell in cells]


def _shown(cell: pa.Scalar) -> str:
    try:
        return str(cell.as_py())
    except (ValueError, OverflowError):
        return _beyond_python(cell)


def _cells(column: pa.Array) -> list[Any]:
    """The column's values as Python has them; exact for every number, times cut to the microsecond."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        # 19.99 as a 32-bit float is 19.989999771118164 as Python's: its own shortest text is what was meant.
        return [None if cell is None else _number(cell) for cell in column.cast(pa.float32()).to_numpy(False)]
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    try:
        cells: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        cells = [_or_text(cell) for cell in column]
    return cells


def _number(cell: Any) -> float | None:
    return None if cell != cell else float(str(cell))


def _or_text(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        return _beyond_python(cell)


def _beyond_python(cell: pa.Scalar) -> str:
    """A time that Python's calendar does not have, as text: a bad cell, not the end of the import."""
    return f"{cell.value} as {cell.type}"
