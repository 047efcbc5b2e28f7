"""`flashsale-archive status`: what stands on HDFS by table and hour, what is still hot, and what is under way."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flashsale.archived_tables import ARCHIVED
from flashsale.fact_layout import fact_layout
from flashsale.minutes import iso
from flashsale.schema import ARCHIVE_BATCHES, FACTS, Table
from flashsale.settings import Settings
from spark_jobs.archive_rows import stored_time
from spark_jobs.archive_tools.opened import Archive, ArchiveFile, opened
from spark_jobs.archive_tools.published import Books

_HEADER = f"{'table':<20} {'hour (UTC)':<13} {'files':>5} {'rows':>12} {'MB':>9} {'B/row':>7} {'BSON ÷':>6}  batches"


@dataclass(frozen=True, slots=True)
class HourStatus:
    """One hour of a table; `states`: batches by state, `bson_bytes`: what its rows took in MongoDB (None: unknown)."""

    table: str
    hour: datetime
    states: dict[str, int]
    files: int
    rows: int
    bytes: int
    bson_bytes: int | None

    @property
    def compression(self) -> float | None:
        """BSON bytes for each byte on HDFS."""
        return self.bson_bytes / self.bytes if self.bson_bytes and self.bytes else None


@dataclass(frozen=True, slots=True)
class HotStatus:
    """What MongoDB holds of a table: documents, their BSON bytes, and the time of the oldest."""

    table: str
    documents: int
    bytes: int
    oldest: datetime | None


@dataclass(frozen=True)
class ArchiveStatus:
    """`unfinished`: id -> state, of batches and compactions that a run goes on with."""

    sale_id: str
    hours: tuple[HourStatus, ...]
    hot: tuple[HotStatus, ...]
    unfinished: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """For JSON: times as ISO 8601, sizes in bytes."""
        hours = [
            {**asdict(hour), "hour": iso(hour.hour), "compression": _rounded(hour.compression)} for hour in self.hours
        ]
        hot = [{**asdict(one), "oldest": iso(one.oldest) if one.oldest else None} for one in self.hot]
        return {"sale_id": self.sale_id, "hours": hours, "hot": hot, "unfinished": self.unfinished}

    def lines(self) -> Iterator[str]:
        """For people."""
        yield _HEADER
        for hour in self.hours:
            yield _hour_line(hour)
        for name in dict.fromkeys(hour.table for hour in self.hours):
            yield _hour_line(_total([hour for hour in self.hours if hour.table == name]), "all hours")
        for one in self.hot:
            since = f", the oldest of {iso(one.oldest)}" if one.oldest else ""
            yield f"hot: {one.documents:,} documents of {one.table}, {one.bytes / 1e6:,.1f} MB{since}"
        for name, state in sorted(self.unfinished.items()):
            yield f"unfinished: {name} is {state}"
        files, rows = sum(hour.files for hour in self.hours), sum(hour.rows for hour in self.hours)
        size = sum(hour.bytes for hour in self.hours)
        yield f"sale {self.sale_id}: {files:,} files, {rows:,} rows, {size / 1e6:,.1f} MB on HDFS"


def status(settings: Settings, sale_id: str | None = None) -> ArchiveStatus:
    """The archive of a sale (default: the live one) as it stands.  Raises FlashsaleError when a service is away."""
    with opened(settings, sale_id, "archive status") as archive:
        books = Books.read(archive)
        hours: list[HourStatus] = []
        for table in ARCHIVED:
            hours += _hours(archive, books, table, archive.files(table))
        compacting = {one["_id"]: one["state"] for one in books.compacting}
        return ArchiveStatus(
            archive.sale.sale_id,
            tuple(hours),
            tuple(_hot(archive, table) for table in ARCHIVED),
            {**books.unfinished, **compacting},
        )


def _hours(archive: Archive, books: Books, table: Table, files: list[ArchiveFile]) -> Iterator[HourStatus]:
    states: dict[datetime, Counter[str]] = {}
    for batch in archive.database[ARCHIVE_BATCHES].find({"table": table.name}, {"start": 1, "state": 1}):
        states.setdefault(batch["start"].replace(minute=0), Counter())[batch["state"]] += 1
    for hour in sorted(states.keys() | {file.hour for file in files}):
        here = [file for file in files if file.hour == hour]
        rows = sum(p.rows for p in books.published.values() if (p.table, p.hour) == (table.name, hour))
        size = sum(file.bytes for file in here)
        bson = rows * fact_layout(table).length if table in FACTS else None
        found = dict(sorted(states.get(hour, Counter()).items()))
        yield HourStatus(table.name, hour, found, len(here), rows, size, bson)


def _hot(archive: Archive, table: Table) -> HotStatus:
    stats = archive.database.command("collStats", table.name)
    time = stored_time(table)
    oldest = archive.database[table.name].find_one({time: {"$type": "date"}}, {time: 1}, sort=[(time, 1)])
    return HotStatus(table.name, stats["count"], stats["size"], oldest[time] if oldest else None)


def _total(hours: list[HourStatus]) -> HourStatus:
    states = sum((Counter(hour.states) for hour in hours), Counter[str]())
    bson = sum(hour.bson_bytes or 0 for hour in hours) or None
    files, rows, size = (sum(getattr(hour, name) for hour in hours) for name in ("files", "rows", "bytes"))
    return HourStatus(hours[0].table, hours[0].hour, dict(states), files, rows, size, bson)


def _hour_line(hour: HourStatus, when: str = "") -> str:
    states = ", ".join(f"{count} {state}" for state, count in hour.states.items())
    each = f"{hour.bytes / hour.rows:,.1f}" if hour.rows else ""
    ratio = f"{hour.compression:.1f}" if hour.compression else ""
    when = when or f"{hour.hour:%Y-%m-%d %H}"
    megabytes = f"{hour.bytes / 1e6:,.3f}"
    return f"{hour.table:<20} {when:<13} {hour.files:>5} {hour.rows:>12,} {megabytes:>9} {each:>7} {ratio:>6}  {states}"


def _rounded(value: float | None) -> float | None:
    return round(value, 2) if value is not None else None
