"""The archive job: what is settled and aged moves from MongoDB to Parquet on HDFS.

Copy, read back, compare, rename into place, and only then delete, by id.  A run first
finishes what an earlier one left, then seals and archives batch after batch.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pymongo.database import Database

from flashsale.archived_tables import ARCHIVED, archived_table
from flashsale.errors import ReadBackError
from flashsale.minutes import floor_minute, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, Table
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from flashsale.stores.hdfs import HdfsStore, hdfs_errors
from flashsale.stores.health import write_health
from flashsale.stores.mongo import Document, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import RedisClient, redis_client, redis_errors
from flashsale.stores.sales import active_sale, find_sale
from flashsale.stores.snapshots import current_snapshot_id
from spark_jobs.archive_batch import Batch, BatchStore, State
from spark_jobs.archive_lease import Lease, archive_lease
from spark_jobs.archive_pace import Pace
from spark_jobs.archive_policy import Policy, horizons, read_policy, reason_for
from spark_jobs.archive_rows import ArchiveRows
from spark_jobs.archive_sealing import Sealer
from spark_jobs.archive_steps import ArchiveSteps
from spark_jobs.health import failure_shown
from spark_jobs.sweep import FactSweep, KnownIds

_LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 300
RUN_SECONDS = 150.0
"""Leave a running batch the rest of the task's time: the next run goes on with the next batch."""


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What a run did; `rows` are facts and documents of all tables, `tables` the same by table."""

    batches: int
    rows: int
    until: datetime
    seconds: float
    tables: dict[str, int] = field(default_factory=dict)
    words: str = ""
    gave_way_seconds: float = 0.0

    def line(self) -> str:
        by_table = ", ".join(f"{count:,} {name}" for name, count in self.tables.items()) or "nothing was due"
        return (
            f"archived {self.rows:,} rows in {self.batches} batches ({by_table}), {self.words}; "
            f"{self.seconds:.1f} s, of which {self.gave_way_seconds:.1f} s gave way to minutes"
        )


def run(
    settings: Settings, sale_id: str | None = None, now: datetime | None = None, seconds: float = RUN_SECONDS
) -> ArchiveReport:
    """Archive what is old enough, for some `seconds`; `now` defaults to the clock.

    Raises NothingToDoError while another run is at the sale, FlashsaleError with nothing deleted that was not
    read back from HDFS.
    """
    started = time.monotonic()
    with (
        failure_shown(settings, "archive", PERIOD_SECONDS),
        mongo_errors("archive"),
        hdfs_errors("archive"),
        redis_errors("archive"),
        mongo_client(settings, "jobs") as mongo,
        redis_client(settings, "publisher") as redis,
    ):
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        check_sale(mongo, sale)
        database = mongo[sale.database]
        with archive_lease(database) as lease:
            archiver = _Archiver(database, sale, settings, lease, _pace(redis, sale), now or utc_now())
            report = archiver.archive(lambda: time.monotonic() - started > seconds)
        report = replace(report, seconds=time.monotonic() - started)
        write_health(redis, SaleKeys(sale.sale_id).health("archive"), "ok", report.line(), PERIOD_SECONDS)
        _LOG.info(report.line())
        return report


def _pace(redis: RedisClient, sale: SaleRun) -> Pace:
    def published() -> datetime | None:
        current = current_snapshot_id(redis, sale.sale_id)
        return interval_end_of(current) if current else None

    return Pace(rows_per_second=0, published=published)


class _Archiver:
    """Takes the batches of one sale through their states."""

    def __init__(
        self,
        database: Database[Document],
        sale: SaleRun,
        settings: Settings,
        lease: Lease,
        pace: Pace,
        now: datetime,
    ) -> None:
        self._database = database
        self._first_minute = floor_minute(sale.sale_start)
        self._settings = settings
        self._pace = pace
        self._now = now
        self._store = BatchStore(database)
        ahead = timedelta(seconds=settings.max_ahead_seconds)
        sweep = FactSweep(database, KnownIds.read(database), self._first_minute, utc_now() + ahead, ahead)
        rows = ArchiveRows(database, sweep.rules, pace.spend)
        self._sealer = Sealer(database, self._store, lease, rows, sweep, settings.archive_batch_rows)
        self._steps = ArchiveSteps(database, sale.sale_id, HdfsStore(settings), rows, pace.spend)

    def archive(self, time_is_up: Callable[[], bool]) -> ArchiveReport:
        """What was left unfinished, then what is new, until there is no more or the time is up."""
        policy = self._policy(was_full=False)
        batches, rows = 0, Counter[str]()
        for batch in self._batches(policy):
            archived = self.finish(batch)
            batches += archived > 0
            rows[batch.table] += archived
            policy = self._policy(was_full=policy.full)
            if time_is_up():
                break
        until = horizons(self._database, self._first_minute, self._now, policy, self._settings).facts
        words = f"{reason_for(until, self._now, policy)}; {policy.words()}"
        tables = {name: count for name, count in rows.items() if count}
        return ArchiveReport(batches, rows.total(), until, 0.0, tables, words, self._pace.gave_way_seconds)

    def _policy(self, *, was_full: bool) -> Policy:
        policy = read_policy(self._database, self._settings, was_full)
        self._pace.rows_per_second = policy.rows_per_second
        return policy

    def _batches(self, policy: Policy) -> Iterator[Batch]:
        yield from self._store.unfinished()
        for table in ARCHIVED:
            # Asked for each table anew: a rollup may go once the facts before it have gone.
            until = horizons(self._database, self._first_minute, self._now, policy, self._settings).of(table)
            yield from self._sealer.batches(table, until)

    def finish(self, batch: Batch) -> int:
        """Take a batch from whatever state it is in to PRUNED; returns its rows, 0 when it is sealed anew."""
        table = archived_table(batch.table)
        if batch.state is State.VERIFIED and not batch.file_digest:
            # By a release that knew no digest before the file was in its place.
            batch = self._store.advance(batch, State.STAGED)
        if batch.state in (State.STAGED, State.VERIFIED) and not self._steps.is_staged(batch):
            # Somebody cleared the staging folder: MongoDB still holds everything.
            batch = self._store.advance(batch, State.SEALED)
        if batch.state is State.SEALED:
            self._steps.stage(table, batch)
            batch = self._store.advance(batch, State.STAGED)
        if batch.state is State.STAGED:
            digest = self._verified(table, batch)
            if digest is None:
                self._store.drop(batch)
                return 0
            batch = self._store.advance(batch, State.VERIFIED, file_digest=digest)
        if batch.state is State.VERIFIED:
            self._steps.publish(table, batch)
            batch = self._store.advance(batch, State.PUBLISHED)
        if batch.state in (State.PUBLISHED, State.PRUNING):
            batch = self._store.advance(batch, State.PRUNING)
            deleted = self._pruned(table, batch)
            self._store.advance(batch, State.PRUNED, deleted=deleted)
        return batch.seal.rows

    def _pruned(self, table: Table, batch: Batch) -> int:
        try:
            return self._steps.prune(table, batch)
        except ReadBackError:
            if self._sealer.seal_now(table, batch.start, batch.end)[0] == batch.seal:
                # Nothing of it was deleted yet, so what happened to the published file can be made good.
                self._store.advance(batch, State.SEALED)
            raise

    def _verified(self, table: Table, batch: Batch) -> str | None:
        """SHA-256 of the staged file; None when its rows in MongoDB are no longer those that were sealed."""
        try:
            return self._steps.verify(table, batch)
        except ReadBackError:
            if table in FACTS and self._sealer.seal_now(table, batch.start, batch.end)[0] != batch.seal:
                _LOG.info("batch %s: its facts changed after it was sealed; sealing again", batch.batch_id)
                return None
            self._store.advance(batch, State.SEALED)
            raise
