"""When it runs out, as a bar from p10 to p90 with a dot at p50: a wide bar is an honest bar."""

from dataclasses import dataclass

from flashsale.snapshot import ProductRow

SCALE_MINUTES = 30
"""Right end of every bar; what lies beyond is drawn to it and marked as open."""
MARK_MINUTES = 15
"""Where each bar carries a tick: the horizon of the probability beside it."""


@dataclass(frozen=True, slots=True)
class RangeBar:
    """Shares 0..1 of the scale; `beyond`: the bar goes on to the right of it."""

    low: float
    middle: float
    high: float
    beyond: bool


def range_bar(row: ProductRow) -> RangeBar | None:
    """The bar of a row; without a forecast a dot at the ETA, and None where nothing is known."""
    middle = row["eta_minutes"] if row["eta_p50"] is None else row["eta_p50"]
    low, high = row["eta_p10"], row["eta_p90"]
    if middle is None:
        return None
    if low is None:
        return RangeBar(_share(middle), _share(middle), _share(middle), middle > SCALE_MINUTES)
    # No p90 by the end of the sale: the bar is open.
    end = float("inf") if high is None else high
    return RangeBar(_share(low), _share(middle), _share(end), end > SCALE_MINUTES)


def _share(minutes: float) -> float:
    return round(min(1.0, max(0.0, minutes / SCALE_MINUTES)), 4)
