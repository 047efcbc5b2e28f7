"""The durable life of alerts: ``alert_events``, one document an episode, keyed by alert_id.

`latest` marks the newest episode of each pair, so that a run reads one document a pair however long the sale
(index on `latest`).  The document `book` says how far minutes were taken, and its revision fences the
whole: a run writes everything it changed in one transaction or, where another was faster, nothing.  Documents
of before the book lack fields and the mark; they read as their defaults.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from pymongo import ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from flashsale.alerts.life import WORSE_LAST
from flashsale.alerts.record import Alert, AlertBook, Handled
from flashsale.errors import SupersededRunError
from flashsale.schema import ALERT_EVENTS
from flashsale.snapshot import Severity
from flashsale.stores.mongo import Document

_BOOK = "book"
_FIELDS = {field.name for field in fields(Alert)} - {"alert_id"}


def read_book(database: Database[Document]) -> AlertBook:
    """The newest episode of each pair, and how far minutes were taken."""
    events = database[ALERT_EVENTS]
    # The book before the episodes: what changes in between fails by the revision.
    book = events.find_one({"_id": _BOOK}) or {}
    newest = events.find({"latest": {"$in": [True, None]}, "_id": {"$ne": _BOOK}}).sort("episode", 1)
    alerts = [_alert(document) for document in newest]
    return AlertBook({alert.pair: alert for alert in alerts}, book.get("taken_through"), book.get("revision", 0))


def book_mark(database: Database[Document]) -> tuple[int, datetime | None]:
    """(revision, minutes taken through) of the book, without reading an episode; (0, None) before the first."""
    book = database[ALERT_EVENTS].find_one({"_id": _BOOK}) or {}
    return book.get("revision", 0), book.get("taken_through")


def read_ringing(database: Database[Document], least: Severity) -> list[Alert]:
    """The newest episodes that are open, of severity `least` or worse."""
    severities = list(WORSE_LAST[WORSE_LAST.index(least) :])
    found = database[ALERT_EVENTS].find(
        {"latest": {"$in": [True, None]}, "_id": {"$ne": _BOOK}, "state": "open", "severity": {"$in": severities}}
    )
    return [_alert(document) for document in found]


def save_book(
    database: Database[Document], book: AlertBook, changed: Iterable[Alert], minute_end: datetime | None = None
) -> AlertBook:
    """Store `changed` alerts and that minutes are taken through `minute_end`; gives the book as it is now.

    `book` is what the change was computed from.  Raises SupersededRunError when it is no longer what is stored;
    nothing is written then.  Without any change nothing is written either.
    """
    alerts = list(changed)
    after = book.with_changes(alerts, minute_end)
    if not alerts and after.taken_through == book.taken_through:
        return book
    events = database[ALERT_EVENTS]
    writes = _writes(book, alerts)

    def write(session: ClientSession) -> None:
        told = {"taken_through": after.taken_through, "revision": after.revision}
        if book.revision == 0:
            events.insert_one({"_id": _BOOK, "latest": False, **told}, session=session)
        elif not events.update_one(
            {"_id": _BOOK, "revision": book.revision}, {"$set": told}, session=session
        ).matched_count:
            raise _superseded(database)
        if writes:
            events.bulk_write(writes, ordered=False, session=session)

    with database.client.start_session() as session:
        try:
            session.with_transaction(write)
        except DuplicateKeyError:
            raise _superseded(database) from None
    return after


def _writes(book: AlertBook, alerts: list[Alert]) -> list[ReplaceOne[Document] | UpdateOne]:
    writes: list[ReplaceOne[Document] | UpdateOne] = []
    for alert in alerts:
        before = book.latest.get(alert.pair)
        if before is not None and before.alert_id != alert.alert_id:
            writes.append(UpdateOne({"_id": before.alert_id}, {"$set": {"latest": False}}))
        writes.append(ReplaceOne({"_id": alert.alert_id}, _document(alert), upsert=True))
    return writes


def _document(alert: Alert) -> Document:
    document: Document = asdict(alert)
    return {"_id": document.pop("alert_id"), **document, "latest": True}


def _alert(document: Document) -> Alert:
    known: dict[str, Any] = {name: value for name, value in document.items() if name in _FIELDS}
    known["history"] = tuple(Handled(**entry) for entry in known.get("history", ()))
    known["applied"] = tuple(known.get("applied", ()))
    return Alert(alert_id=document["_id"], **known)


def _superseded(database: Database[Document]) -> SupersededRunError:
    return SupersededRunError(f"{database.name}.{ALERT_EVENTS}: another run changed the alerts meanwhile; run again")
