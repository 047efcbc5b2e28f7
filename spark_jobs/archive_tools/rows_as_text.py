"""Rows of a query as a table for people, as CSV or as JSON; written as they come, whatever their number."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flashsale.minutes import iso

_WIDTHS_FROM = 1_000
"""Rows that a table's column widths are taken from: the first ones, for the rest is not there yet."""


def as_csv(rows: pa.RecordBatchReader) -> Iterator[str]:
    """A header, then the lines of many rows at a time; null is empty."""
    yield _csv_lines([rows.schema.names])
    for batch in rows:
        if batch.num_rows:
            yield _csv_lines(zip(*(_cells(column) for column in batch.columns), strict=True))


def as_json(rows: pa.RecordBatchReader) -> Iterator[str]:
    """One array with an object for each row, a line each; times are ISO 8601 in UTC."""
    names, before = rows.schema.names, "["
    for row in _tuples(rows):
        yield before + json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        before = ","
    yield "]" if before == "," else "[]"


def as_table(rows: pa.RecordBatchReader) -> Iterator[str]:
    """Columns in line, numbers to the right, and a last line with the number of rows."""
    if set(rows.schema.names) == {"explain_key", "explain_value"}:
        for _, plan in _tuples(rows):
            yield from plan.splitlines()
        return
    right = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in rows.schema.types]
    lines = ([_text(value) for value in row] for row in _tuples(rows))
    first = list(islice(lines, _WIDTHS_FROM))
    names = rows.schema.names
    widths = [max(len(line[i]) for line in [names, *first]) for i in range(len(names))]

    def in_line(cells: Iterable[str]) -> str:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        return "  ".join(padded).rstrip()

    yield in_line(names)
    yield "  ".join("-" * width for width in widths)
    count = 0
    for count, line in enumerate(chain(first, lines), 1):  # noqa: B007 - it is the number of rows in the end
        yield in_line(line)
    yield f"({count:,} {'row' if count == 1 else 'rows'})"


def _tuples(rows: pa.RecordBatchReader) -> Iterator[tuple[Any, ...]]:
    for batch in rows:
        # Names may repeat in a result, so by position.
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[Any]:
    """Values in JSON's own types.  Times of an hour are millions: Arrow writes them, not Python one by one."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        written = pc.strftime(column.cast(pa.timestamp("ms", "UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
        return list(written.to_pylist())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return list(column.to_pylist())
    return [_plain(value) for value in column.to_pylist()]


def _cells(column: pa.Array) -> list[Any]:
    """What the csv module writes as it should be: numbers, texts and None."""
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_boolean(kind):
        return [_text(value) for value in _values(column)]
    return _values(column)


def _csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue().removesuffix("\n")


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """`value` in JSON's own types, exact: a decimal with digits behind the point is a text."""
    if isinstance(value, datetime):
        return iso(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
