"""How old the figures are, by event time, and what that makes of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flashsale.minutes import parse_iso
from flashsale.snapshot import Meta
from flashsale.stores.context import SaleView

LIVE_SECONDS = 90
LATE_SECONDS = 180
WRITER_LAG = timedelta(minutes=2)

FreshnessState = Literal["live", "late", "stale", "final"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """`through` is the time the figures are complete to; `age_seconds` counts from there to now."""

    state: FreshnessState
    through: datetime
    age_seconds: float


def data_through(meta: Meta) -> datetime:
    """min(watermark, data_interval_end); a minute whose watermark is unknown counts by its end."""
    end = parse_iso(meta["data_interval_end"])
    return end if meta["watermark"] is None else min(end, parse_iso(meta["watermark"]))


def freshness(meta: Meta, sale: SaleView | None, now: datetime) -> Freshness:
    """Live up to 90 s, late up to 180 s, then stale; figures that reach the end of an ended sale are final."""
    through = data_through(meta)
    age = max(0.0, (now - through).total_seconds())
    if sale and sale["phase"] == "ended" and through >= parse_iso(sale["sale_end"]):
        return Freshness("final", through, age)
    state: FreshnessState = "live" if age <= LIVE_SECONDS else "late" if age <= LATE_SECONDS else "stale"
    return Freshness(state, through, age)


def writer_is_behind(meta: Meta) -> bool:
    """Whether the minutes go on but the orders in them stopped: the watermark stands well before the minute's end."""
    if meta["watermark"] is None:
        return False
    return parse_iso(meta["data_interval_end"]) - parse_iso(meta["watermark"]) > WRITER_LAG
