"""`flashsale-archive compact`: the small files of a closed hour become one (at most 4 M rows each).

The new file is written beside the table and read back.  Then the hour's folder is renamed away, as a whole, and the
new file is renamed into its place: a reader that lists the table sees the old files or the new one, for an instant
none, and never both (our own tools look where the folder went).  The old ones are deleted last, after the new one was
read back where it stands.  Each step is remembered in MongoDB and can be taken again, and the archive job's lease
keeps both from the same hour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flashsale.archived_tables import ARCHIVED, archived_table
from flashsale.errors import FlashsaleError
from flashsale.minutes import compact as compact_time
from flashsale.minutes import utc_now
from flashsale.schema import FACTS, Table
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from flashsale.stores.provision import check_sale
from spark_jobs.archive_batch import BatchStore, State
from spark_jobs.archive_lease import archive_lease
from spark_jobs.archive_sealing import DOCUMENTS_MOST, HOUR
from spark_jobs.archive_tools.compaction_steps import CompactionSteps
from spark_jobs.archive_tools.compactions import CompactionState, CompactionStore
from spark_jobs.archive_tools.opened import Archive, opened
from spark_jobs.archive_tools.published import Books, PublishedFile


@dataclass(frozen=True, slots=True)
class Compacted:
    """An hour of a table whose `before` files are `after` now; bytes on HDFS."""

    table: str
    hour: datetime
    before: int
    after: int
    rows: int
    bytes_before: int
    bytes_after: int

    def line(self) -> str:
        return (
            f"{self.table} {self.hour:%Y-%m-%d %H}: {self.before} files are {self.after} now, {self.rows:,} rows, "
            f"{self.bytes_before:,} bytes before and {self.bytes_after:,} after"
        )


def compact(settings: Settings, sale_id: str | None = None, now: datetime | None = None) -> Iterator[Compacted]:
    """Compact closed hours of a sale (default: the live one), each as it is done; `now` defaults to the clock.

    First finishes what an earlier run left.  An hour is closed when all its batches are PRUNED and nothing of it
    can be young enough to wait for the archive.  Raises NothingToDoError while an archive run is at work,
    FlashsaleError with every old file still there when a new one is not what was read.
    """
    with opened(settings, sale_id, "archive compact") as archive:
        check_sale(archive.client, archive.sale)
        with archive_lease(archive.database):
            compactor = _Compactor(archive)
            for compaction in compactor.store.unfinished():
                yield compactor.finish(compaction)
            for table in ARCHIVED:
                for hour in compactor.closed_hours(table, now or utc_now()):
                    planned = compactor.plan(table, hour)
                    if planned is not None:
                        yield compactor.finish(planned)


class _Compactor:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.store = CompactionStore(archive.database)
        self._steps = CompactionSteps(archive)

    def closed_hours(self, table: Table, now: datetime) -> list[datetime]:
        """Hours, oldest first, to which the archive adds nothing in the ordinary course; late facts may still come."""
        settings = self._archive.settings
        wait = timedelta(minutes=settings.archive_age_minutes + settings.lateness_minutes)
        states: dict[datetime, set[State]] = {}
        for batch in BatchStore(self._archive.database).all():
            if batch.table == table.name:
                states.setdefault(batch.hour, set()).add(batch.state)
        return [hour for hour in sorted(states) if states[hour] == {State.PRUNED} and hour + HOUR + wait <= now]

    def plan(self, table: Table, hour: datetime) -> Document | None:
        """Remember what is to become of an hour; None when there is nothing to gain."""
        files = _files_of(Books.read(self._archive), table.name, hour)
        if len(_groups(files, self._most_rows(table))) >= len(files):
            return None
        digest = files[0].file_digest[:4] + files[-1].file_digest[:4]
        compaction_id = f"{table.name}-{compact_time(hour)}-{len(files)}-compacted-{digest}"
        return self.store.plan(compaction_id, table.name, hour, [file.file_id for file in files])

    def finish(self, compaction: Document) -> Compacted:
        """Take a compaction from whatever state it is in to DONE."""
        table = archived_table(compaction["table"])
        if compaction["state"] == CompactionState.WRITTEN and not self._steps.is_whole(compaction):
            # Somebody cleared the staging folder: the old files are all there.
            self._steps.go_back(compaction)
            compaction = self.store.advance(compaction, CompactionState.PLANNED, files=[])
        if compaction["state"] == CompactionState.PLANNED:
            compaction = self._write(table, compaction)
        if compaction["state"] == CompactionState.WRITTEN:
            self._steps.swap(compaction)
            compaction = self.store.advance(compaction, CompactionState.SWAPPED)
        self._steps.settle(table, compaction)
        compaction = self.store.advance(compaction, CompactionState.DONE)
        return Compacted(
            compaction["table"],
            compaction["hour"],
            len(compaction["sources"]),
            len(compaction["files"]),
            sum(file["seal"]["rows"] for file in compaction["files"]),
            compaction["source_bytes"],
            sum(file["bytes"] for file in compaction["files"]),
        )

    def _write(self, table: Table, compaction: Document) -> Document:
        published = Books.read(self._archive).published
        try:
            sources = [published[source] for source in compaction["sources"]]
            groups = _groups(sources, self._most_rows(table))
            size, files = self._steps.write(table, compaction, groups)
        except FlashsaleError:
            # Nothing was touched: the next run plans anew, and `verify` tells what is wrong with the files.
            self._steps.clear(compaction)
            self.store.drop(compaction)
            raise
        return self.store.advance(compaction, CompactionState.WRITTEN, files=files, source_bytes=size)

    def _most_rows(self, table: Table) -> int:
        most = self._archive.settings.archive_batch_rows
        return most if table in FACTS else min(most, DOCUMENTS_MOST)


def _files_of(books: Books, table: str, hour: datetime) -> list[PublishedFile]:
    files = [file for file in books.published.values() if (file.table, file.hour) == (table, hour)]
    return sorted(files, key=lambda file: (file.start, file.file_id))


def _groups(files: Sequence[PublishedFile], most_rows: int) -> list[list[PublishedFile]]:
    """Files that become one each, in order of time, with at most `most_rows` rows unless one alone has more."""
    groups: list[list[PublishedFile]] = []
    for file in files:
        if groups and sum(one.rows for one in groups[-1]) + file.rows <= most_rows:
            groups[-1].append(file)
        else:
            groups.append([file])
    return groups
