"""Is it getting worse: at-risk and sold-out SKUs per minute, in the shop's time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.wording import shop_time, utc_time
from flashsale.minutes import MINUTE, parse_iso
from flashsale.snapshot import TrendRow

TREND_WINDOW = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class RiskTrend:
    """One entry per minute of the last hour; a minute that was never computed is None, a gap."""

    local_times: tuple[datetime, ...]
    labels: tuple[str, ...]
    at_risk: tuple[int | None, ...]
    sold_out: tuple[int | None, ...]


def risk_trend(trend: Sequence[TrendRow], end: datetime, zone: ZoneInfo) -> RiskTrend:
    """The trend up to the minute that ends at `end`; from the first known minute on, at most an hour."""
    rows = {parse_iso(row["minute"]): row for row in trend}
    known = [minute for minute in rows if end - TREND_WINDOW < minute <= end]
    first = min(known, default=end)
    minutes = [first + MINUTE * k for k in range((end - first) // MINUTE + 1)] if known else []
    found = [rows.get(minute) for minute in minutes]
    return RiskTrend(
        # Without their zone: the chart shows the shop's clock, whatever the viewer's.
        local_times=tuple(minute.astimezone(zone).replace(tzinfo=None) for minute in minutes),
        labels=tuple(f"{shop_time(minute, zone)} ({utc_time(minute)})" for minute in minutes),
        at_risk=tuple(row["high_risk_skus"] if row else None for row in found),
        sold_out=tuple(row["sold_out_skus"] if row else None for row in found),
    )
