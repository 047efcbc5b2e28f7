"""What the writer leaves for the jobs: how far it is, and what it saw.

``generator_checkpoints``: one document a shard, {_id: shard, acked_through, tick, state,
contract_version}; a writer of another contract cannot move it.  `tick` is the last one
whose facts are acknowledged; `state` is the generator's own, {ledger, simulation}: counts as
of `tick`, and a state of the simulation at that tick or some ticks before.
``ingest_ledger``: one document per (minute, shard), {_id: {minute, shard}, acked,
late, duplicate_same, duplicate_conflict, refused: {reason: count}}.  A minute here is
that of the writer's tick.  Counts are set, never incremented: repeating a tick after
a crash changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from flashsale import CONTRACT_VERSION
from flashsale.errors import StoreNotReadyError
from flashsale.schema import CHECKPOINTS, INGEST_LEDGER
from flashsale.stores.mongo import Document


@dataclass(slots=True)
class LedgerEntry:
    """Counts of one minute and shard; `acked` counts distinct ids stored, `late` those among them
    that arrived after their minute was final."""

    minute: datetime
    shard: int
    acked: int = 0
    late: int = 0
    duplicate_same: int = 0
    duplicate_conflict: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def put_ledger(database: Database[Document], entries: list[LedgerEntry]) -> None:
    """Set the counts of each (minute, shard)."""
    if not entries:
        return
    database[INGEST_LEDGER].bulk_write(
        [
            UpdateOne(
                {"_id": {"minute": entry.minute, "shard": entry.shard}},
                {
                    "$set": {
                        "acked": entry.acked,
                        "late": entry.late,
                        "duplicate_same": entry.duplicate_same,
                        "duplicate_conflict": entry.duplicate_conflict,
                        "refused": entry.refused,
                    }
                },
                upsert=True,
            )
            for entry in entries
        ],
        ordered=False,
    )


def read_ledger(database: Database[Document], minute: datetime, shard: int) -> LedgerEntry:
    """The stored counts of one (minute, shard); zeros when there are none."""
    document = database[INGEST_LEDGER].find_one({"_id": {"minute": minute, "shard": shard}})
    if document is None:
        return LedgerEntry(minute, shard)
    return LedgerEntry(
        minute,
        shard,
        acked=document["acked"],
        late=document["late"],
        duplicate_same=document["duplicate_same"],
        duplicate_conflict=document["duplicate_conflict"],
        refused=dict(document["refused"]),
    )


def ledger_totals(database: Database[Document]) -> LedgerEntry:
    """Sums over the whole sale, in a `LedgerEntry` without minute or shard of its own."""
    total = LedgerEntry(datetime.min.replace(tzinfo=UTC), -1)
    for document in database[INGEST_LEDGER].find():
        total.acked += document["acked"]
        total.late += document["late"]
        total.duplicate_same += document["duplicate_same"]
        total.duplicate_conflict += document["duplicate_conflict"]
        for reason, count in document["refused"].items():
            total.refused[reason] = total.refused.get(reason, 0) + count
    return total


def put_checkpoint(database: Database[Document], shard: int, acked_through: datetime, tick: int, state: Any) -> None:
    """Move a shard's checkpoint: everything that arrived before `acked_through` is acknowledged.

    Raises StoreNotReadyError when the sale was upgraded meanwhile: this writer is an old one.
    """
    _update_checkpoint(database, shard, {"$set": {"acked_through": acked_through, "tick": tick, "state": state}})


def move_checkpoint(
    database: Database[Document], shard: int, acked_through: datetime, tick: int, parts: Mapping[str, Any]
) -> None:
    """The same, but of `state` only these parts are set.  Raises as `put_checkpoint`."""
    fields = {"acked_through": acked_through, "tick": tick, **_of_state(parts)}
    _update_checkpoint(database, shard, {"$set": fields})


def put_state(database: Database[Document], shard: int, parts: Mapping[str, Any]) -> None:
    """Set these parts of the shard's `state`, which has a checkpoint already.  Raises as `put_checkpoint`."""
    _update_checkpoint(database, shard, {"$set": _of_state(parts)})


def move_watermark(database: Database[Document], moment: datetime, opening: Mapping[int, Mapping[str, Any]]) -> None:
    """Say of every shard that what arrives before `moment` is acknowledged; never back.

    `opening`: shard -> the `state` of one that has no checkpoint yet.  Raises as `put_checkpoint`.
    """
    for shard, state in opening.items():
        change = {"$max": {"acked_through": moment}, "$setOnInsert": {"tick": -1, "state": dict(state)}}
        _update_checkpoint(database, shard, change)


def _of_state(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {f"state.{name}": value for name, value in parts.items()}


def _update_checkpoint(database: Database[Document], shard: int, change: Document) -> None:
    try:
        database[CHECKPOINTS].update_one({"_id": shard, "contract_version": CONTRACT_VERSION}, change, upsert=True)
    except DuplicateKeyError as error:
        raise StoreNotReadyError(
            f"{database.name}: the checkpoint of shard {shard} is not of contract {CONTRACT_VERSION} any more; "
            "start the version that runs this sale"
        ) from error


def read_checkpoint(database: Database[Document], shard: int) -> Document | None:
    """{acked_through, tick, state} of a shard, or None before its first tick."""
    return database[CHECKPOINTS].find_one({"_id": shard})


def read_watermark(database: Database[Document]) -> datetime | None:
    """Least `acked_through` over the shards; None before the first checkpoint."""
    documents = list(database[CHECKPOINTS].find({}, {"acked_through": 1}))
    return min((d["acked_through"] for d in documents), default=None)
