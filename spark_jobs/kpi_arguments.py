"""What `flashsale-kpi run` is asked for: told apart from what cannot be, before any service is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, iso, parse_iso
from flashsale.sale_run import SaleRun

_EXAMPLE = "2026-11-11T09:00Z"


@dataclass(frozen=True, slots=True)
class Asked:
    """One minute by its end `at`, or the minutes in ``[start, end)``; all None: the last whole minute."""

    at: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None


def asked_for(at: str | None, start: str | None, end: str | None, now: datetime) -> Asked:
    """The options' texts as times; raises FlashsaleError naming option, value and way out."""
    if at is not None and (start is not None or end is not None):
        raise FlashsaleError("--at is one minute, --from and --to are a range: give one or the other")
    if (start is None) != (end is None):
        given, missing = ("--from", "--to") if end is None else ("--to", "--from")
        raise FlashsaleError(f"{given} without {missing}: a range needs both")
    if at is not None:
        return Asked(at=_minute("--at", at, now))
    if start is None or end is None:
        return Asked()
    asked = Asked(start=_minute("--from", start, now), end=_minute("--to", end, now))
    if asked.start is not None and asked.end is not None and asked.end <= asked.start:
        raise FlashsaleError(f"--from {start} --to {end}: the range holds no minute; --to must be later than --from")
    return asked


def refuse_outside(sale: SaleRun, asked: Asked) -> None:
    """Raise FlashsaleError unless every minute asked for is one of the sale's."""
    first, last = floor_minute(sale.sale_start), -(-(sale.sale_end - _EPOCH) // MINUTE) * MINUTE + _EPOCH
    for option, moment, earliest in (
        ("--at", asked.at, first + MINUTE),
        ("--from", asked.start, first),
        ("--to", asked.end, first + MINUTE),
    ):
        if moment is not None and not earliest <= moment <= last:
            raise FlashsaleError(
                f"{option} {_short(moment)}: sale {sale.sale_id} runs from {_short(sale.sale_start)} to "
                f"{_short(sale.sale_end)}; give a time from {_short(earliest)} to {_short(last)}"
            )


_EPOCH = parse_iso("1970-01-01T00:00Z")


def _minute(option: str, text: str, now: datetime) -> datetime:
    try:
        moment = parse_iso(text)
        # `parse_iso` takes a time without a zone as UTC; somebody in Karachi may not have meant that.
        zoned = datetime.fromisoformat(text).tzinfo is not None
    except (ValueError, OverflowError) as error:
        raise FlashsaleError(f"{option} {text!r}: must be a time in ISO 8601, such as {_EXAMPLE}") from error
    if not zoned:
        raise FlashsaleError(f"{option} {text}: of which time zone? Write {text}Z for UTC, or add one such as +05:00")
    if moment != floor_minute(moment):
        near = floor_minute(moment)
        raise FlashsaleError(
            f"{option} {text}: must be a whole minute, such as {_short(near)} or {_short(near + MINUTE)}"
        )
    if moment > now:
        raise FlashsaleError(f"{option} {text}: is in the future; it is {iso(now)}")
    return moment


def _short(moment: datetime) -> str:
    """Minutes where that says all, else to the millisecond."""
    whole = moment - floor_minute(moment) == timedelta(0)
    return f"{moment:%Y-%m-%dT%H:%MZ}" if whole else iso(moment)
