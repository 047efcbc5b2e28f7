"""The archive of one sale, opened: its batches in MongoDB and its files on HDFS."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from flashsale.archived_tables import ARCHIVED
from flashsale.errors import FlashsaleError
from flashsale.hdfs_paths import SalePaths, hour_of
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_COMPACTIONS, Table
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore, hdfs_errors
from flashsale.stores.mongo import Client, Document, mongo_client, mongo_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs.archive_tools.compactions import CompactionState

_LISTINGS = 5
"""Tries to list a table without a compaction coming in between."""


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file in the partition of its `hour`."""

    table: str
    hour: datetime
    path: str
    bytes: int

    @property
    def batch_id(self) -> str:
        """Its own name says which batch, or compaction, wrote it."""
        return self.path.rsplit("/", 1)[1].removesuffix(".parquet")


@dataclass(frozen=True)
class Archive:
    """One sale's archive; `client` and `database` as user `jobs`."""

    settings: Settings
    sale: SaleRun
    client: Client
    database: Database[Document]
    hdfs: HdfsStore
    paths: SalePaths

    def files(self, table: Table, hours: Sequence[datetime] | None = None) -> list[ArchiveFile]:
        """Files in the table's tree, or in the partitions of `hours` alone, by hour and name.

        Of an hour whose folder a compaction has just renamed away, the files of that folder: unlike a plain
        listing of the tree, this never misses them.  Raises FlashsaleError when hours are swapped all the time.
        """
        for _ in range(_LISTINGS):
            before = self._swapping(table)
            found = self._listed(table, hours)
            for one in before.values():
                replaced = self.hdfs.walk_sizes(self.paths.replaced(one["_id"], one["hour"]))
                if replaced and (hours is None or one["hour"] in hours):
                    found = [file for file in found if file.hour != one["hour"]]
                    found += [ArchiveFile(table.name, one["hour"], path, size) for path, size in replaced.items()]
            if self._swapping(table).keys() == before.keys():
                return sorted(found, key=lambda file: (file.hour, file.path))
        raise FlashsaleError(f"{table.name}: its hours are being compacted; run it again in a moment")

    def _listed(self, table: Table, hours: Sequence[datetime] | None) -> list[ArchiveFile]:
        root = self.paths.table(table.name)
        folders = [root] if hours is None else [self.paths.partition(table.name, hour) for hour in hours]
        found = []
        for folder in folders:
            for path, size in self.hdfs.walk_sizes(folder).items():
                hour = hour_of(path)
                if hour is not None and path.endswith(".parquet"):
                    found.append(ArchiveFile(table.name, hour, path, size))
        return found

    def _swapping(self, table: Table) -> dict[str, Document]:
        query = {"table": table.name, "state": CompactionState.WRITTEN.value}
        return {one["_id"]: one for one in self.database[ARCHIVE_COMPACTIONS].find(query)}


@contextmanager
def opened(settings: Settings, sale_id: str | None, doing: str) -> Iterator[Archive]:
    """The archive of `sale_id` (None: the live sale); whatever goes wrong `doing` something is told in one line."""
    with mongo_errors(doing), hdfs_errors(doing), mongo_client(settings, "jobs") as client:
        sale = find_sale(client, sale_id) if sale_id else active_sale(client)
        yield Archive(settings, sale, client, client[sale.database], HdfsStore(settings), SalePaths(sale.sale_id))


def table_called(name: str) -> Table:
    """The archived table called `name`; raises FlashsaleError."""
    for table in ARCHIVED:
        if table.name == name:
            return table
    raise FlashsaleError(f"table {name!r}: not archived; there are {', '.join(table.name for table in ARCHIVED)}")
