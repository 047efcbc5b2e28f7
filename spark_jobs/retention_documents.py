"""Drop documents that nothing needs any more, in small steps: a run bounds its work, the next goes on.

Every deletion names ids and repeats the condition they were chosen by, so that a document which
a minute job or a backfill replaced meanwhile stays.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.collection import Collection

from flashsale.stores.mongo import Document

CHUNK = 50
"""Documents per deletion: each may hold a megabyte."""
MOST_PER_RUN = 2_000
"""Documents per collection and run."""
PAUSE_SECONDS = 0.05
"""Between deletions, so that the minute job's reads and writes come between."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a collection's documents that are older than needed.

    `kept`: not dropped, for the run's bound was reached or they were computed lately.
    """

    collection: str
    dropped: int
    kept: int


def drop_aged(collection: Collection[Document], needed_from: datetime, computed_before: datetime) -> Outcome:
    """Drop minutes before `needed_from` unless they were computed lately: a backfill may be at them."""
    query = {"_id": {"$lt": needed_from}, "computed_at": {"$lt": computed_before}}
    dropped = _drop(collection, query, MOST_PER_RUN)
    return Outcome(collection.name, dropped, collection.count_documents({"_id": {"$lt": needed_from}}))


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
