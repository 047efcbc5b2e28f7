"""Find facts that got past the door although they are bad, and move them to quarantine.

Moved means: inserted into quarantine with majority acknowledgement, then deleted by id.
A crash in between leaves a document in both places; the next sweep finds it again and
finishes, for the quarantine entry's id is a function of the document.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import CodecOptions, MaxKey, MinKey
from bson.codec_options import DatetimeConversion
from pymongo.collection import Collection
from pymongo.database import Database

from flashsale.minutes import iso, utc_now
from flashsale.rendering import mongo_validator
from flashsale.schema import CITIES, PRODUCTS, WAREHOUSES, Table
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import put_in_quarantine, quarantine_entry
from flashsale.violations import violation

_LOG = logging.getLogger(__name__)
_BATCH = 1_000

# A time beyond year 9999 is still a BSON date, and bytes that are no UTF-8 still a string.
_LENIENT: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="backslashreplace",
)


@dataclass(frozen=True, slots=True)
class KnownIds:
    """Ids the dimensions hold: what only a join can tell of a fact."""

    products: frozenset[int]
    warehouses: frozenset[int]
    cities: frozenset[int]

    @classmethod
    def read(cls, database: Database[Document]) -> "KnownIds":
        def ids(name: str) -> frozenset[int]:
            return frozenset(d["_id"] for d in database[name].find({}, {"_id": 1}))

        return cls(ids(PRODUCTS.name), ids(WAREHOUSES.name), ids(CITIES.name))

    def by_field(self, table: Table) -> dict[str, frozenset[int]]:
        """Field of `table` -> ids it may hold."""
        names = {field.name for field in table.fields}
        known = {"product_id": self.products, "warehouse_id": self.warehouses, "city_id": self.cities}
        return {name: ids for name, ids in known.items() if name in names}


def sweep_minutes(database: Database[Document], table: Table, start: datetime, end: datetime, known: KnownIds) -> int:
    """Move bad facts with an event time in ``[start, end)``; returns how many."""
    ids = known.by_field(table)
    bad: list[dict[str, Any]] = [{"$nor": [mongo_validator(table)]}]
    bad += [{name: {"$nin": sorted(values)}} for name, values in ids.items()]
    collection = database[table.name].with_options(_LENIENT)
    cursor = collection.find({table.event_time or "": {"$gte": start, "$lt": end}, "$or": bad})
    return _move(database, table, collection, cursor, ids)


def sweep_outside(
    database: Database[Document], table: Table, earliest: datetime, latest: datetime, known: KnownIds
) -> int:
    """Move facts whose event time is no date, or lies outside ``[earliest, latest)``.

    No date filter can match those, so two walks over the ends of the index find them;
    both ends are empty in a healthy sale, so this costs two index look-ups.
    """
    time = table.event_time or ""
    collection = database[table.name].with_options(_LENIENT)
    moved = 0
    for low, high in ((MinKey(), earliest), (latest, MaxKey())):
        bounds: Any = ([(time, low)], [(time, high)])  # any BSON type bounds an index; the driver's types say less
        cursor = collection.find().hint([(time, 1)]).min(bounds[0]).max(bounds[1])
        moved += _move(database, table, collection, cursor, known.by_field(table), (earliest, latest))
    return moved


def _move(
    database: Database[Document],
    table: Table,
    collection: Collection[Document],
    documents: Iterable[Document],
    ids: dict[str, frozenset[int]],
    allowed: tuple[datetime, datetime] | None = None,
) -> int:
    moved = 0
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) >= _BATCH:
            moved += _move_batch(database, table, collection, batch, ids, allowed)
            batch = []
    return moved + (_move_batch(database, table, collection, batch, ids, allowed) if batch else 0)


def _move_batch(
    database: Database[Document],
    table: Table,
    collection: Collection[Document],
    batch: list[Document],
    ids: dict[str, frozenset[int]],
    allowed: tuple[datetime, datetime] | None,
) -> int:
    now = utc_now()
    entries = []
    for document in batch:
        reason, detail = _reason(table, document, ids, allowed)
        entries.append(quarantine_entry(document, "moved", reason, now, detail))
    put_in_quarantine(database, table.name, entries)
    deleted = collection.delete_many({"_id": {"$in": [document["_id"] for document in batch]}}).deleted_count
    _LOG.warning(
        "moved %d bad documents from %s to quarantine, first reason: %s", deleted, table.name, entries[0]["reason"]
    )
    return deleted


def _reason(
    table: Table,
    document: Document,
    ids: dict[str, frozenset[int]],
    allowed: tuple[datetime, datetime] | None,
) -> tuple[str, str]:
    broken = violation(table, document)
    if broken:
        return broken
    for name, values in ids.items():
        if document[name] not in values:
            return f"unknown:{name}", f"{name} {document[name]} is in no dimension"
    if allowed:
        return (
            f"outside_sale:{table.event_time}",
            f"{document[table.event_time or '']} is outside {iso(allowed[0])} to {iso(allowed[1])}",
        )
    return "validator", "the collection's validator refuses it"
