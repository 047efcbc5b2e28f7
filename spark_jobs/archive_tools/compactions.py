"""Compactions of one sale's archive as MongoDB remembers them, so that one that was killed is taken up again.

``archive_compactions`` holds {_id, table, hour, sources: ids of the files it is made of, state, files: [{file_id,
start, end, seal, file_digest, bytes}], ...at}; `files` are known from WRITTEN on.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo.database import Database

from flashsale.minutes import utc_now
from flashsale.schema import ARCHIVE_COMPACTIONS
from flashsale.stores.mongo import Document


class CompactionState(StrEnum):
    """PLANNED: its sources are fixed; WRITTEN: new files staged and read back; SWAPPED: they are in place of the
    old ones, which still exist elsewhere; DONE: the old ones are deleted."""

    PLANNED = "PLANNED"
    WRITTEN = "WRITTEN"
    SWAPPED = "SWAPPED"
    DONE = "DONE"


class CompactionStore:
    """Compactions of one sale; documents as above."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[ARCHIVE_COMPACTIONS]

    def unfinished(self) -> list[Document]:
        """Those that some run left before DONE, oldest first."""
        return list(self._collection.find({"state": {"$ne": CompactionState.DONE.value}}).sort("planned_at", 1))

    def plan(self, compaction_id: str, table: str, hour: datetime, sources: Sequence[str]) -> Document:
        """Remember a new one."""
        document = {"_id": compaction_id, "table": table, "hour": hour, "sources": list(sources), "files": []}
        self._collection.insert_one({**document, "state": CompactionState.PLANNED.value, "planned_at": utc_now()})
        return self._one(compaction_id)

    def advance(self, compaction: Document, state: CompactionState, **facts: Any) -> Document:
        """Move it on (or, to PLANNED, back), with whatever is to be remembered of the step."""
        change = {"state": state.value, f"{state.value.lower()}_at": utc_now(), **facts}
        self._collection.update_one({"_id": compaction["_id"]}, {"$set": change})
        return self._one(compaction["_id"])

    def drop(self, compaction: Document) -> None:
        """Forget one that changed nothing yet."""
        self._collection.delete_one({"_id": compaction["_id"], "state": CompactionState.PLANNED.value})

    def _one(self, compaction_id: str) -> Document:
        found = self._collection.find_one({"_id": compaction_id})
        if found is None:
            raise KeyError(compaction_id)
        return found
