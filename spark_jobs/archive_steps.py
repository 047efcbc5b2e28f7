"""The steps of one archive batch: stage, verify, publish, prune.  Each can be taken again."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pymongo.database import Database

from flashsale import CONTRACT_VERSION
from flashsale.errors import ReadBackError
from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import iso
from flashsale.schema import FACTS, Table
from flashsale.snapshot import canonical_json
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.mongo import Document
from spark_jobs.archive_batch import Batch
from spark_jobs.archive_content import seal_of_file, summed_fields
from spark_jobs.archive_files import disk_errors, write_file
from spark_jobs.archive_rows import ArchiveRows, Spend

DELETE_CHUNK = 10_000
MINUTES_CHUNK = 60


class ArchiveSteps:
    """Steps for the batches of one sale; they know nothing of states and the order of steps."""

    def __init__(
        self, database: Database[Document], sale_id: str, hdfs: HdfsStore, rows: ArchiveRows, spend: Spend
    ) -> None:
        self._database = database
        self._sale_id = sale_id
        self._paths = SalePaths(sale_id)
        self._hdfs = hdfs
        self._rows = rows
        self._spend = spend

    def stage(self, table: Table, batch: Batch) -> None:
        """Write the batch as one Parquet file below its staging folder, replacing an earlier attempt."""
        with _working_file() as file:
            write_file(table, self._rows.batches(table, batch.start, batch.end), file)
            self._hdfs.upload(file, self._staged(batch))

    def is_staged(self, batch: Batch) -> bool:
        """Whether the batch's file stands in staging, or already in its place."""
        return self._hdfs.exists(self._staged(batch)) or self._hdfs.exists(self._target(batch))

    def verify(self, table: Table, batch: Batch) -> str:
        """Read the staged file back; returns its SHA-256 (hex).

        Raises ReadBackError when it does not hold what was sealed; the staged file is then removed.
        """
        staged = self._staged(batch)
        with _working_file() as file:
            digest = self._hdfs.download(staged if self._hdfs.exists(staged) else self._target(batch), file)
            if seal_of_file(table, str(file)) == batch.seal:
                return digest
        self._hdfs.delete(self._paths.staging(batch.batch_id))
        raise ReadBackError(
            f"batch {batch.batch_id}: the staged file does not hold the {batch.seal.rows} rows that were sealed; "
            "nothing was deleted, the next run stages it again"
        )

    def publish(self, table: Table, batch: Batch) -> None:
        """Rename the file into place and write its manifest.

        Raises ReadBackError when another file stands there.
        """
        staged, target = self._staged(batch), self._target(batch)
        if self._hdfs.exists(target):
            # Renamed by a run that died before it could say so; anything else is not for us to replace.
            with _working_file() as file:
                self._same(batch, target, file)
        else:
            self._hdfs.rename(staged, target)
        manifest = {
            "batch_id": batch.batch_id,
            "table": batch.table,
            "sale_id": self._sale_id,
            "start": iso(batch.start),
            "end": iso(batch.end),
            **asdict(batch.seal),
            "summed_fields": list(summed_fields(table)),
            "file": target,
            "file_digest": batch.file_digest,
            "contract_version": CONTRACT_VERSION,
            "code_version": version("flashsale-war-room"),
        }
        self._hdfs.write_text(self._paths.manifest(batch.table, batch.hour, batch.batch_id), canonical_json(manifest))
        self._hdfs.delete(self._paths.staging(batch.batch_id))

    def prune(self, table: Table, batch: Batch) -> int:
        """Delete from MongoDB exactly the rows of the published file, after checking its bytes; returns how many."""
        with _working_file() as file:
            self._same(batch, self._target(batch), file)
            deleted = 0
            for rows, chunk in _deletions(table, file):
                deleted += self._database[table.name].delete_many(chunk).deleted_count
                self._spend(rows)
        return deleted

    def _same(self, batch: Batch, path: str, file: Path) -> None:
        """Copy a published file to `file`; raises ReadBackError when it is not, byte for byte, what was verified."""
        if not self._hdfs.exists(path) or self._hdfs.download(path, file) != batch.file_digest:
            raise ReadBackError(
                f"batch {batch.batch_id}: {path} is not the file that was verified; nothing was deleted, "
                "look at who changed it and move it away"
            )

    def _staged(self, batch: Batch) -> str:
        return f"{self._paths.staging(batch.batch_id)}/{batch.batch_id}.parquet"

    def _target(self, batch: Batch) -> str:
        return self._paths.data_file(batch.table, batch.hour, batch.batch_id)


@contextmanager
def _working_file() -> Iterator[Path]:
    """A path on this machine's disk for one copy of a batch."""
    with tempfile.TemporaryDirectory(prefix="flashsale-archive-") as folder:
        file = Path(folder) / "batch.parquet"
        with disk_errors(file):
            yield file


def _deletions(table: Table, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers of a file's rows and the filters that name them, a chunk at a time."""
    if any(field.name == "computed_at" for field in table.fields):
        # A minute that was computed again since is another document: it stays, and goes with another batch.
        rows = pq.read_table(file, columns=[table.key, "computed_at"]).to_pylist()
        for first in range(0, len(rows), MINUTES_CHUNK):
            chunk = rows[first : first + MINUTES_CHUNK]
            yield len(chunk), {"$or": [{"_id": row[table.key], "computed_at": row["computed_at"]} for row in chunk]}
        return
    if table in FACTS:
        ids = _ids_of(file, table.key)
    else:
        ids = np.array(sorted(pq.read_table(file, columns=[table.key])[table.key].to_pylist()), object)
    for first in range(0, len(ids), DELETE_CHUNK):
        # As objects of the driver's only now: they take five times the room.
        chunk = ids[first : first + DELETE_CHUNK].tolist()
        yield len(chunk), {"_id": {"$in": chunk}}


def _ids_of(file: Path, key: str) -> NDArray[np.int64]:
    """(N,) ids of a file of facts in the order of the index: scattered over it, a batch costs twice the work a row."""
    with pq.ParquetFile(file) as parquet:
        ids, done = np.empty(parquet.metadata.num_rows, np.int64), 0
        for batch in parquet.iter_batches(columns=[key]):
            ids[done : done + batch.num_rows] = batch.column(0).to_numpy()
            done += batch.num_rows
    ids.sort()
    return ids
