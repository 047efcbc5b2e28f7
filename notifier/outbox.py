"""The outbox: every message from its birth until each target has it or was given up.

One document a message in ``flashsale_registry.outbox``; `_id` is the message's key, so that what is found again is
not told again.  Besides the message's own fields:

    deliveries   one a target: {target, label, state waiting|delivered|given_up, attempts, next_at, error, at}
    counts       for a flood: neither a digest, nor held for quiet hours, nor told whatever happens
    held_until, held_because   it waits to become part of a digest; then `digest` names that
    open         the fault it stands for, until that is over

A delivery is marked after it was sent.  Whoever dies in between sends it again: twice is possible, never is not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from flashsale.schema import OUTBOX, REGISTRY_DATABASE
from flashsale.stores.mongo import Client, Document
from notifier.holding import Because, Hold
from notifier.message import Message
from notifier.targets import Target

KEEP = timedelta(days=14)
_DUPLICATE_KEY = 11000
_FIELDS = {field.name for field in fields(Message)} - {"key"}


@dataclass(frozen=True, slots=True)
class Counts:
    """Deliveries by state, messages held for a digest, and the birth of the oldest that waits."""

    waiting: int
    held: int
    given_up: int
    oldest_waiting: datetime | None


class Outbox:
    """Reads and writes the collection as the user `notifier`, who may write nothing else."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._messages = client[REGISTRY_DATABASE][OUTBOX]

    def add(self, messages: Sequence[Message], holding: Sequence[Hold | None], targets: Sequence[Target]) -> int:
        """Store those that are new, held or on their way to `targets`; returns how many were."""
        if not messages:
            return 0
        documents = [_document(m, hold, targets) for m, hold in zip(messages, holding, strict=True)]
        try:
            return len(self._messages.insert_many(documents, ordered=False).inserted_ids)
        except BulkWriteError as error:
            if any(failure["code"] != _DUPLICATE_KEY for failure in error.details["writeErrors"]):
                raise
            return int(error.details["nInserted"])

    def open_faults(self) -> dict[str, Message]:
        """The faults that were told and are not over."""
        return {d["open"]: _message(d) for d in self._messages.find({"open": {"$exists": True}})}

    def close(self, fault: str) -> None:
        """The fault is over; call it after the message that says so is stored."""
        self._messages.update_one({"open": fault}, {"$unset": {"open": ""}})

    def of_alerts(self, alert_ids: Sequence[str]) -> list[Message]:
        """What was told of these alerts."""
        return [_message(d) for d in self._messages.find({"alert_id": {"$in": list(alert_ids)}})]

    def recent(self, since: datetime) -> int:
        """Messages born since then that count for a flood."""
        return self._messages.count_documents({"born_at": {"$gte": since}, "counts": True})

    def last_flood_digest(self, since: datetime) -> datetime | None:
        """When the newest digest of a flood was made, if since then."""
        found = self._messages.find_one(
            {"born_at": {"$gte": since}, "kind": "digest", "digest_because": "flood"}, sort=[("born_at", -1)]
        )
        return None if found is None else found["born_at"]

    def due(self, because: Because, now: datetime) -> list[Message]:
        """Held messages whose time has come."""
        found = self._messages.find({"held_because": because, "held_until": {"$lte": now}})
        return [_message(document) for document in found]

    def release(self, key: str, targets: Sequence[Target], now: datetime) -> None:
        """A held message that is the only one goes out as it is."""
        change = {"$set": {"deliveries": _deliveries(targets, now)}, "$unset": _NOT_HELD}
        self._messages.update_one({"_id": key, "held_until": {"$exists": True}}, change)

    def fold(self, digest: Message, because: Because, keys: Iterable[str], targets: Sequence[Target]) -> None:
        """Store the digest and take its members off their hold, both or nothing."""
        document = {**_document(digest, None, targets), "digest_because": because}
        mark = {"$set": {"digest": digest.key}, "$unset": _NOT_HELD}

        def write(session: ClientSession) -> None:
            self._messages.insert_one(dict(document), session=session)
            self._messages.update_many({"_id": {"$in": list(keys)}}, mark, session=session)

        with self._client.start_session() as session:
            session.with_transaction(write)

    def next_for(self, target: Target, now: datetime) -> tuple[Message, int] | None:
        """The message to send to `target` now, urgent ones first, and how many tries it took so far."""
        waiting = {"$elemMatch": {"target": target.key, "state": "waiting", "next_at": {"$lte": now}}}
        document = self._messages.find_one({"deliveries": waiting}, sort=[("urgent", -1), ("born_at", 1)])
        if document is None:
            return None
        own = next(one for one in document["deliveries"] if one["target"] == target.key)
        return _message(document), own["attempts"]

    def delivered(self, key: str, target: Target, now: datetime) -> None:
        self._mark(key, target, {"state": "delivered", "at": now, "error": None})

    def failed(self, key: str, target: Target, reason: str, next_at: datetime) -> None:
        self._mark(key, target, {"next_at": next_at, "error": reason})

    def give_up(self, key: str, target: Target, reason: str, now: datetime) -> None:
        self._mark(key, target, {"state": "given_up", "at": now, "error": reason})

    def drop_targets(self, targets: Sequence[Target], now: datetime) -> int:
        """Give up what waits for targets that are no longer configured; returns for how many messages."""
        known = [target.key for target in targets]
        change = {"state": "given_up", "at": now, "error": "the target is no longer configured"}
        return self._messages.update_many(
            {"deliveries": {"$elemMatch": {"state": "waiting", "target": {"$nin": known}}}},
            {"$set": {f"deliveries.$[gone].{name}": value for name, value in change.items()}},
            array_filters=[{"gone.state": "waiting", "gone.target": {"$nin": known}}],
        ).modified_count

    def counts(self, since: datetime) -> Counts:
        """Of now; given up since then."""
        states = dict.fromkeys(("waiting", "given_up"), 0)
        oldest = None
        for document in self._messages.find({"deliveries.state": "waiting"}, {"deliveries": 1, "born_at": 1}):
            states["waiting"] += sum(one["state"] == "waiting" for one in document["deliveries"])
            oldest = min(oldest or document["born_at"], document["born_at"])
        for document in self._messages.find({"deliveries.state": "given_up"}, {"deliveries": 1}):
            given_up = [one for one in document["deliveries"] if one["state"] == "given_up" and one["at"] >= since]
            states["given_up"] += len(given_up)
        held = self._messages.count_documents({"held_until": {"$exists": True}})
        return Counts(states["waiting"], held, states["given_up"], oldest)

    def by_target(self) -> list[Document]:
        """{label, state, count, error: the last one} of each target and state, for people."""
        return list(
            self._messages.aggregate(
                [
                    {"$unwind": "$deliveries"},
                    {"$sort": {"deliveries.next_at": 1}},
                    {
                        "$group": {
                            "_id": {"label": "$deliveries.label", "state": "$deliveries.state"},
                            "count": {"$sum": 1},
                            "error": {"$last": "$deliveries.error"},
                        }
                    },
                    {"$project": {"_id": 0, "label": "$_id.label", "state": "$_id.state", "count": 1, "error": 1}},
                    {"$sort": {"label": 1, "state": 1}},
                ]
            )
        )

    def forget_old(self, now: datetime) -> int:
        """Drop messages older than two weeks that wait for nothing; returns how many."""
        old: Document = {
            "born_at": {"$lt": now - KEEP},
            "deliveries.state": {"$ne": "waiting"},
            "held_until": {"$exists": False},
            "open": {"$exists": False},
        }
        return self._messages.delete_many(old).deleted_count

    def _mark(self, key: str, target: Target, change: dict[str, Any]) -> None:
        self._messages.find_one_and_update(
            {"_id": key, "deliveries.target": target.key},
            {
                "$set": {f"deliveries.$.{name}": value for name, value in change.items()},
                "$inc": {"deliveries.$.attempts": 1},
            },
            return_document=ReturnDocument.AFTER,
        )


_NOT_HELD = {"held_until": "", "held_because": ""}


def _document(message: Message, hold: Hold | None, targets: Sequence[Target]) -> Document:
    document: Document = asdict(message)
    document = {"_id": document.pop("key"), **document}
    if message.opens is not None:
        document["open"] = message.opens
    kept_quiet = hold is not None and hold.because == "quiet"
    document["counts"] = message.kind != "digest" and not message.always_alone and not kept_quiet
    if hold is not None:
        return {**document, "deliveries": [], "held_until": hold.until, "held_because": hold.because}
    return {**document, "deliveries": _deliveries(targets, message.born_at)}


def _deliveries(targets: Sequence[Target], now: datetime) -> list[Document]:
    empty = {"state": "waiting", "attempts": 0, "next_at": now, "error": None, "at": None}
    return [{"target": target.key, "label": target.label, **empty} for target in targets]


def _message(document: Document) -> Message:
    return Message(key=document["_id"], **{name: value for name, value in document.items() if name in _FIELDS})
