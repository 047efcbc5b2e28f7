"""One archive batch: what it covers, what was sealed, and how far it came.

``archive_batches`` holds {_id: batch_id, table, start, end, state, seal, ...}, and the lease of the run at work.
A batch is the rows of one table whose time lies in ``[start, end)``, within one
hour.  Its states follow each other; every step can be interrupted and taken again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from flashsale.minutes import compact, utc_now
from flashsale.schema import ARCHIVE_BATCHES, Table
from flashsale.stores.mongo import Document
from spark_jobs.archive_content import Seal
from spark_jobs.archive_lease import Lease


class State(StrEnum):
    """SEALED: range and digest fixed; STAGED: file written; VERIFIED: read back and equal;
    PUBLISHED: in place with its manifest; PRUNING: deletion begun; PRUNED: done."""

    SEALED = "SEALED"
    STAGED = "STAGED"
    VERIFIED = "VERIFIED"
    PUBLISHED = "PUBLISHED"
    PRUNING = "PRUNING"
    PRUNED = "PRUNED"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as stored; `file_digest` (SHA-256, hex) is known from VERIFIED on."""

    batch_id: str
    table: str
    start: datetime
    end: datetime
    state: State
    seal: Seal
    file_digest: str = ""

    @property
    def hour(self) -> datetime:
        """The hour its partition is named by."""
        return self.start.replace(minute=0)


class BatchStore:
    """Batches of one sale."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[ARCHIVE_BATCHES]

    def unfinished(self) -> list[Batch]:
        """Batches some run left before PRUNED, oldest first."""
        return self._read({"state": {"$ne": State.PRUNED.value}})

    def all(self) -> list[Batch]:
        return self._read({})

    def insert(
        self, lease: Lease, table: Table, start: datetime, end: datetime, seal: Seal, counts: Mapping[str, int]
    ) -> Batch:
        """Store a newly sealed batch; its id names the range and the content.

        `counts` are what a quarantine's documents are counted by (`flashsale.stores.quarantine`).
        Raises SupersededRunError when the lease is another run's by now.
        """
        batch_id = f"{table.name}-{compact(start)}-{compact(end)}-{seal.id_digest[:8]}"
        batch = Batch(batch_id, table.name, start, end, State.SEALED, seal)
        document: dict[str, Any] = {
            "_id": batch_id,
            "table": table.name,
            "start": start,
            "end": end,
            "state": batch.state.value,
            "seal": asdict(seal),
            "sealed_at": utc_now(),
            **({"counts": [{"key": key, "count": count} for key, count in counts.items()]} if counts else {}),
        }

        def put(session: ClientSession) -> None:
            self._collection.insert_one(dict(document), session=session)

        lease.within(put)
        return batch

    def advance(self, batch: Batch, state: State, **facts: Any) -> Batch:
        """Move a batch on, with whatever is to be remembered of the step."""
        change = {"state": state.value, f"{state.value.lower()}_at": utc_now(), **facts}
        self._collection.update_one({"_id": batch.batch_id}, {"$set": change})
        return self._one(batch.batch_id)

    def drop(self, batch: Batch) -> None:
        """Forget a batch that was never published, because its range changed after it was sealed."""
        self._collection.delete_one(
            {"_id": batch.batch_id, "state": {"$in": [State.SEALED.value, State.STAGED.value, State.VERIFIED.value]}}
        )

    def _one(self, batch_id: str) -> Batch:
        return self._read({"_id": batch_id})[0]

    def _read(self, query: dict[str, Any]) -> list[Batch]:
        found = self._collection.find({"table": {"$exists": True}, **query}).sort([("start", 1), ("_id", 1)])
        return [_batch(document) for document in found]


def _batch(document: Document) -> Batch:
    return Batch(
        document["_id"],
        document["table"],
        document["start"],
        document["end"],
        State(document["state"]),
        Seal(**document["seal"]),
        document.get("file_digest", ""),
    )
