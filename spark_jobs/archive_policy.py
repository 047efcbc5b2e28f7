"""What may leave MongoDB now: by age, and sooner when the hot store has grown beyond its mark."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.database import Database

from flashsale.archived_tables import HISTORY, QUARANTINES, ROLLUPS
from flashsale.minutes import MINUTE, floor_minute, iso
from flashsale.schema import FACTS, Table
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs.minute_store import MinuteStore
from spark_jobs.retention_bounds import NeededFrom
from spark_jobs.retention_needs import needed_from

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """`full`: the hot store passed its high mark, so facts go as soon as they are final, at any speed."""

    settings: Settings
    hot_bytes: int
    full: bool

    @property
    def age(self) -> timedelta:
        """What is younger stays; never less than a minute beyond the lateness."""
        least = self.settings.lateness_minutes + 1
        return timedelta(minutes=least if self.full else max(self.settings.archive_age_minutes, least))

    @property
    def rows_per_second(self) -> int:
        return 0 if self.full else self.settings.archive_rows_per_second

    def words(self) -> str:
        """Why it goes as it does, for the report."""
        size = f"hot store {self.hot_bytes / _MB:,.0f} MB"
        high = self.settings.archive_high_mb
        return f"{size}, above {high:,} MB: as fast as it can" if self.full else size


def read_policy(database: Database[Document], settings: Settings, was_full: bool) -> Policy:
    """The policy of this moment; a store that was full stays so until it is below the low mark."""
    size = hot_bytes(database)
    mark = settings.archive_low_mb if was_full else settings.archive_high_mb
    return Policy(settings, size, size > mark * _MB)


def hot_bytes(database: Database[Document]) -> int:
    """Uncompressed bytes of the sale's documents and their indexes: what a deletion really takes away."""
    stats = database.command("dbStats")
    return int(stats["dataSize"] + stats["indexSize"])


@dataclass(frozen=True, slots=True)
class Horizons:
    """Ends (UTC minutes) up to which tables may be archived."""

    facts: datetime
    quarantine: datetime
    needed: NeededFrom

    def of(self, table: Table) -> datetime:
        """End of what may be archived of `table`."""
        if table in FACTS:
            return self.facts
        if table in QUARANTINES:
            return self.quarantine
        return {ROLLUPS.name: self.needed.rollups, HISTORY.name: self.needed.history}[table.name]


def horizons(
    database: Database[Document], first_minute: datetime, now: datetime, policy: Policy, settings: Settings
) -> Horizons:
    """What is old enough, settled and needed by nobody, as of `now`."""
    return Horizons(
        archivable_until(database, first_minute, now, policy.age),
        floor_minute(now - policy.age),
        needed_from(database, first_minute, floor_minute(now), settings),
    )


def archivable_until(database: Database[Document], first_minute: datetime, now: datetime, age: timedelta) -> datetime:
    """End of the minutes that are older than `age` and, without a gap, settled.

    A minute that was never rolled up, or may still change, keeps its facts in MongoDB, and
    so do all after it.
    """
    limit = floor_minute(now - age)
    settled = MinuteStore(database).settled_ends(first_minute + MINUTE, limit)
    end = first_minute
    while end < limit and end + MINUTE in settled:
        end += MINUTE
    return end


def reason_for(end: datetime, now: datetime, policy: Policy) -> str:
    """Why facts after `end` stay, for people who wonder."""
    limit = floor_minute(now - policy.age)
    return f"up to {iso(end)}" + ("" if end >= limit else ": the minute after it is not settled")
