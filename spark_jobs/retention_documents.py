"""Drop documents that nothing needs any more, in small steps: a run bounds its work, the next goes on.

Every deletion names ids and repeats the condition they were chosen by, so that a document which
a minute job or a backfill replaced meanwhile stays.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database

from flashsale.minutes import MINUTE
from flashsale.schema import ARCHIVE_BATCHES
from flashsale.stores.mongo import Document
from spark_jobs.archive_batch import State

CHUNK = 50
"""Documents per deletion: each may hold a megabyte."""
MOST_PER_RUN = 2_000
"""Documents per collection and run."""
PAUSE_SECONDS = 0.05
"""Between deletions, so that the minute job's reads and writes come between."""
_ARCHIVED = (State.PUBLISHED.value, State.PRUNING.value, State.PRUNED.value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a collection's documents that are older than needed.

    `kept`: not dropped, for no archive batch holds them or the run's bound was reached.
    """

    collection: str
    dropped: int
    kept: int

    def kept_line(self) -> str:
        why = "the next run goes on" if self.dropped >= MOST_PER_RUN else "not archived yet"
        return f"kept {self.kept:,} {self.collection}: {why}"


def drop_aged(collection: Collection[Document], needed_from: datetime, computed_before: datetime) -> Outcome:
    """Drop minutes before `needed_from` unless they were computed lately: a backfill may be at them."""
    query = {"_id": {"$lt": needed_from}, "computed_at": {"$lt": computed_before}}
    dropped = _drop(collection, query, MOST_PER_RUN)
    return Outcome(collection.name, dropped, collection.count_documents({"_id": {"$lt": needed_from}}))


def drop_archived(database: Database[Document], name: str, needed_from: datetime) -> Outcome:
    """Drop minutes before `needed_from` that a published archive batch of collection `name` holds.

    A batch holds the documents with an ``_id`` in ``[start, end)`` as they stood when it was
    sealed: one that was computed again since is another and stays.
    """
    collection = database[name]
    dropped = 0
    for batch in _published_batches(database, name, needed_from):
        query = {
            "_id": {"$gte": batch["start"], "$lt": min(batch["end"], needed_from)},
            # A time of computing is taken shortly before the document is stored.
            "computed_at": {"$lt": batch["sealed_at"] - MINUTE},
        }
        if collection.count_documents(query) > batch["seal"]["rows"]:
            continue  # the batch cannot hold them all
        dropped += _drop(collection, query, MOST_PER_RUN - dropped)
    return Outcome(name, dropped, collection.count_documents({"_id": {"$lt": needed_from}}))


def _published_batches(database: Database[Document], name: str, needed_from: datetime) -> Iterator[Document]:
    """Batches of `name`, oldest first, that may still have documents here."""
    oldest = database[name].find_one({"_id": {"$lt": needed_from}}, {"_id": 1}, sort=[("_id", 1)])
    if oldest is not None:
        query = {"table": name, "state": {"$in": _ARCHIVED}, "end": {"$gt": oldest["_id"]}}
        yield from database[ARCHIVE_BATCHES].find(query).sort([("start", 1), ("_id", 1)])


def _drop(collection: Collection[Document], query: dict[str, Any], most: int) -> int:
    """Drop at most `most` documents of `query`, oldest first; returns how many."""
    dropped = 0
    while dropped < most:
        found = collection.find(query, {"_id": 1}).sort("_id", 1).limit(min(CHUNK, most - dropped))
        ids = [document["_id"] for document in found]
        if not ids:
            break
        dropped += collection.delete_many({"$and": [query, {"_id": {"$in": ids}}]}).deleted_count
        time.sleep(PAUSE_SECONDS)
    return dropped
