"""The archive job: settled, aged facts move from MongoDB to Parquet on HDFS.

Copy, read back, compare, rename into place, and only then delete, by id.  A run first
finishes what an earlier one left, then seals and archives batch after batch.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pymongo.database import Database

from flashsale.errors import ReadBackError
from flashsale.minutes import floor_minute, iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, Table
from flashsale.settings import Settings
from flashsale.stores.hdfs import hdfs_errors
from flashsale.stores.health import write_health
from flashsale.stores.mongo import Document, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs.archive_batch import Batch, BatchStore, State
from spark_jobs.archive_sealing import archivable_until, seal_next
from spark_jobs.archive_steps import ArchiveSteps
from spark_jobs.health import failure_shown
from spark_jobs.session import spark_session
from spark_jobs.sweep import FactSweep, KnownIds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 300
# Leave a running batch the rest of the task's time: the next run goes on with the next batch.
RUN_SECONDS = 150


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What a run did."""

    batches: int
    rows: int
    until: datetime
    seconds: float

    def line(self) -> str:
        return f"archived {self.rows} facts in {self.batches} batches, up to {iso(self.until)}, {self.seconds:.1f} s"


def run(settings: Settings, sale_id: str | None = None, now: datetime | None = None) -> ArchiveReport:
    """Archive what is old enough, for at most `RUN_SECONDS`; `now` defaults to the clock.

    Raises FlashsaleError with nothing deleted that was not read back from HDFS.
    """
    started = time.monotonic()
    with (
        failure_shown(settings, "archive", PERIOD_SECONDS),
        mongo_errors("archive"),
        hdfs_errors("archive"),
        redis_errors("archive"),
        mongo_client(settings, "jobs") as mongo,
    ):
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        check_sale(mongo, sale)
        database = mongo[sale.database]
        until = archivable_until(database, floor_minute(sale.sale_start), now or utc_now(), settings)
        with spark_session(settings, "archive") as spark:
            archiver = _Archiver(spark, database, sale, settings)
            batches = rows = 0
            for batch in archiver.batches(until):
                archived = archiver.finish(batch)
                batches += archived > 0
                rows += archived
                if time.monotonic() - started > RUN_SECONDS:
                    break
        report = ArchiveReport(batches, rows, until, time.monotonic() - started)
        with redis_client(settings, "publisher") as redis:
            write_health(redis, SaleKeys(sale.sale_id).health("archive"), "ok", report.line(), PERIOD_SECONDS)
        _LOG.info(report.line())
        return report


class _Archiver:
    """Takes batches through their states."""

    def __init__(self, spark: "SparkSession", database: Database[Document], sale: SaleRun, settings: Settings) -> None:
        self._database = database
        self._first_minute = floor_minute(sale.sale_start)
        self._settings = settings
        self._store = BatchStore(database)
        self._steps = ArchiveSteps(spark, database, sale.sale_id, settings)
        ahead = timedelta(seconds=settings.max_ahead_seconds)
        self._sweep = FactSweep(database, KnownIds.read(database), self._first_minute, utc_now() + ahead, ahead)

    def batches(self, until: datetime) -> Iterator[Batch]:
        """Batches left unfinished, then newly sealed ones."""
        yield from self._store.unfinished()
        for table in FACTS:
            # Parquet holds typed facts only: what got past the door is moved out of the way first.
            self._sweep.minutes(table, self._first_minute, until)
            while (batch := seal_next(self._database, self._store, table, until, self._settings)) is not None:
                yield batch

    def finish(self, batch: Batch) -> int:
        """Take a batch from whatever state it is in to PRUNED; returns its facts, 0 when it is sealed anew."""
        table = next(table for table in FACTS if table.name == batch.table)
        if batch.state in (State.STAGED, State.VERIFIED) and not self._steps.is_staged(batch):
            # Somebody cleared the staging folder: MongoDB still holds everything.
            batch = self._store.advance(batch, State.SEALED)
        if batch.state is State.SEALED:
            self._steps.stage(table, batch)
            batch = self._store.advance(batch, State.STAGED)
        if batch.state is State.STAGED:
            if not self._verified(table, batch):
                self._store.drop(batch)
                return 0
            batch = self._store.advance(batch, State.VERIFIED)
        if batch.state is State.VERIFIED:
            digest = self._steps.publish(table, batch)
            batch = self._store.advance(batch, State.PUBLISHED, file_digest=digest)
        if batch.state in (State.PUBLISHED, State.PRUNING):
            batch = self._store.advance(batch, State.PRUNING)
            deleted = self._steps.prune(table, batch)
            self._store.advance(batch, State.PRUNED, deleted=deleted)
        return batch.seal.rows

    def _verified(self, table: Table, batch: Batch) -> bool:
        try:
            return self._steps.verify(table, batch)
        except ReadBackError:
            self._store.advance(batch, State.SEALED)
            raise
