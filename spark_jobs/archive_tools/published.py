"""What should stand on HDFS, as MongoDB says: the files of published batches, and of compactions of them.

A compaction replaces the files of an hour by fewer (`archive_tools.compactions`): once its own are in place, those
it was made of are no longer expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flashsale.schema import ARCHIVE_BATCHES, ARCHIVE_COMPACTIONS
from flashsale.stores.mongo import Document
from spark_jobs.archive_batch import State
from spark_jobs.archive_tools.compactions import CompactionState
from spark_jobs.archive_tools.opened import Archive

IN_PLACE = (State.PUBLISHED.value, State.PRUNING.value, State.PRUNED.value)


@dataclass(frozen=True)
class PublishedFile:
    """One file as it was published: `seal` by the names its manifest has too; `pruned`: MongoDB let go of its rows."""

    file_id: str
    table: str
    hour: datetime
    start: datetime
    end: datetime
    seal: Mapping[str, Any]
    file_digest: str
    pruned: bool

    @property
    def rows(self) -> int:
        return int(self.seal["rows"])


@dataclass(frozen=True)
class Books:
    """What MongoDB has of the archive at one moment.

    `unfinished`: batch id -> state, of those that are not PRUNED yet; `compacting`: compactions that are not done.
    """

    published: dict[str, PublishedFile]
    unfinished: dict[str, str]
    compacting: list[Document]

    @classmethod
    def read(cls, archive: Archive) -> "Books":
        compactions = list(archive.database[ARCHIVE_COMPACTIONS].find())
        swapped = [one for one in compactions if one["state"] in (CompactionState.SWAPPED, CompactionState.DONE)]
        gone = {source for one in swapped for source in one["sources"]}
        published, unfinished = {}, {}
        for batch in archive.database[ARCHIVE_BATCHES].find({"table": {"$exists": True}}):
            if batch["state"] != State.PRUNED.value:
                unfinished[batch["_id"]] = batch["state"]
            if batch["state"] in IN_PLACE:
                published[batch["_id"]] = _of_batch(batch)
        for compaction in swapped:
            for file in compaction["files"]:
                published[file["file_id"]] = _of_compaction(compaction, file)
        standing = {file_id: file for file_id, file in published.items() if file_id not in gone}
        return cls(standing, unfinished, [one for one in compactions if one["state"] != CompactionState.DONE])

    def is_pruned(self, file_id: str) -> bool:
        """Whether MongoDB holds none of the file's rows any more."""
        return file_id in self.published and self.published[file_id].pruned

    def explains(self, file_id: str) -> bool:
        """Whether a file of this name may stand in a partition: as published, or about to be."""
        return file_id in self.published or self.unfinished.get(file_id) == State.VERIFIED


def _of_batch(batch: Document) -> PublishedFile:
    start: datetime = batch["start"]
    return PublishedFile(
        batch["_id"],
        batch["table"],
        start.replace(minute=0),
        start,
        batch["end"],
        batch["seal"],
        batch.get("file_digest", ""),
        batch["state"] == State.PRUNED.value,
    )


def _of_compaction(compaction: Document, file: Document) -> PublishedFile:
    return PublishedFile(
        file["file_id"],
        compaction["table"],
        compaction["hour"],
        file["start"],
        file["end"],
        file["seal"],
        file["file_digest"],
        pruned=True,
    )
