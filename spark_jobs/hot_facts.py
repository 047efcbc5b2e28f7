"""Where minutes' facts come from: MongoDB, and what any other source must be able to tell."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from pymongo.database import Database

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, iso, utc_now
from flashsale.schema import ARCHIVE_BATCHES, FACTS, Table
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs.fact_source import FactRange
from spark_jobs.facts import fact_rows
from spark_jobs.sweep import FactSweep, KnownIds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class FactSource(Protocol):
    """Facts of one sale; what is made of them is the same wherever they stand."""

    def require(self, start: datetime, end: datetime) -> None:
        """Raise FlashsaleError unless every fact of ``[start, end)`` can be read from here."""

    def sweep_ends(self) -> None:
        """Put facts out of the way whose time lies outside of the sale."""

    def sweep(self, start: datetime, end: datetime) -> None:
        """Put bad facts of ``[start, end)`` out of the way."""

    def rows(self, table: Table, ranges: Sequence[FactRange], columns: Sequence[str]) -> "DataFrame":
        """Facts in `ranges` as `facts.fact_rows` has them, an unsound one marked."""

    def count(self, minute: datetime) -> dict[str, int]:
        """Facts of a minute by table."""


class HotFacts:
    """Facts in MongoDB; `known` are the ids a fact may name, `watermark` bounds its times with the clock."""

    def __init__(
        self,
        spark: "SparkSession",
        database: Database[Document],
        first_minute: datetime,
        known: KnownIds,
        settings: Settings,
        watermark: datetime,
    ) -> None:
        self._spark = spark
        self._database = database
        self._first_minute = first_minute
        self._known = known
        self._settings = settings
        self._watermark = watermark

    def require(self, start: datetime, end: datetime) -> None:
        refuse_archived(self._database, start, end)

    def sweep_ends(self) -> None:
        sweep = self._sweep()
        for table in FACTS:
            sweep.outside(table)

    def sweep(self, start: datetime, end: datetime) -> None:
        sweep = self._sweep()
        for table in FACTS:
            sweep.minutes(table, start, end)

    def rows(self, table: Table, ranges: Sequence[FactRange], columns: Sequence[str]) -> "DataFrame":
        return fact_rows(self._spark, self._database.name, table, ranges, self._sweep().rules(table), columns)

    def count(self, minute: datetime) -> dict[str, int]:
        """Counted on the index alone."""
        return {
            table.name: self._database[table.name].count_documents(
                {table.event_time or "": {"$gte": minute, "$lt": minute + MINUTE}}, hint=[(table.event_time or "", 1)]
            )
            for table in FACTS
        }

    def any_in(self, table: Table, ranges: Sequence[FactRange]) -> bool:
        """Whether MongoDB holds a fact of `table` between the first and the last of `ranges`."""
        start, end = min(part.start for part in ranges), max(part.end for part in ranges)
        query = FactRange(start, end).query(table.event_time or "")
        return self._database[table.name].find_one(query, {"_id": 1}) is not None

    def _sweep(self) -> FactSweep:
        # Facts after the last minute are the next minutes' and good; ones ahead of every clock are not.
        ahead = timedelta(seconds=self._settings.max_ahead_seconds)
        latest = max(utc_now(), self._watermark) + ahead
        return FactSweep(self._database, self._known, self._first_minute, latest, ahead)


def refuse_archived(database: Database[Document], start: datetime, end: datetime) -> None:
    """Raise FlashsaleError when facts of ``[start, end)`` left MongoDB: counting the rest would be wrong."""
    batch = database[ARCHIVE_BATCHES].find_one(
        {"table": {"$in": [table.name for table in FACTS]}, "start": {"$lt": end}, "end": {"$gt": start}}
    )
    if batch is not None:
        raise FlashsaleError(
            f"facts from {iso(batch['start'])} to {iso(batch['end'])} are archived (batch {batch['_id']}), "
            f"so minutes from {iso(start)} cannot be counted again from MongoDB; choose later ones, or compare "
            "these with the archive: `flashsale-kpi replay`"
        )
