"""What the single fields of a mapping cannot tell: keys that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flashsale.gazetteer import PLACES
from flashsale.scenario_messages import shown
from generator.importing.places import city_names, folded, position_of

if TYPE_CHECKING:
    from generator.importing.mapping import Campaign, Mapping

EPOCH_FORMATS = ("epoch_seconds", "epoch_ms")
_SAMPLE = datetime(2025, 11, 21, 17, 49)  # noqa: DTZ001 - local time, as in a file


def contradiction(mapping: Mapping) -> str | None:
    """The first key that contradicts another one or names nothing, or None."""
    return next(_problems(mapping), None)


def _problems(mapping: Mapping) -> Iterator[str]:
    yield from _file_problems(mapping)
    columns = mapping.columns
    if not columns.time:
        yield "columns.time must name a column"
    if bool(columns.unit_price) == bool(columns.line_value):
        yield "columns must have either unit_price or line_value, not both"
    yield from _time_problems(mapping)
    yield from _place_problems(mapping)
    for i, campaign in enumerate(mapping.campaigns):
        problem = _campaign_problem(campaign)
        if problem:
            yield f"campaigns[{i}].{problem}"


def _file_problems(mapping: Mapping) -> Iterator[str]:
    file = mapping.file
    try:
        "1".encode(file.encoding)
    except (LookupError, ValueError):
        yield f"file.encoding must be an encoding such as utf-8 or cp1252, got {shown(file.encoding)}"
    for key in ("delimiter", "quote", "escape"):
        if getattr(file, key) in ("\n", "\r", "\0"):
            yield f"file.{key} must not be a line break"
    marks = [mark for mark in (file.delimiter, file.quote, file.escape) if mark]
    if len(set(marks)) < len(marks):
        yield f"file.delimiter, quote and escape must differ, got {' '.join(map(shown, marks))}"
    if file.thousands == file.decimal or file.thousands.isalnum() or file.thousands in ("+", "-"):
        yield f"file.thousands must be a mark other than file.decimal, or empty, got {shown(file.thousands)}"


def _time_problems(mapping: Mapping) -> Iterator[str]:
    time, sale = mapping.time, mapping.sale
    try:
        ZoneInfo(time.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"time.time_zone must be an IANA time zone such as Asia/Karachi, got {shown(time.time_zone)}"
        return
    if time.format not in ("iso", *EPOCH_FORMATS) and not _tells_the_minute(time.format):
        yield (
            "time.format must be iso, epoch_seconds, epoch_ms, or directives that give year, month, day, hour and "
            f"minute, such as %d/%m/%Y %H:%M:%S, got {shown(time.format)}"
        )
    if sale.starts_at is not None and sale.ends_at is not None:
        zone = ZoneInfo(time.time_zone)
        start, end = (
            moment if moment.tzinfo else moment.replace(tzinfo=zone) for moment in (sale.starts_at, sale.ends_at)
        )
        if end <= start:
            yield f"sale.ends_at must be after sale.starts_at {sale.starts_at}, got {sale.ends_at}"


def _tells_the_minute(directives: str) -> bool:
    """Whether a time written so can be read back to the minute."""
    try:
        read = datetime.strptime(_SAMPLE.strftime(directives), directives)  # noqa: DTZ007
    except ValueError:
        # A zone cannot be written for a time without one.
        if "%z" not in directives:
            return False
        return _tells_the_minute(directives.replace("%z", "").strip())
    return read.replace(second=0, microsecond=0) == _SAMPLE


def _place_problems(mapping: Mapping) -> Iterator[str]:
    yield from _repeated("cities", [(city.name, *city.aliases) for city in mapping.cities])
    yield from _repeated("warehouses", [(house.name, *house.aliases) for house in mapping.warehouses])
    for i, city in enumerate(mapping.cities):
        if position_of(city) is None:
            yield (
                f"cities[{i}] must have province, latitude and longitude: {shown(city.name)} is not in the gazetteer, "
                f"which knows {', '.join(PLACES)}"
            )
    known = city_names(mapping)
    for i, house in enumerate(mapping.warehouses):
        if folded(house.city) not in known:
            yield f"warehouses[{i}].city must be a city of [[cities]] or of the gazetteer, got {shown(house.city)}"
        if (house.latitude is None) != (house.longitude is None):
            yield f"warehouses[{i}] must have latitude and longitude together"


def _repeated(key: str, names: list[tuple[str, ...]]) -> Iterator[str]:
    seen: set[str] = set()
    for own in names:
        for name in dict.fromkeys(folded(name) for name in own):
            if name in seen:
                yield f"{key}: name and aliases must not repeat, got {shown(name)} twice"
            seen.add(name)


def _campaign_problem(campaign: Campaign) -> str | None:
    if any(len(point) != 2 for point in campaign.intensity):
        return "intensity must list [minute, permille] pairs"
    minutes = [point[0] for point in campaign.intensity]
    if any(later <= earlier for earlier, later in pairwise(minutes)):
        return f"intensity must list rising minutes, got {minutes}"
    return None
