"""The steps of one archive batch: stage, verify, publish, prune.  Each can be taken again."""

import logging
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pymongo.database import Database

from flashsale import CONTRACT_VERSION
from flashsale.errors import ReadBackError
from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import iso
from flashsale.schema import Table
from flashsale.settings import Settings
from flashsale.snapshot import canonical_json
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.mongo import Document
from spark_jobs.archive_batch import Batch, Seal, make_seal, summed_fields
from spark_jobs.archive_sealing import seal_of
from spark_jobs.facts import read_facts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOG = logging.getLogger(__name__)
DELETE_CHUNK = 10_000


class ArchiveSteps:
    """Steps for the batches of one sale; they know nothing of states and the order of steps."""

    def __init__(self, spark: "SparkSession", database: Database[Document], sale_id: str, settings: Settings) -> None:
        self._spark = spark
        self._database = database
        self._sale_id = sale_id
        self._rpc = settings.hdfs_rpc
        self._paths = SalePaths(sale_id)
        self._hdfs = HdfsStore(settings)

    def stage(self, table: Table, batch: Batch) -> None:
        """Write the batch as one Parquet file below its staging folder, replacing an earlier attempt."""
        self._spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        frame = read_facts(self._spark, self._database.name, table, batch.start, batch.end)
        (
            frame.coalesce(1)
            .sortWithinPartitions("product_id", "warehouse_id", table.event_time or "")
            .write.mode("overwrite")
            .option("compression", "zstd")
            .parquet(self._rpc + self._paths.staging(batch.batch_id))
        )

    def is_staged(self, batch: Batch) -> bool:
        """Whether the batch's file stands in staging, or already in its place."""
        return self._staged_file(batch) is not None or self._hdfs.exists(self._target(batch))

    def verify(self, table: Table, batch: Batch) -> bool:
        """Read the staged file back.

        False when the facts of the range are no longer those that were sealed: some arrived
        late or were moved to quarantine.  Raises ReadBackError when the file is not what
        MongoDB holds.  In both cases the staged file is removed.
        """
        if self._seal_of_file(table, self._staged_file(batch) or self._target(batch)) == batch.seal:
            return True
        self._hdfs.delete(self._paths.staging(batch.batch_id))
        if seal_of(self._database, table, batch.start, batch.end) != batch.seal:
            _LOG.info("batch %s: its facts changed after it was sealed; sealing again", batch.batch_id)
            return False
        raise ReadBackError(
            f"batch {batch.batch_id}: the staged file does not hold the {batch.seal.rows} facts that were sealed; "
            "nothing was deleted, the next run stages it again"
        )

    def publish(self, table: Table, batch: Batch) -> str:
        """Rename the file into place and write its manifest; returns the file's SHA-256 (hex)."""
        target = self._target(batch)
        staged = self._staged_file(batch)
        if staged is not None and not self._hdfs.exists(target):
            self._hdfs.rename(staged, target)
        with tempfile.TemporaryDirectory() as folder:
            digest = self._checked(table, batch, target, Path(folder))
        manifest = {
            "batch_id": batch.batch_id,
            "table": batch.table,
            "sale_id": self._sale_id,
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

    def prune(self, table: Table, batch: Batch) -> int:
        """Delete from MongoDB exactly the ids of the published file, after checking it once more."""
        with tempfile.TemporaryDirectory() as folder:
            self._checked(table, batch, self._target(batch), Path(folder))
            # In the order of the index: scattered over it, a large batch costs twice the work per fact.
            ids = sorted(pq.read_table(_local(Path(folder)), columns=[table.key])[table.key].to_pylist())
        deleted = 0
        for first in range(0, len(ids), DELETE_CHUNK):
            chunk: dict[str, Any] = {"_id": {"$in": ids[first : first + DELETE_CHUNK]}}
            deleted += self._database[table.name].delete_many(chunk).deleted_count
        return deleted

    def _target(self, batch: Batch) -> str:
        return self._paths.data_file(batch.table, batch.hour, batch.batch_id)

    def _staged_file(self, batch: Batch) -> str | None:
        folder = self._paths.staging(batch.batch_id)
        names = self._hdfs.files(folder, ".parquet")
        return f"{folder}/{names[0]}" if len(names) == 1 else None

    def _checked(self, table: Table, batch: Batch, path: str, folder: Path) -> str:
        """Copy a published file to `folder`, compare it with its seal; returns its SHA-256 (hex)."""
        digest = self._hdfs.download(path, _local(folder))
        if _seal(table, _local(folder)) != batch.seal:
            raise ReadBackError(f"batch {batch.batch_id}: {path} differs from what was sealed; nothing was deleted")
        return digest

    def _seal_of_file(self, table: Table, path: str) -> Seal:
        with tempfile.TemporaryDirectory() as folder:
            self._hdfs.download(path, _local(Path(folder)))
            return _seal(table, _local(Path(folder)))


def _local(folder: Path) -> Path:
    return folder / "batch.parquet"


def _seal(table: Table, path: Path) -> Seal:
    quantity, value = summed_fields(table)
    rows = pq.read_table(path, columns=[table.key, quantity, value])
    return make_seal(rows[table.key].to_numpy(), _sum(rows[quantity]), _sum(rows[value]))


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column.cast(pa.int64())).as_py() or 0)
