"""Where bad documents stand: kept as received, with the reason, never counted, never dropped.

``orders_quarantine`` and ``inventory_quarantine`` hold {_id: sha256 of (BSON, reason),
origin, reason, detail, document, quarantined_at}.  `origin` is ``refused``
(the validator or the writer said no), ``conflict`` (another document holds its id) or
``moved`` (it had got past the door and a job moved it here).
"""

import hashlib
import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import bson
from bson.errors import BSONError
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from flashsale.schema import ARCHIVE_BATCHES, QUARANTINE_OF
from flashsale.stores.mongo import Document

Origin = Literal["refused", "conflict", "moved"]
MAX_STRING = 4096
MAX_KEPT_BYTES = 1024 * 1024
MAX_KEPT_DEPTH = 90
"""Below MongoDB's 200 levels (beyond, it drops the connection); the entry adds one."""
LEAVING = ("PRUNING", "PRUNED")
"""States of an archive batch whose documents are being deleted here, or were."""
_DUPLICATE_KEY = 11000


def quarantine_entry(document: Document, origin: Origin, reason: str, now: datetime, detail: str = "") -> Document:
    """The quarantine document for `document`; the same document and reason give the same ``_id``.

    `reason` is a short code that is counted by; `detail` tells a person more.
    """
    try:
        received = bson.encode(document)
        kept: Any = _cut_strings(document)
        if len(bson.encode(kept)) > MAX_KEPT_BYTES or nesting(kept) > MAX_KEPT_DEPTH:
            kept = {"too_large": len(received), "repr": _text(document)[:MAX_STRING]}
    except (BSONError, TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
        # MongoDB cannot hold it in any form: keep its text.
        text = _text(document)
        received = text.encode(errors="backslashreplace")
        kept = {"not_bson": f"{type(error).__name__}: {error}"[:MAX_STRING], "repr": text[:MAX_STRING]}
        kept = {key: value.encode(errors="backslashreplace").decode() for key, value in kept.items()}
    return {
        "_id": hashlib.sha256(received + reason.encode()).hexdigest(),
        "origin": origin,
        "reason": reason,
        "detail": detail[:MAX_STRING].encode(errors="backslashreplace").decode(),
        "document": kept,
        "quarantined_at": now,
    }


def put_in_quarantine(database: Database[Document], fact_table: str, entries: Iterable[Document]) -> int:
    """Insert entries (majority-acknowledged by the client); those already there count as stored.

    Returns the number newly stored; raises pymongo's BulkWriteError for anything but a repeat.
    """
    batch = list(entries)
    if not batch:
        return 0
    collection = database[QUARANTINE_OF[fact_table]]
    try:
        return len(collection.insert_many(batch, ordered=False).inserted_ids)
    except BulkWriteError as error:
        errors = error.details["writeErrors"]
        if any(e["code"] != _DUPLICATE_KEY for e in errors):
            raise
        return len(batch) - len(errors)


def counted_by(origin: str, reason: str) -> str:
    """What a quarantined document is counted by."""
    return f"{origin}:{reason}"


def quarantine_counts(database: Database[Document]) -> dict[str, int]:
    """Number of documents by `counted_by`, over both quarantines: those that stand here and those archived.

    All is read as of one moment: what is being moved to the archive meanwhile is counted once.
    """
    counts: Counter[str] = Counter()
    with database.client.start_session(snapshot=True) as session:
        for name in QUARANTINE_OF.values():
            archived_until = None
            gone = {"table": name, "state": {"$in": LEAVING}}
            for batch in database[ARCHIVE_BATCHES].find(gone, {"end": 1, "counts": 1}, session=session):
                archived_until = max(archived_until or batch["end"], batch["end"])
                for row in batch["counts"]:
                    counts[row["key"]] += row["count"]
            # Batches follow each other in time: what is older than their end is in them, deleted already or not.
            here = {"quarantined_at": {"$gte": archived_until}} if archived_until else {}
            grouped: list[Document] = [
                {"$match": here},
                {"$group": {"_id": {"o": "$origin", "r": "$reason"}, "n": {"$sum": 1}}},
            ]
            for row in database[name].aggregate(grouped, session=session):
                counts[counted_by(row["_id"]["o"], row["_id"]["r"])] += row["n"]
    return dict(counts)


def _text(document: Any) -> str:
    """`document` as Python writes it; what Python itself refuses to write out is abbreviated."""
    try:
        return repr(document)
    except RecursionError:
        return reprlib.repr(document)
    except ValueError:  # an integer of thousands of digits
        return f"{type(document).__name__} with fields {list(document)}"


def nesting(value: Any) -> int:
    """Levels of documents and arrays in `value`; 1 for a flat document, 0 for a plain value."""
    levels, layer = 0, [value]
    while layer:
        inner = [
            list(one.values()) if isinstance(one, Mapping) else one
            for one in layer
            if isinstance(one, Mapping | list | tuple)
        ]
        levels += bool(inner)
        layer = [item for items in inner for item in items]
    return levels


def _cut_strings(value: Any) -> Any:
    """Copy of `value` with strings over 4 kB cut, their length and hash added."""
    if isinstance(value, str) and len(value) > MAX_STRING:
        digest = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()
        return f"{value[:MAX_STRING]}… ({len(value)} characters, sha256 {digest})"
    if isinstance(value, dict):
        return {key: _cut_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut_strings(item) for item in value]
    return value
