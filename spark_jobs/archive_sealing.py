"""Choose what may be archived, and fix its content before a byte is copied."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import pyarrow as pa
from pymongo.database import Database

from flashsale.archived_tables import QUARANTINES
from flashsale.minutes import MINUTE, floor_minute
from flashsale.schema import FACTS, Table
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import counted_by
from spark_jobs.archive_batch import Batch, BatchStore
from spark_jobs.archive_content import Seal, seal_of_batches
from spark_jobs.archive_lease import Lease
from spark_jobs.archive_rows import ArchiveRows, UnsoundFactsError, stored_time
from spark_jobs.sweep import FactSweep

HOUR = timedelta(hours=1)
DOCUMENTS_MOST = 20_000
"""Rows of a batch of documents, which may be large each."""


class Sealer:
    """Seals batches of one sale, at most `batch_rows` rows each."""

    def __init__(
        self,
        database: Database[Document],
        store: BatchStore,
        lease: Lease,
        rows: ArchiveRows,
        sweep: FactSweep,
        batch_rows: int,
    ) -> None:
        self._database = database
        self._store = store
        self._lease = lease
        self._rows = rows
        self._sweep = sweep
        self._batch_rows = batch_rows

    def batches(self, table: Table, until: datetime) -> Iterator[Batch]:
        """Newly sealed batches of `table` before `until`, oldest first; one's rows must be gone before the next."""
        while (batch := self._next(table, until)) is not None:
            yield batch

    def seal_now(self, table: Table, start: datetime, end: datetime) -> tuple[Seal, Mapping[str, int]]:
        """What MongoDB holds of ``[start, end)`` now, and what a quarantine's rows are counted by.

        Facts that are none are moved to quarantine first.
        """
        try:
            return self._seal(table, start, end)
        except UnsoundFactsError:
            # MongoDB's own check of each fact costs more than reading them all: it waits until there is need.
            self._sweep.minutes(table, start, end)
            return self._seal(table, start, end)

    def _next(self, table: Table, until: datetime) -> Batch | None:
        """Seal the oldest rows of `table`; None when there are none.

        The range starts at the oldest row's minute and ends with its hour, at `until`, or where
        the batch is full, but holds one minute at least.
        """
        time = stored_time(table)
        while True:
            oldest = self._database[table.name].find_one({time: {"$lt": until}}, {time: 1}, sort=[(time, 1)])
            if oldest is None:
                return None
            start = floor_minute(oldest[time])
            end = self._fitting_end(table, start, min(until, start.replace(minute=0) + HOUR))
            seal, counts = self.seal_now(table, start, end)
            if seal.rows:
                return self._store.insert(self._lease, table, start, end, seal, counts)

    def _seal(self, table: Table, start: datetime, end: datetime) -> tuple[Seal, Mapping[str, int]]:
        counts: Counter[str] = Counter()

        def counted() -> Iterator[pa.RecordBatch]:
            for batch in self._rows.batches(table, start, end):
                if table in QUARANTINES:
                    counts.update(map(counted_by, batch["origin"].to_pylist(), batch["reason"].to_pylist()))
                yield batch

        return seal_of_batches(table, counted()), counts

    def _fitting_end(self, table: Table, start: datetime, end: datetime) -> datetime:
        most = self._batch_rows if table in FACTS else min(self._batch_rows, DOCUMENTS_MOST)
        rows, minute = 0, start
        while minute < end:
            window = {stored_time(table): {"$gte": minute, "$lt": minute + MINUTE}}
            rows += self._database[table.name].count_documents(window)
            if rows > most and minute > start:
                return minute
            minute += MINUTE
        return end
