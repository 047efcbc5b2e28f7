"""Numbers and times in the words of the page; an unknown value is a dash."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

DASH = "—"
_SYMBOLS = {"PKR": "Rs", "INR": "₹", "USD": "$", "EUR": "€", "GBP": "£"}
_MINOR_PER_MAJOR = 100
_SCALES = ((999_500_000, 1_000_000_000, "bn"), (999_500, 1_000_000, "M"), (9_999.5, 1_000, "k"))
"""From which amount, by what divided, shown as what; rounding never gives "1,000 k"."""


def count(value: int | None) -> str:
    """``31,480``."""
    return DASH if value is None else f"{value:,}"


def signed(value: int) -> str:
    """``+6``, ``−2``, ``±0``."""
    return "±0" if value == 0 else f"{'+' if value > 0 else '−'}{abs(value):,}"


def money(minor: int | None, currency: str) -> str:
    """Three significant figures of an amount in minor units: ``Rs 8.4 M``, ``Rs 940``."""
    return DASH if minor is None else f"{_SYMBOLS.get(currency, currency)} {_scaled(minor / _MINOR_PER_MAJOR)}"


def signed_money(minor: int) -> str:
    """A change of money without its currency: ``+1.1 M``."""
    if minor == 0:
        return "±0"
    return f"{'+' if minor > 0 else '−'}{_scaled(abs(minor) / _MINOR_PER_MAJOR)}"


def _scaled(amount: float) -> str:
    for threshold, divisor, unit in _SCALES:
        if amount >= threshold:
            value = amount / divisor
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            text = f"{value:,.{digits}f}"
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"
    return f"{amount:,.0f}"


def percent(share: float | None, digits: int = 0) -> str:
    """``97 %`` of a share 0..1; never rounded up to 100 nor down to 0."""
    if share is None:
        return DASH
    step = 10.0**-digits
    value = round(share * 100, digits)
    if share < 1 <= value / 100:
        value = 100 - step
    if share > 0 >= value:
        return f"<{step:g} %"
    return f"{value:.{digits}f} %"


def minutes(value: float | None) -> str:
    """``4 min``, ``<1 min``, ``2 h 5 min``; rounded down: never more time than there is."""
    if value is None:
        return DASH
    if value < 1:
        return "<1 min"
    hours, rest = divmod(int(value), 60)
    if hours == 0:
        return f"{rest} min"
    if hours >= 24:
        return ">24 h"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def duration(seconds: float) -> str:
    """An age: ``38 s`` up to two minutes, then ``4 min``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    hours, rest = divmod(whole // 60, 60)
    if hours == 0:
        return f"{rest} min"
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def shop_time(moment: datetime, zone: ZoneInfo, now: datetime | None = None) -> str:
    """``14:07:00 PKT``; with the date when `now` is another day there."""
    local = moment.astimezone(zone)
    date = "" if now is None or now.astimezone(zone).date() == local.date() else f"{local:%d %b} "
    return f"{date}{local:%H:%M:%S %Z}"


def utc_time(moment: datetime) -> str:
    """``09:07 UTC``."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def shortened(text: str, length: int) -> str:
    """One line of at most `length` characters, cut with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
