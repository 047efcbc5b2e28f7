"""The archive job: settled, aged facts move from MongoDB to Parquet on HDFS.

Copy, read back, compare, rename into place, and only then delete, by id.  A run first
finishes what an earlier one left, then seals and archives batch after batch.
"""

import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from pymongo.database import Database

from flashsale import CONTRACT_VERSION
from flashsale.errors import FlashsaleError, ReadBackError
from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import floor_minute, iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, Table
from flashsale.settings import Settings
from flashsale.snapshot import canonical_json
from flashsale.stores.hdfs import HdfsStore, hdfs_errors
from flashsale.stores.health import write_health
from flashsale.stores.mongo import Document, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs.archive_batch import Batch, BatchStore, Seal, State, make_seal, summed_fields
from spark_jobs.archive_sealing import archivable_until, seal_next, seal_of
from spark_jobs.facts import read_facts
from spark_jobs.health import failure_shown
from spark_jobs.session import spark_session
from spark_jobs.sweep import FactSweep, KnownIds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOG = logging.getLogger(__name__)
_DELETE_CHUNK = 10_000
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
        with spark_session(settings) as spark:
            archiver = _Archiver(spark, database, sale, settings)
            batches = rows = 0
            for batch in archiver.batches(until):
                archiver.finish(batch)
                batches += 1
                rows += batch.seal.rows
                if time.monotonic() - started > RUN_SECONDS:
                    break
        report = ArchiveReport(batches, rows, until, time.monotonic() - started)
        with redis_client(settings, "publisher") as redis:
            write_health(redis, SaleKeys(sale.sale_id).health("archive"), "ok", report.line(), PERIOD_SECONDS)
        _LOG.info(report.line())
        return report


class _Archiver:
    def __init__(self, spark: "SparkSession", database: Database[Document], sale: SaleRun, settings: Settings) -> None:
        self._spark = spark
        self._database = database
        self._sale = sale
        self._settings = settings
        self._paths = SalePaths(sale.sale_id)
        self._hdfs = HdfsStore(settings)
        self._store = BatchStore(database)
        ahead = timedelta(seconds=settings.max_ahead_seconds)
        first_minute = floor_minute(sale.sale_start)
        self._sweep = FactSweep(database, KnownIds.read(database), first_minute, utc_now() + ahead, ahead)

    def batches(self, until: datetime) -> Iterator[Batch]:
        """Batches left unfinished, then newly sealed ones."""
        yield from self._store.unfinished()
        for table in FACTS:
            # Parquet holds typed facts only: what got past the door is moved out of the way first.
            self._sweep.minutes(table, floor_minute(self._sale.sale_start), until)
            while (batch := seal_next(self._database, self._store, table, until, self._settings)) is not None:
                yield batch

    def finish(self, batch: Batch) -> None:
        """Take a batch from whatever state it is in to PRUNED."""
        table = next(table for table in FACTS if table.name == batch.table)
        if batch.state is State.SEALED:
            self._stage(table, batch)
            batch = self._store.advance(batch, State.STAGED)
        if batch.state is State.STAGED:
            if not self._verify(table, batch):
                return
            batch = self._store.advance(batch, State.VERIFIED)
        if batch.state is State.VERIFIED:
            digest = self._publish(table, batch)
            batch = self._store.advance(batch, State.PUBLISHED, file_digest=digest)
        if batch.state in (State.PUBLISHED, State.PRUNING):
            batch = self._store.advance(batch, State.PRUNING)
            deleted = self._prune(table, batch)
            self._store.advance(batch, State.PRUNED, deleted=deleted)

    def _stage(self, table: Table, batch: Batch) -> None:
        """Write the batch as one Parquet file below its staging folder, replacing an earlier attempt."""
        self._spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        frame = read_facts(self._spark, self._database.name, table, batch.start, batch.end)
        (
            frame.coalesce(1)
            .sortWithinPartitions("product_id", "warehouse_id", table.event_time or "")
            .write.mode("overwrite")
            .option("compression", "zstd")
            .parquet(self._settings.hdfs_rpc + self._paths.staging(batch.batch_id))
        )

    def _verify(self, table: Table, batch: Batch) -> bool:
        """Read the staged file back.  False: facts of the range arrived since, so it is sealed anew."""
        with tempfile.TemporaryDirectory() as folder:
            seal, _ = self._read(table, self._staged_file(batch), Path(folder))
        if seal == batch.seal:
            return True
        self._hdfs.delete(self._paths.staging(batch.batch_id))
        if seal_of(self._database, table, batch.start, batch.end) != batch.seal:
            _LOG.info("batch %s: its facts changed after it was sealed; sealing again", batch.batch_id)
            self._store.drop(batch)
            return False
        self._store.advance(batch, State.SEALED)
        raise ReadBackError(
            f"batch {batch.batch_id}: sealed {batch.seal.rows} facts, the staged file holds {seal.rows} "
            "or others; nothing was deleted, the next run stages it again"
        )

    def _publish(self, table: Table, batch: Batch) -> str:
        """Rename the file into place and write its manifest; returns the file's SHA-256."""
        target = self._paths.data_file(batch.table, batch.hour, batch.batch_id)
        if not self._hdfs.exists(target):
            self._hdfs.rename(self._staged_file(batch), target)
        with tempfile.TemporaryDirectory() as folder:
            seal, digest = self._read(table, target, Path(folder))
        if seal != batch.seal:
            raise ReadBackError(f"batch {batch.batch_id}: {target} differs from what was sealed; nothing was deleted")
        manifest = {
            "batch_id": batch.batch_id,
            "table": batch.table,
            "sale_id": self._sale.sale_id,
            "start": iso(batch.start),
            "end": iso(batch.end),
            **asdict(batch.seal),
            "summed_fields": list(summed_fields(table)),
            "file": target,
            "file_digest": digest,
            "contract_version": CONTRACT_VERSION,
            "code_version": version("flashsale-war-room"),
        }
        self._hdfs.write_text(self._paths.manifest(batch.table, batch.hour, batch.batch_id), canonical_json(manifest))
        self._hdfs.delete(self._paths.staging(batch.batch_id))
        return digest

    def _prune(self, table: Table, batch: Batch) -> int:
        """Delete from MongoDB exactly the ids of the published file, after checking it once more."""
        target = self._paths.data_file(batch.table, batch.hour, batch.batch_id)
        deleted = 0
        with tempfile.TemporaryDirectory() as folder:
            seal, _ = self._read(table, target, Path(folder))
            if seal != batch.seal:
                raise ReadBackError(
                    f"batch {batch.batch_id}: {target} differs from what was sealed; nothing was deleted"
                )
            ids = pq.read_table(Path(folder) / "batch.parquet", columns=[table.key])[table.key].to_pylist()
        for first in range(0, len(ids), _DELETE_CHUNK):
            chunk: dict[str, Any] = {"_id": {"$in": ids[first : first + _DELETE_CHUNK]}}
            deleted += self._database[table.name].delete_many(chunk).deleted_count
        return deleted

    def _staged_file(self, batch: Batch) -> str:
        folder = self._paths.staging(batch.batch_id)
        names = self._hdfs.files(folder, ".parquet")
        if len(names) != 1:
            raise FlashsaleError(f"batch {batch.batch_id}: {folder} holds {len(names)} Parquet files, expected 1")
        return f"{folder}/{names[0]}"

    def _read(self, table: Table, path: str, folder: Path) -> tuple[Seal, str]:
        """Seal and file digest of a Parquet file on HDFS, copied to `folder`/batch.parquet."""
        local = folder / "batch.parquet"
        digest = self._hdfs.download(path, local)
        quantity, value = summed_fields(table)
        rows = pq.read_table(local, columns=[table.key, quantity, value])
        ids = rows[table.key].to_numpy()
        return make_seal(ids, _sum(rows, quantity), _sum(rows, value)), digest


def _sum(rows: Any, name: str) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    return int(pc.sum(rows[name].cast(pa.int64())).as_py() or 0)
