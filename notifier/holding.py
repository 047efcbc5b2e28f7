"""Which messages wait to be told together: those of a flood, and what is not urgent in quiet hours.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from flashsale.settings import Settings
from notifier.message import Message

Because = Literal["flood", "quiet"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Waits until then, to be told together with others held for the same reason."""

    because: Because
    until: datetime


def quiet_until(settings: Settings, now: datetime) -> datetime | None:
    """The end of the quiet hours `now` lies in, by the shop's clock; None outside of them."""
    if not settings.notify_quiet_hours:
        return None
    zone = ZoneInfo(settings.shop_time_zone)
    local = now.astimezone(zone)
    begin, end = (_minutes(text) for text in settings.notify_quiet_hours.split("-"))
    at = local.hour * 60 + local.minute
    inside = begin <= at < end if begin < end else at >= begin or at < end
    if not inside or begin == end:
        return None
    day = local if at < end else local + timedelta(days=1)
    return day.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0).astimezone(now.tzinfo)


def holds(
    messages: Sequence[Message], recent: int, last_digest: datetime | None, now: datetime, settings: Settings
) -> list[Hold | None]:
    """For each new message whether it is held.

    `recent`: how many messages of the last `notify_flood_minutes` count, digested or not: a flood lasts until fewer
    come.  Its digests keep that distance; the first goes out at once.
    """
    end = quiet_until(settings, now)
    quiet = [
        Hold("quiet", end) if end and (settings.notify_quiet_holds_urgent or not message.urgent) else None
        for message in messages
    ]
    loose = [m for m, hold in zip(messages, quiet, strict=True) if hold is None and not m.always_alone]
    if recent + len(loose) <= settings.notify_flood_messages:
        return list(quiet)
    distance = timedelta(minutes=settings.notify_flood_minutes)
    flood = Hold("flood", now if last_digest is None else max(now, last_digest + distance))
    return [
        flood if hold is None and not message.always_alone else hold
        for message, hold in zip(messages, quiet, strict=True)
    ]


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
