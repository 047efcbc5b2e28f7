"""The steps of one compaction on HDFS: write, swap, settle.  Each can be taken again after a kill at any point."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flashsale import CONTRACT_VERSION
from flashsale.errors import FlashsaleError, ReadBackError
from flashsale.minutes import compact as compact_time
from flashsale.minutes import iso
from flashsale.rendering import arrow_schema
from flashsale.schema import Table
from flashsale.snapshot import canonical_json
from flashsale.stores.mongo import Document
from spark_jobs.archive_content import seal_of_batches, seal_of_file, summed_fields
from spark_jobs.archive_files import disk_errors, write_file
from spark_jobs.archive_tools.opened import Archive
from spark_jobs.archive_tools.published import PublishedFile

_ROWS, _DOCUMENTS = 100_000, 50


class CompactionSteps:
    """Steps for the compactions of one sale's archive; they know nothing of the order of steps."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._hdfs, self._paths = archive.hdfs, archive.paths

    def write(
        self, table: Table, compaction: Document, groups: Sequence[Sequence[PublishedFile]]
    ) -> tuple[int, list[Document]]:
        """Make one staged file of each group and read it back; returns bytes of the sources, and the new files.

        Raises ReadBackError when a source is not what was published, or a new file not what the sources hold.
        """
        self.clear(compaction)
        size, files = 0, []
        for group in groups:
            with tempfile.TemporaryDirectory(prefix="flashsale-compact-") as name:
                folder = Path(name)
                local = [self._source(file, folder / f"{number}.parquet") for number, file in enumerate(group)]
                size += sum(path.stat().st_size for path in local)
                files.append(self._write_one(table, compaction, group, local, folder / "compacted.parquet"))
                (folder / "compacted.parquet").unlink()
        return size, files

    def is_whole(self, compaction: Document) -> bool:
        """Whether each new file stands in staging or in its place."""
        return all(
            self._hdfs.exists(self._staged(compaction, file)) or self._hdfs.exists(self._target(compaction, file))
            for file in compaction["files"]
        )

    def swap(self, compaction: Document) -> None:
        """Rename the hour's folder away, then the new files into its place.

        Raises FlashsaleError, with nothing changed, when the folder holds other files than the sources.
        """
        partition, replaced = self._partition(compaction), self._replaced(compaction)
        if not self._hdfs.exists(replaced):
            found = {path.rsplit("/", 1)[1].removesuffix(".parquet") for path in self._hdfs.walk_files(partition)}
            if found != set(compaction["sources"]):
                other = sorted(found ^ set(compaction["sources"]))
                raise FlashsaleError(
                    f"compaction {compaction['_id']}: {partition} does not hold the files it was planned for "
                    f"({', '.join(other)[:120]}); `flashsale-archive verify` tells more"
                )
            self._hdfs.rename(partition, replaced)
        for file in compaction["files"]:
            if not self._hdfs.exists(self._target(compaction, file)):
                self._hdfs.rename(self._staged(compaction, file), self._target(compaction, file))

    def settle(self, table: Table, compaction: Document) -> None:
        """Read the new files back where they stand, write their manifests, and delete what they replace.

        Raises ReadBackError, with nothing deleted, when a file is not what was staged.
        """
        for file in compaction["files"]:
            target = self._target(compaction, file)
            with tempfile.TemporaryDirectory(prefix="flashsale-compact-") as folder:
                if self._hdfs.download(target, Path(folder) / "back.parquet") != file["file_digest"]:
                    raise ReadBackError(
                        f"compaction {compaction['_id']}: {target} is not the file that was staged; the old files "
                        f"stand in {self._replaced(compaction)}"
                    )
            path = self._paths.manifest(table.name, compaction["hour"], file["file_id"])
            self._hdfs.write_text(path, canonical_json(self._manifest(table, compaction, file)))
        for source in compaction["sources"]:
            self._hdfs.delete(self._paths.manifest(table.name, compaction["hour"], source))
        self._hdfs.delete(f"{self._paths.replaced_root}/{compaction['_id']}")
        self.clear(compaction)

    def go_back(self, compaction: Document) -> None:
        """Put the hour's folder back where the new files cannot all be put in its place."""
        partition, replaced = self._partition(compaction), self._replaced(compaction)
        if self._hdfs.exists(replaced):
            self._hdfs.delete(partition)
            self._hdfs.rename(replaced, partition)

    def clear(self, compaction: Document) -> None:
        """Delete what stands in staging."""
        self._hdfs.delete(self._paths.staging(compaction["_id"]))

    def _source(self, file: PublishedFile, local: Path) -> Path:
        path = self._paths.data_file(file.table, file.hour, file.file_id)
        if not self._hdfs.exists(path):
            raise ReadBackError(f"compaction: {path} is missing; nothing was changed, `verify` tells more")
        with disk_errors(local):
            if self._hdfs.download(path, local) != file.file_digest:
                raise ReadBackError(f"compaction: {path} is not the file that was published; nothing was changed")
        return local

    def _write_one(
        self, table: Table, compaction: Document, group: Sequence[PublishedFile], sources: list[Path], local: Path
    ) -> Document:
        expected = seal_of_batches(table, _rows(table, sources))
        start, end = min(file.start for file in group), max(file.end for file in group)
        times = f"{compact_time(start)}-{compact_time(end)}"
        file = {"file_id": f"{table.name}-{times}-compacted-{expected.id_digest[:8]}", "start": start, "end": end}
        with disk_errors(local):
            write_file(table, _rows(table, sources), local)
            self._hdfs.upload(local, self._staged(compaction, file))
            size = local.stat().st_size
            digest = self._hdfs.download(self._staged(compaction, file), local)
        if expected.rows != sum(one.rows for one in group) or seal_of_file(table, str(local)) != expected:
            raise ReadBackError(
                f"compaction {compaction['_id']}: the staged file does not hold the {expected.rows:,} rows of the "
                f"{len(group)} files it was made of; nothing was changed"
            )
        return {**file, "seal": asdict(expected), "file_digest": digest, "bytes": size}

    def _manifest(self, table: Table, compaction: Document, file: Document) -> Document:
        return {
            "batch_id": file["file_id"],
            "table": table.name,
            "sale_id": self._archive.sale.sale_id,
            "start": iso(file["start"]),
            "end": iso(file["end"]),
            **file["seal"],
            "summed_fields": list(summed_fields(table)),
            "file": self._target(compaction, file),
            "file_digest": file["file_digest"],
            "compacted_from": compaction["sources"],
            "contract_version": CONTRACT_VERSION,
            "code_version": version("flashsale-war-room"),
        }

    def _partition(self, compaction: Document) -> str:
        return self._paths.partition(compaction["table"], compaction["hour"])

    def _replaced(self, compaction: Document) -> str:
        return self._paths.replaced(compaction["_id"], compaction["hour"])

    def _staged(self, compaction: Document, file: Document) -> str:
        return f"{self._paths.staging(compaction['_id'])}/{file['file_id']}.parquet"

    def _target(self, compaction: Document, file: Document) -> str:
        return self._paths.data_file(compaction["table"], compaction["hour"], file["file_id"])


def _rows(table: Table, paths: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """Rows of files one after the other, in the table's own types whoever wrote them."""
    schema = arrow_schema(table)
    for path in paths:
        with pq.ParquetFile(path) as file:
            at_once = _DOCUMENTS if "pairs" in schema.names else _ROWS
            for batch in file.iter_batches(at_once, columns=schema.names):
                yield pa.RecordBatch.from_arrays(
                    [batch[field.name].cast(field.type) for field in schema], schema=schema
                )
