"""What is planned for a sale that has not begun: when, how long, and how much at its peak."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.wording import duration, shop_time, utc_time
from flashsale.minutes import MINUTE, parse_iso
from flashsale.stores.context import SaleView

USUAL = 1000
"""Planned intensity of ordinary demand."""


@dataclass(frozen=True, slots=True)
class SalePlan:
    """`times` are the shop's clock without zone, one per planned minute; `factors` are multiples of usual demand."""

    name: str
    starts_at: str
    starts_at_utc: str
    starts_in: str
    lasts: str
    ends_at: str
    peak: str
    peak_at: str
    times: tuple[datetime, ...]
    factors: tuple[float, ...]


def sale_plan(sale: SaleView, now: datetime, zone: ZoneInfo) -> SalePlan:
    """The plan of `sale` as seen `now`, before its start."""
    start, end = parse_iso(sale["sale_start"]), parse_iso(sale["sale_end"])
    minutes = [start + k * MINUTE for k in range(len(sale["plan"]))]
    factors = tuple(value / USUAL for value in sale["plan"])
    peak = max(range(len(factors)), key=factors.__getitem__, default=None)
    return SalePlan(
        name=sale["scenario"],
        starts_at=shop_time(start, zone, now),
        starts_at_utc=utc_time(start),
        starts_in=duration((start - now).total_seconds()),
        lasts=duration((end - start).total_seconds()),
        ends_at=shop_time(end, zone, now),
        peak="—" if peak is None else f"× {factors[peak]:.1f}",
        peak_at="" if peak is None else f"at {shop_time(minutes[peak], zone, now)}",
        times=tuple(minute.astimezone(zone).replace(tzinfo=None) for minute in minutes),
        factors=factors,
    )
