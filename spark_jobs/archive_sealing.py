"""Choose what may be archived, and fix its content before a byte is copied."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from pymongo.database import Database

from flashsale.minutes import MINUTE, floor_minute
from flashsale.schema import Table
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs.archive_batch import Batch, BatchStore, Seal, make_seal, summed_fields
from spark_jobs.minute_store import MinuteStore

HOUR = timedelta(hours=1)


def archivable_until(
    database: Database[Document], first_minute: datetime, now: datetime, settings: Settings
) -> datetime:
    """End of the minutes that are older than the age and, without a gap, settled.

    A minute that was never rolled up, or may still change, keeps its facts in MongoDB, and
    so do all after it.
    """
    age = timedelta(minutes=max(settings.archive_age_minutes, settings.lateness_minutes + 1))
    limit = floor_minute(now - age)
    settled = MinuteStore(database).settled_ends(first_minute + MINUTE, limit)
    end = first_minute
    while end < limit and end + MINUTE in settled:
        end += MINUTE
    return end


def seal_next(
    database: Database[Document], store: BatchStore, table: Table, until: datetime, settings: Settings
) -> Batch | None:
    """Seal the oldest facts of `table` before `until`; None when there are none.

    The range starts at the oldest fact's minute and ends with its hour, at `until`, or where
    the batch is full, but holds one minute at least.
    """
    time = table.event_time or ""
    oldest = database[table.name].find_one({time: {"$lt": until}}, {time: 1}, sort=[(time, 1)])
    if oldest is None:
        return None
    start = floor_minute(oldest[time])
    end = min(until, start.replace(minute=0) + HOUR)
    end = _fitting_end(database, table, start, end, settings.archive_batch_rows)
    return store.insert(table, start, end, seal_of(database, table, start, end))


def seal_of(database: Database[Document], table: Table, start: datetime, end: datetime) -> Seal:
    """What MongoDB holds of ``[start, end)`` now."""
    quantity, value = summed_fields(table)
    cursor = database[table.name].find(
        {table.event_time or "": {"$gte": start, "$lt": end}}, {"_id": 1, quantity: 1, value: 1}, batch_size=50_000
    )
    ids: list[int] = []
    quantities = values = 0
    for document in cursor:
        ids.append(document["_id"])
        quantities += document[quantity]
        values += document[value]
    return make_seal(np.array(ids, dtype=np.int64), quantities, values)


def _fitting_end(database: Database[Document], table: Table, start: datetime, end: datetime, limit: int) -> datetime:
    rows = 0
    minute = start
    while minute < end:
        window: dict[str, Any] = {table.event_time or "": {"$gte": minute, "$lt": minute + MINUTE}}
        rows += database[table.name].count_documents(window)
        if rows > limit and minute > start:
            return minute
        minute += MINUTE
    return end
