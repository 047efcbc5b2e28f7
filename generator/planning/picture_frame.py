"""What both pictures of a plan show, and how it is named and coloured."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.market import mean_quantity
from generator.planning.plan import Plan
from generator.wording import clock, money, percent, scaled

FloatArray = npt.NDArray[np.float64]

# Okabe and Ito, "Color Universal Design": told apart with every kind of colour vision.
SOLD, LOST, STOCK, COVER, CAMPAIGN, INK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#222222"
ORDERS_TITLE = "Orders per second"
STOCK_TITLE = "Pairs in stock, %"
COVER_TITLE = "Stock cover, minutes at the demand of the moment (at 1: sold out, or about to be)"
TIME_TITLE = "time from the start of the sale, h:mm"
PLANNED_LABEL = "planned intensity, before congestion"
SOLD_LABEL, LOST_LABEL = "sold", "wanted, but sold out"
BAND_LABEL, MEDIAN_LABEL = "middle 80 % of the pairs", "median pair"
_MOST_CAMPAIGNS = 12
LEAST_COVER = 1.0
"""Minutes; the axis is logarithmic, and sold-out pairs have none at all."""


@dataclass(frozen=True, slots=True)
class CampaignBar:
    """A campaign from minute `first` up to `after`."""

    first: int
    after: int
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Series by minute (M,): orders per second, value per minute in millions of major units, shares in percent,
    cover in minutes with quantiles as columns (M, 3)."""

    title: str
    subtitle: str
    minutes: FloatArray
    planned: FloatArray
    sold: FloatArray
    lost: FloatArray
    value: FloatArray
    lost_value: FloatArray
    value_title: str
    in_stock: FloatArray
    cover: FloatArray
    peak_minute: int
    peak_text: str
    campaigns_title: str
    campaigns: list[CampaignBar]


def frame(plan: Plan, currency: str) -> Frame:
    """The pictures' content; `currency` is the shop's."""
    series, scenario = plan.minutes, plan.scenario
    peak = int(series.orders.argmax())
    units, lost = float(series.units.sum()), float(series.lost_units.sum())
    campaigns = [
        CampaignBar(
            one.starts_at_minute,
            min(one.starts_at_minute + one.duration_minutes, len(series.orders)),
            f"{one.name}, −{one.discount_pct:g} %",
        )
        for one in sorted(scenario.campaigns, key=lambda one: one.starts_at_minute)
        if one.starts_at_minute < len(series.orders)
    ]
    return Frame(
        title=f"Plan of {scenario.name}",
        subtitle=(
            f"{scaled(float(series.orders.sum()))} orders, {money(float(series.value.sum()), currency)} sold, "
            f"{percent(lost / max(units + lost, 1))} of the units wanted are lost, "
            f"{percent(plan.ends_empty / plan.pairs, 0)} of {plan.pairs:,} pairs of product and warehouse end sold out"
        ),
        minutes=np.arange(len(series.orders), dtype=np.float64),
        planned=series.rate.sum(axis=1),
        sold=series.orders / 60,
        lost=series.lost_units / mean_quantity(scenario.demand) / 60,
        value=series.value / 1e8,
        lost_value=series.lost_value / 1e8,
        value_title=f"Value, {currency} million per minute",
        in_stock=100 * series.in_stock,
        cover=_drawn(series.cover),
        peak_minute=peak,
        peak_text=f"peak: {series.orders[peak] / 60:,.0f} orders/s at {clock(peak)}",
        campaigns_title=(
            f"Campaigns, the first {_MOST_CAMPAIGNS} of {len(campaigns)}"
            if len(campaigns) > _MOST_CAMPAIGNS
            else "Campaigns"
        ),
        campaigns=campaigns[:_MOST_CAMPAIGNS],
    )


def _drawn(cover: FloatArray) -> FloatArray:
    """Between `LEAST_COVER` and the largest that is finite: what no demand uses up lasts for ever."""
    largest = cover.max(where=np.isfinite(cover), initial=LEAST_COVER)
    return np.clip(cover, LEAST_COVER, largest)


def ticks(minutes: int) -> list[int]:
    """Minutes that the time axis names: at most some dozen, from the start on."""
    stride = next(s for s in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440) if minutes <= 13 * s)
    return list(range(0, minutes + 1, stride))
