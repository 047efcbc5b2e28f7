"""Rollups and history of settled minutes, from MongoDB while they stand there, then from the archive."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FSSpecHandler, PyFileSystem

from flashsale.archived_tables import HISTORY, ROLLUPS
from flashsale.rendering import arrow_schema
from flashsale.schema import Table
from spark_jobs.archive_tools.opened import Archive
from spark_jobs.archive_tools.ranged_files import RangedFiles
from spark_jobs.minute_store import MinuteStore
from spark_jobs.pair_columns import PairColumns
from spark_jobs.rollups import pw_columns

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SettledMinute:
    """What was published of a minute and must come out again."""

    headline: dict[str, Any]
    digest: str


def settled_history(archive: Archive, start: datetime, end: datetime) -> dict[datetime, SettledMinute]:
    """Settled minutes that end in ``(start, end]``."""
    after = start + timedelta(milliseconds=1)
    found = {}
    for row in _rows(archive, HISTORY, after, end + timedelta(milliseconds=1)).to_pylist():
        if row["settled"]:
            found[row["minute_end"]] = SettledMinute(json.loads(row["headline"]), row["digest"])
    for document in MinuteStore(archive.database).history(after, end):
        # One that was computed again after it was archived stands here, and is the newer.
        if document["settled"]:
            found[document["_id"]] = SettledMinute(document["headline"], document["digest"])
    return found


def closing_stock(archive: Archive, minute: datetime) -> PairColumns | None:
    """The pw part of `minute`; None when it stands nowhere."""
    hot = MinuteStore(archive.database).load_stock(minute)
    if hot is not None:
        return hot
    rows = _rows(archive, ROLLUPS, minute, minute + timedelta(minutes=1))
    if not rows.num_rows:
        return None
    pairs = rows["pairs"].chunk(rows["pairs"].num_chunks - 1)
    fields = pairs.slice(len(pairs) - 1).flatten()
    return pw_columns(pa.table(dict(zip([field.name for field in fields.type], fields.flatten(), strict=True))))


def _rows(archive: Archive, table: Table, start: datetime, end: datetime) -> pa.Table:
    """Archived rows of ``[start, end)``, in the order in which they were computed."""
    hours, hour = [], start.replace(minute=0, second=0, microsecond=0)
    while hour < end:
        hours.append(hour)
        hour += _HOUR
    paths = [file.path for file in archive.files(table, hours)]
    files = PyFileSystem(FSSpecHandler(RangedFiles(archive.hdfs)))
    time = ds.field(table.event_time or "")
    if not paths:
        return arrow_schema(table).empty_table()
    found = ds.dataset(paths, format="parquet", filesystem=files)
    return found.to_table(filter=(time >= start) & (time < end)).sort_by("computed_at")
