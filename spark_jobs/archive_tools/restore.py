"""`flashsale-archive restore`: an archived hour back into MongoDB, beside the live collections.

The archive keeps what was restored: restoring is for looking, and for handing data on.  So it never goes into the
collection it came from unless that is forced; then each id stands twice, and `verify` says so until the archive's
files of the hour are given up.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from flashsale.archived_tables import ARCHIVED
from flashsale.errors import FlashsaleError, ReadBackError
from flashsale.rendering import mongo_validator
from flashsale.schema import FACTS, STATE_COLLECTIONS, TABLES, Table, restored_name
from flashsale.settings import Settings
from flashsale.stores.mongo import Document, mongo_client
from spark_jobs.archive_tools.opened import Archive, ArchiveFile, opened, table_called
from spark_jobs.archive_tools.stored_documents import StoredDocument, stored_documents

_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back of one table: `new` documents, and `present` ones that were there already and are the same now."""

    table: str
    into: str
    files: int
    rows: int
    new: int
    present: int

    def line(self) -> str:
        return (
            f"{self.table}: {self.rows:,} rows of {self.files} {'file' if self.files == 1 else 'files'} into "
            f"{self.into}, as their manifests say ({self.new:,} new, {self.present:,} were there)"
        )


def restore(
    settings: Settings,
    sale_id: str | None,
    hour: datetime,
    table: str | None = None,
    into: str | None = None,
    *,
    force: bool = False,
) -> Iterator[Restored]:
    """Put the rows of `hour` into MongoDB, each table as it is done; by default both facts, each into ``…_restored``.

    Documents have the types they had, and a repeat changes nothing.  Raises FlashsaleError before anything is
    written when the hour is not archived, a file is not what its manifest says, or the target is the pipeline's own.
    """
    with opened(settings, sale_id, "restore") as archive:
        # With a collection of its own choice one table is meant: ids of orders and of events are not distinct.
        tables = [table_called(table)] if table else list(FACTS[:1] if into else FACTS)
        for one in tables:
            _refuse_live(one, into, force=force)
        found = {one.name: archive.files(one, [hour]) for one in tables}
        if not any(found.values()):
            raise FlashsaleError(_not_archived(archive, tables, hour))
        for one in tables:
            with _target_database(archive, into) as database:
                yield _restore_table(archive, one, found[one.name], database, into or restored_name(one.name))


@contextmanager
def _target_database(archive: Archive, into: str | None) -> Iterator[Database[Document]]:
    """As `jobs`, who may write the collections restoring is meant for; as the owner where another one is named."""
    if into is None or into in {restored_name(table.name) for table in ARCHIVED}:
        yield archive.database
        return
    with mongo_client(archive.settings, "owner") as owner:
        yield owner[archive.sale.database]


def _refuse_live(table: Table, into: str | None, *, force: bool) -> None:
    if into is None:
        return
    if not into or into.startswith("system.") or "$" in into or "\0" in into:
        raise FlashsaleError(f"--into {into!r}: is no name MongoDB takes for a collection")
    if into == table.name and not force:
        raise FlashsaleError(
            f"--into {into}: is the live collection; the archive would still hold the same rows, and verify would "
            f"find each twice. Leave --into out for {restored_name(table.name)}, or add --force"
        )
    if into != table.name and into in (*(one.name for one in TABLES), *STATE_COLLECTIONS):
        raise FlashsaleError(f"--into {into}: is the pipeline's own and holds no {table.name}; name another collection")


def _not_archived(archive: Archive, tables: Sequence[Table], hour: datetime) -> str:
    names = " and ".join(table.name for table in tables)
    hours = sorted({file.hour for table in tables for file in archive.files(table)})
    there = f"there are {hours[0]:%Y-%m-%d %H} to {hours[-1]:%Y-%m-%d %H}" if hours else "nothing is archived yet"
    return f"sale {archive.sale.sale_id}: no {names} of {hour:%Y-%m-%d} hour {hour:%H} is archived; {there}"


def _restore_table(
    archive: Archive, table: Table, files: list[ArchiveFile], database: Database[Document], into: str
) -> Restored:
    if files and into not in database.list_collection_names():
        # The rules of the door: a document with another type than it had would be refused.
        validator = mongo_validator(table) if table in FACTS else {}
        database.create_collection(into, validator=validator)
    rows = new = present = 0
    with tempfile.TemporaryDirectory(prefix="flashsale-restore-") as folder:
        local = Path(folder) / "restored.parquet"
        for file in files:
            expected = _checked(archive, table, file, local)
            taken = 0
            for documents in stored_documents(table, local):
                inserted, replaced = _put(database[into], documents)
                new, present, taken = new + inserted, present + replaced, taken + inserted + replaced
            if taken != expected:
                raise ReadBackError(f"restore: MongoDB took {taken:,} of the {expected:,} rows of {file.path}")
            rows += taken
    return Restored(table.name, into, len(files), rows, new, present)


def _put(collection: Collection[Document], documents: list[StoredDocument]) -> tuple[int, int]:
    """Insert documents, and replace those that are there: (inserted, replaced)."""
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        errors = error.details["writeErrors"]
        if any(one["code"] != _DUPLICATE_KEY for one in errors):
            raise
        there = [documents[one["index"]] for one in errors]
    else:
        return len(documents), 0
    done = collection.bulk_write([ReplaceOne({"_id": one["_id"]}, one) for one in there], ordered=False)
    return len(documents) - len(there), done.matched_count


def _checked(archive: Archive, table: Table, file: ArchiveFile, local: Path) -> int:
    """Copy the file to `local`, compare its bytes with its manifest; returns the rows it must hold."""
    path = archive.paths.manifest(table.name, file.hour, file.batch_id)
    if not archive.hdfs.exists(path):
        raise FlashsaleError(f"restore: {file.path} has no manifest; `flashsale-archive verify` tells more")
    manifest = json.loads(archive.hdfs.read_text(path))
    if archive.hdfs.download(file.path, local) != manifest["file_digest"]:
        raise ReadBackError(f"restore: {file.path} is not the file its manifest names; nothing of it was restored")
    return int(manifest["rows"])
