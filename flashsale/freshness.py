"""How old the figures are, by event time, and what that makes of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flashsale.minutes import parse_iso
from flashsale.settings import Settings
from flashsale.snapshot import Meta
from flashsale.stores.context import SaleView

WRITER_LAG = timedelta(minutes=2)

FreshnessState = Literal["live", "late", "stale", "final"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """`through` is the time the figures are complete to; `age_seconds` counts from there to now.

    The two limits are those of `Settings`: beyond the first the figures are late, beyond the second stale.
    """

    state: FreshnessState
    through: datetime
    age_seconds: float
    live_seconds: int
    late_seconds: int


def data_through(meta: Meta) -> datetime:
    """min(watermark, data_interval_end); a minute whose watermark is unknown counts by its end."""
    end = parse_iso(meta["data_interval_end"])
    return end if meta["watermark"] is None else min(end, parse_iso(meta["watermark"]))


def freshness(meta: Meta, sale: SaleView | None, now: datetime, settings: Settings) -> Freshness:
    """Live, late, then stale by age; figures that reach the end of an ended sale are final."""
    live, late = settings.live_seconds, settings.late_seconds
    through = data_through(meta)
    age = max(0.0, (now - through).total_seconds())
    if sale and sale["phase"] == "ended" and through >= parse_iso(sale["sale_end"]):
        return Freshness("final", through, age, live, late)
    state: FreshnessState = "live" if age <= live else "late" if age <= late else "stale"
    return Freshness(state, through, age, live, late)


def writer_is_behind(meta: Meta) -> bool:
    """Whether the minutes go on but the orders in them stopped: the watermark stands well before the minute's end."""
    if meta["watermark"] is None:
        return False
    return parse_iso(meta["data_interval_end"]) - parse_iso(meta["watermark"]) > WRITER_LAG
