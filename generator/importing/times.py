"""Times of the file as epoch milliseconds UTC."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flashsale.minutes import epoch_ms
from generator.importing.bad_cells import BadCellError, bad, is_empty, missing
from generator.importing.mapping import Time
from generator.importing.mapping_rules import EPOCH_FORMATS
from generator.importing.numbers import NumberReader

_LAST_MS = epoch_ms(datetime(9999, 12, 31, tzinfo=UTC))

TimeReader = Callable[[Any], int]


def time_reader(rules: Time, numbers: NumberReader) -> TimeReader:
    """A function from a cell to epoch ms UTC, cut to the millisecond; it raises BadCellError.

    A time without zone is one of ``rules.time_zone``.  A local time that the clock showed
    twice (put back) is the first of the two; one that it never showed (put forward) is refused.
    """
    zone = ZoneInfo(rules.time_zone)
    epoch = {"epoch_seconds": 1000, "epoch_ms": 1}.get(rules.format)

    def read(cell: Any) -> int:
        if is_empty(cell):
            raise missing()
        if isinstance(cell, datetime):
            return _utc_ms(cell, zone, cell)
        if isinstance(cell, date):
            return _utc_ms(datetime(cell.year, cell.month, cell.day), zone, cell)  # noqa: DTZ001
        if epoch is not None:
            return _from_epoch(cell, numbers, epoch)
        if isinstance(cell, int | float | Decimal):
            raise bad("type", cell, f'is a number; `format = "{EPOCH_FORMATS[0]}"` or "{EPOCH_FORMATS[1]}" reads it')
        text = str(cell).strip()
        try:
            moment = datetime.fromisoformat(text) if rules.format == "iso" else datetime.strptime(text, rules.format)  # noqa: DTZ007
        except ValueError:
            like = "ISO 8601" if rules.format == "iso" else rules.format
            raise bad("type", cell, f"is not a time like {like}") from None
        return _utc_ms(moment, zone, cell)

    return read


def _from_epoch(cell: Any, numbers: NumberReader, scale: int) -> int:
    try:
        value = numbers(cell)
    except BadCellError:
        raise bad("type", cell, "is not a number of seconds or milliseconds since 1970") from None
    if not 0 <= value <= Decimal(_LAST_MS) / scale:
        raise bad("range", cell, "must lie in the years 1970 to 9999")
    return int(value * scale)


def _utc_ms(moment: datetime, zone: ZoneInfo, cell: Any) -> int:
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        utc = aware.astimezone(UTC)
        if moment.tzinfo is None and utc.astimezone(zone).replace(tzinfo=None) != moment.replace(fold=0):
            raise bad("range", cell, f"never was: clocks in {zone.key} were put forward over it")
        return epoch_ms(utc)
    except OverflowError:
        raise bad("range", cell, "must lie in the years 1 to 9999") from None
