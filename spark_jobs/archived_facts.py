"""Facts that were archived, read by Spark from Parquet on HDFS, with those of the same minutes still in MongoDB.

Late facts stay hot for a while, and a batch that is being pruned stands in both places: each id counts once.
What is made of the facts is the same as of hot ones; only where they are read differs.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING

from flashsale.minutes import MINUTE
from flashsale.rendering import spark_schema
from flashsale.schema import FACTS, Table
from spark_jobs.archive_tools.opened import Archive
from spark_jobs.fact_source import FactRange
from spark_jobs.facts import SPARK_TYPE
from spark_jobs.hot_facts import HotFacts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_HOUR = timedelta(hours=1)


class ArchivedFacts:
    """Facts of `archive` and of `hot`, which are read and never moved."""

    def __init__(self, spark: "SparkSession", archive: Archive, hot: HotFacts) -> None:
        self._spark = spark
        self._archive = archive
        self._hot = hot

    def require(self, start: datetime, end: datetime) -> None:
        """Archived or hot, every fact can be read."""

    def sweep_ends(self) -> None:
        """A bad fact that is still hot does not count; moving it is the minute job's work."""

    def sweep(self, start: datetime, end: datetime) -> None:
        """The same."""

    def rows(self, table: Table, ranges: Sequence[FactRange], columns: Sequence[str]) -> "DataFrame":
        # The key tells one fact from another; an unsound one has none, but no product either.
        identity = [table.key, "product_id"]
        names = list(dict.fromkeys((*columns, *identity)))
        archived = self._archived(table, ranges, names)
        if archived is None:
            return self._hot.rows(table, ranges, columns)
        if self._hot.any_in(table, ranges):
            archived = archived.unionByName(self._hot.rows(table, ranges, names)).dropDuplicates(identity)
        return archived.select(*columns)

    def count(self, minute: datetime) -> dict[str, int]:
        ranges = [FactRange(minute, minute + MINUTE)]
        return {table.name: self.rows(table, ranges, [table.key]).count() for table in FACTS}

    def _archived(self, table: Table, ranges: Sequence[FactRange], names: Sequence[str]) -> "DataFrame | None":
        """Facts in `ranges` from the files of their hours; None when there is no such file."""
        from pyspark.sql import functions as F  # noqa: N812 - the name every Spark user knows

        hours = sorted({hour for part in ranges for hour in _hours(part)})
        files = self._archive.files(table, hours)
        if not files:
            return None
        rpc = self._archive.settings.hdfs_rpc
        # The files by name: none of another hour is opened, and the schema is ours and not what a file says.
        facts = self._spark.read.schema(spark_schema(table)).parquet(*(rpc + file.path for file in files))
        chosen = reduce(lambda one, other: one | other, (_within(table, part) for part in _joined(ranges)))

        def plain(name: str) -> "Column":
            field = table.field(name)
            column = F.unix_millis(name) if field.type == "date" else F.col(name)
            return column.cast(SPARK_TYPE[field.type]).alias(name)

        return facts.where(chosen).select([plain(name) for name in names])


def _hours(part: FactRange) -> list[datetime]:
    hour = part.start.replace(minute=0, second=0, microsecond=0)
    hours = []
    while hour < part.end:
        hours.append(hour)
        hour += _HOUR
    return hours


def _joined(ranges: Sequence[FactRange]) -> list[FactRange]:
    """The same facts in fewer ranges: how they are shared out among workers is Spark's own matter here."""
    joined: list[FactRange] = []
    for part in sorted(ranges):
        if joined and joined[-1].end == part.start and joined[-1].products == part.products:
            joined[-1] = joined[-1]._replace(end=part.end)
        else:
            joined.append(part)
    return joined


def _within(table: Table, part: FactRange) -> "Column":
    from pyspark.sql import functions as F  # noqa: N812

    time = F.col(table.event_time or "")
    within = (time >= F.lit(part.start)) & (time < F.lit(part.end))
    return within & F.col("product_id").isin(list(part.products)) if part.products else within
