"""The six headline figures, each with its change and its course over the last hour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from dashboard.palette import Hue
from dashboard.wording import count, money, percent, signed, signed_money
from flashsale.minutes import MINUTE, parse_iso
from flashsale.snapshot import Headline, TrendRow

CHANGE_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Figure:
    """One tile; `course` is one value per minute, oldest first, empty while there is no trend.

    `calm` says that there is nothing to worry about, whatever the hue.
    """

    key: str
    label: str
    value: str
    change: str
    over: str
    hue: Hue
    course: tuple[int, ...]
    calm: bool


class _Spec(NamedTuple):
    key: str
    label: str
    hue: Hue
    kind: Literal["rate", "count", "money", "warehouses"]
    now: Callable[[Headline], int]
    past: Callable[[TrendRow], int]


_SPECS = (
    _Spec("orders", "Orders / min", "blue", "rate", lambda h: h["orders_per_minute"], lambda t: t["orders"]),
    _Spec("at_risk", "At-risk SKUs", "red", "count", lambda h: h["high_risk_skus"], lambda t: t["high_risk_skus"]),
    _Spec("sold_out", "Sold-out SKUs", "gray", "count", lambda h: h["sold_out_skus"], lambda t: t["sold_out_skus"]),
    _Spec(
        "value_at_risk",
        "Value at risk, {horizon} min",
        "orange",
        "money",
        lambda h: h["value_at_risk"],
        lambda t: t["value_at_risk"],
    ),
    _Spec("lost", "Lost so far{lost_units}", "orange", "money", lambda h: h["lost_value"], lambda t: t["lost_value"]),
    _Spec(
        "overloaded",
        "Overloaded warehouses",
        "yellow",
        "warehouses",
        lambda h: h["overloaded_warehouses"],
        lambda t: t["overloaded_warehouses"],
    ),
)


def headline_figures(
    headline: Headline, trend: Sequence[TrendRow], warehouse_count: int, currency: str, horizon_minutes: int
) -> tuple[Figure, ...]:
    """The six figures in reading order; money in `headline` and `trend` is in minor units."""
    rows = sorted(trend, key=lambda row: row["minute"])
    base, over = _base(rows)
    # A snapshot of the release before does not tell units.
    units = headline.get("lost_units", 0)
    lost_units = f", {units:,} units" if units else ""

    def figure(spec: _Spec) -> Figure:
        now = spec.now(headline)
        if spec.kind == "money":
            value = money(now, currency)
        elif spec.kind == "warehouses":
            value = f"{now} of {warehouse_count}"
        else:
            value = count(now)
        change = "" if base is None else _change(spec.kind, now, spec.past(base))
        course = tuple(spec.past(row) for row in rows)
        label = spec.label.format(horizon=horizon_minutes, lost_units=lost_units)
        return Figure(spec.key, label, value, change, over if change else "", spec.hue, course, calm=now == 0)

    return tuple(figure(spec) for spec in _SPECS)


def _base(rows: Sequence[TrendRow]) -> tuple[TrendRow | None, str]:
    """The row to compare with, five minutes back or the oldest since, and how far back it is."""
    if len(rows) < 2:
        return None, ""
    end = parse_iso(rows[-1]["minute"])
    base = next(row for row in rows if end - parse_iso(row["minute"]) <= CHANGE_WINDOW)
    back = (end - parse_iso(base["minute"])) // MINUTE
    return (base, f"in {back} min") if back else (None, "")


def _change(kind: str, now: int, past: int) -> str:
    if kind == "money":
        return signed_money(now - past)
    if kind == "rate" and past:
        return "±0 %" if now == past else f"{'+' if now > past else '−'}{percent(abs(now - past) / past)}"
    return signed(now - past)
