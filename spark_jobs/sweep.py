"""Find facts that got past the door although they are bad, and move them to quarantine.

Moved means: inserted into quarantine with majority acknowledgement, then deleted by id.
A crash in between leaves a document in both places; the next sweep finds it again and
finishes, for the quarantine entry's id is a function of the document.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from bson import MaxKey, MinKey
from pymongo.collection import Collection
from pymongo.database import Database

from flashsale.minutes import epoch_ms, iso, utc_now
from flashsale.rendering import mongo_validator
from flashsale.schema import CITIES, PRODUCTS, WAREHOUSES, Table
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import put_in_quarantine, quarantine_entry
from flashsale.violations import violation
from spark_jobs.fact_decoding import LENIENT, FactRules

_LOG = logging.getLogger(__name__)
_BATCH = 1_000


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


@dataclass(frozen=True)
class FactSweep:
    """Sweeps of one sale's facts.

    `earliest` and `latest` bound every time a fact may carry: the sale's first minute and
    what no clock has reached; `max_ahead` is how far a fact may be ahead of its writer.
    """

    database: Database[Document]
    known: KnownIds
    earliest: datetime
    latest: datetime
    max_ahead: timedelta

    def rules(self, table: Table) -> FactRules:
        """The same rules for who reads the facts: what breaks them is worth a sweep."""
        known = self.known.by_field(table)
        return FactRules(
            {name: np.array(sorted(ids), np.int64) for name, ids in known.items()},
            epoch_ms(self.earliest),
            epoch_ms(self.latest),
            self.max_ahead // timedelta(milliseconds=1),
        )

    def minutes(self, table: Table, start: datetime, end: datetime) -> int:
        """Move bad facts with an event time in ``[start, end)``; returns how many."""
        cursor = self._collection(table).find({_time(table): {"$gte": start, "$lt": end}, "$or": self._bad(table)})
        return self._move(table, cursor)

    def outside(self, table: Table) -> int:
        """Move facts whose event time is no date, or lies outside ``[earliest, latest)``.

        No date filter can match those, so two walks over the ends of the index find them;
        both ends are empty in a healthy sale, so this costs two index look-ups.
        """
        moved = 0
        for low, high in ((MinKey(), self.earliest), (self.latest, MaxKey())):
            # Any BSON type bounds an index; the driver's types say less.
            bounds: Any = ([(_time(table), low)], [(_time(table), high)])
            cursor = self._collection(table).find().hint([(_time(table), 1)]).min(bounds[0]).max(bounds[1])
            moved += self._move(table, cursor)
        return moved

    def _bad(self, table: Table) -> list[dict[str, Any]]:
        """Alternatives of a query: broken schema, unknown id, impossible arrival, ahead of its writer."""
        ahead = {"$subtract": [f"${_time(table)}", "$arrived_at"]}
        both_dates = {"$and": [{"$eq": [{"$type": f"${name}"}, "date"]} for name in (_time(table), "arrived_at")]}
        limit = self.max_ahead // timedelta(milliseconds=1)
        return [
            {"$nor": [mongo_validator(table)]},
            *({name: {"$nin": sorted(ids)}} for name, ids in self.known.by_field(table).items()),
            {"arrived_at": {"$not": {"$gte": self.earliest, "$lt": self.latest}}},
            {"$expr": {"$cond": [both_dates, {"$gt": [ahead, limit]}, False]}},
        ]

    def _collection(self, table: Table) -> Collection[Document]:
        return self.database[table.name].with_options(LENIENT)

    def _move(self, table: Table, documents: Iterable[Document]) -> int:
        moved = 0
        iterator = iter(documents)
        while batch := list(islice(iterator, _BATCH)):
            moved += self._move_batch(table, batch)
        return moved

    def _move_batch(self, table: Table, batch: list[Document]) -> int:
        now = utc_now()
        entries = []
        for document in batch:
            reason, detail = self._reason(table, document)
            entries.append(quarantine_entry(document, "moved", reason, now, detail))
        put_in_quarantine(self.database, table.name, entries)
        ids = [document["_id"] for document in batch]
        deleted = self._collection(table).delete_many({"_id": {"$in": ids}}).deleted_count
        _LOG.warning(
            "moved %d bad documents of %s to quarantine, the first for %s", deleted, table.name, entries[0]["reason"]
        )
        return deleted

    def _reason(self, table: Table, document: Document) -> tuple[str, str]:
        broken = violation(table, document)
        if broken:
            return broken
        for name, values in self.known.by_field(table).items():
            if document[name] not in values:
                return f"unknown:{name}", f"{name} {document[name]} is in no dimension"
        for name in (_time(table), "arrived_at"):
            moment = document[name]
            if not isinstance(moment, datetime) or not self.earliest <= moment < self.latest:
                return f"outside_sale:{name}", f"{name} {moment} is outside {iso(self.earliest)} to {iso(self.latest)}"
        return (
            "ahead_of_clock",
            f"{_time(table)} {document[_time(table)]} is ahead of its writer at {document['arrived_at']}",
        )


def _time(table: Table) -> str:
    if table.event_time is None:
        raise ValueError(f"{table.name} is not a fact table")
    return table.event_time
