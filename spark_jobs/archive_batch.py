"""One archive batch: what it covers, what was sealed, and how far it came.

``archive_batches`` holds {_id: batch_id, table, start, end, state, seal, ...}.
A batch is the facts of one table whose event time lies in ``[start, end)``, within one
hour.  Its states follow each other; every step can be interrupted and taken again.
"""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from flashsale.minutes import compact, utc_now
from flashsale.schema import ARCHIVE_BATCHES, ORDERS, Table
from flashsale.stores.mongo import Document


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
class Seal:
    """Content of a batch: number of facts, SHA-256 over the sorted ids, and sums.

    `quantity` and `value` sum order_qty and order_value (minor units); for inventory they
    sum on_hand and reserved.
    """

    rows: int
    id_digest: str
    quantity: int
    value: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as stored."""

    batch_id: str
    table: str
    start: datetime
    end: datetime
    state: State
    seal: Seal

    @property
    def hour(self) -> datetime:
        """The hour its partition is named by."""
        return self.start.replace(minute=0)


def summed_fields(table: Table) -> tuple[str, str]:
    """The two fields a seal sums."""
    return ("order_qty", "order_value") if table.name == ORDERS.name else ("inventory_on_hand", "reserved_stock")


def make_seal(ids: NDArray[np.int64], quantity: int, value: int) -> Seal:
    """Seal of facts with these ids, in any order."""
    digest = hashlib.sha256(np.sort(ids).astype("<i8").tobytes()).hexdigest()
    return Seal(len(ids), digest, quantity, value)


class BatchStore:
    """Batches of one sale."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[ARCHIVE_BATCHES]

    def unfinished(self) -> list[Batch]:
        """Batches some run left before PRUNED, oldest first."""
        return self._read({"state": {"$ne": State.PRUNED.value}})

    def all(self) -> list[Batch]:
        return self._read({})

    def insert(self, table: Table, start: datetime, end: datetime, seal: Seal) -> Batch:
        """Store a newly sealed batch; its id names the range and the content."""
        batch_id = f"{table.name}-{compact(start)}-{compact(end)}-{seal.id_digest[:8]}"
        batch = Batch(batch_id, table.name, start, end, State.SEALED, seal)
        document: dict[str, Any] = asdict(batch)
        document["_id"] = document.pop("batch_id")
        document["state"] = batch.state.value
        document["sealed_at"] = utc_now()
        self._collection.insert_one(document)
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
        return [_batch(document) for document in self._collection.find(query).sort([("start", 1), ("_id", 1)])]


def _batch(document: Document) -> Batch:
    return Batch(
        document["_id"],
        document["table"],
        document["start"],
        document["end"],
        State(document["state"]),
        Seal(**document["seal"]),
    )
