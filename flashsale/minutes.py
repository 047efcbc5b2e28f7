"""Time as the pipeline counts it: UTC, half-open minutes ``[m, m + 1)``.

Every function takes and returns timezone-aware UTC datetimes with at most
millisecond resolution, the resolution of a BSON date.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)
_COMPACT = "%Y%m%dT%H%MZ"


def utc_now() -> datetime:
    """Current time, cut to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def floor_minute(moment: datetime) -> datetime:
    """Start of the minute that contains `moment`."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def minutes_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Each minute start in ``[start, end)``; `start` is a minute boundary."""
    minute = start
    while minute < end:
        yield minute
        minute += MINUTE


def compact(minute: datetime) -> str:
    """``20261111T0900Z``: sorts like time and is legal in keys and file names."""
    return minute.astimezone(UTC).strftime(_COMPACT)


def parse_compact(text: str) -> datetime:
    """Inverse of `compact`; raises ValueError."""
    return datetime.strptime(text, _COMPACT).replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """ISO 8601 with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """ISO 8601 to UTC; a time without an offset is taken as UTC.  Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since the epoch, exact."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_epoch_ms(milliseconds: int) -> datetime:
    """Inverse of `epoch_ms`."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
