"""When stock runs out, and how sure that is: pure functions over all (product, warehouse) pairs at once.

DESIGN section 6.  The demand ahead is that of `DemandPosterior`; a shipment on its way is followed as in
`flashsale.inbound`; the last units of a product draw more customers (`effective_stock`); what is stated
is put right by the calibration.  N pairs; minutes are minutes of the clock from now.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from flashsale.calibration import HORIZONS, Calibration
from flashsale.demand_posterior import DemandPosterior
from flashsale.inbound import Arrivals, OneArrival, at_least_with, short_with
from flashsale.plan_ahead import PlanAhead

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SHORT_MINUTES = 30
_HARDLY, _SURE = 0.02, 0.99
"""Chances that need not be told more exactly: of running out before the sale ends, and soon."""
_GRID = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 180, 240, 360, 720, 1440)


@dataclass(frozen=True, slots=True)
class Shelves:
    """What there is: `available` units (N,), −1 unknown; `siblings`: units of the product in all warehouses, (N,);
    `plan`: number of each pair's plan, (N,)."""

    available: IntArray
    siblings: IntArray
    plan: IntArray


@dataclass(frozen=True, slots=True)
class Forecast:
    """N forecasts; NaN: unknown, or not before the sale ends.

    `p` (3, N): P(sold out within 5, 15, 30 min); `eta` (3, N): minutes by which the shelf is empty with
    10, 50, 90 %; `short` (N,): expected units short within `short_minutes`; `rate` (N,): units per planned minute.
    """

    p: FloatArray
    eta: FloatArray
    short: FloatArray
    rate: FloatArray


def forecast(
    shelves: Shelves,
    demand: DemandPosterior,
    plan: PlanAhead,
    arrivals: Arrivals,
    calibration: Calibration,
    short_minutes: int = SHORT_MINUTES,
) -> Forecast:
    """Forecast of each pair; a pair with nothing available is sold out now."""
    units = effective_stock(shelves.available, shelves.siblings, calibration)
    units, arrivals = units + arrivals.units_by(0, len(units)), arrivals.later()
    minutes = grid(plan.minutes)
    curve = running_out(units, shelves.plan, demand, plan, arrivals, minutes)
    at = [minutes.index(min(horizon, plan.minutes)) for horizon in HORIZONS] if minutes else []
    raw = curve[at] if at else np.zeros((len(HORIZONS), len(units)))
    low, high = calibration.interval
    quantiles = np.stack([_reached(curve, minutes, level) for level in (low, 0.5, high)])
    empty, unknown = shelves.available == 0, shelves.available < 0
    raw[:, empty] = 1.0
    return Forecast(
        p=np.where(unknown, np.nan, calibration.recalibrated(raw)),
        eta=np.where(unknown, np.nan, np.where(empty, 0.0, quantiles)),
        short=np.where(unknown, np.nan, expected_short(units, shelves.plan, demand, plan, arrivals, short_minutes)),
        rate=demand.rate(),
    )


def effective_stock(available: IntArray, siblings: IntArray, calibration: Calibration) -> FloatArray:
    """Stock as it meets demand at today's appeal, (N,): Σ over s ≤ S of c(S) ÷ c(s).

    c(t) = 1 + boost · exp(−t ÷ units), t units of the product left in all warehouses, which are taken to empty
    in step: t = T · s ÷ S.  The sum as an integral from ½ to S + ½ (midpoint rule), with τ(s) = t ÷ units:
    c(T) · S · units ÷ T · [ln(e^τ + boost)] between the two.
    """
    stock = np.maximum(available, 0).astype(np.float64)
    if calibration.appeal_boost <= 0:
        return stock
    boost = calibration.appeal_boost
    # Per unit of stock τ moves by `step`.
    step = np.maximum(siblings, stock) / calibration.appeal_units / np.maximum(stock, 1)
    low, high = step / 2, step * (stock + 0.5)
    # ln(e^τ + boost) = τ + ln(1 + boost · e^−τ), which cannot overflow.
    whole = high - low + np.log1p(boost * np.exp(-high)) - np.log1p(boost * np.exp(-low))
    today = 1 + boost * np.exp(-step * stock)
    effective: FloatArray = np.where(stock > 0, today * whole / np.maximum(step, 1e-12), 0.0)
    return effective


def grid(minutes: int) -> list[int]:
    """Minutes at which the chance of running out is worked out: the horizons, fewer later, the sale's end."""
    within = [minute for minute in _GRID if minute < minutes]
    return [*within, minutes] if minutes > 0 else []


def running_out(
    units: FloatArray,
    group: IntArray,
    demand: DemandPosterior,
    plan: PlanAhead,
    arrivals: Arrivals,
    minutes: list[int],
) -> FloatArray:
    """P(empty within each of K `minutes`), (K, N), not falling.

    Worked out where it is asked for: what is as good as sure stays so, and of what hardly runs out before the
    sale ends only the horizons are of interest.  Several shipments count as one at the time of the first,
    but for whether the shelf was empty when a later one came.
    """
    curve = np.zeros((len(minutes), len(units)))
    if not minutes:
        return curve
    end = demand.at_least(units, plan.planned(minutes[-1], group), minutes[-1])
    coming = np.zeros(len(units), dtype=np.bool_)
    sure = np.zeros(len(units))
    for row, minute in enumerate(minutes):
        asked = minute in HORIZONS or minute == minutes[-1]
        open_ones = np.flatnonzero((sure < _SURE) & ((end > _HARDLY) | asked))
        curve[row] = sure
        planned = plan.planned(minute, group[open_ones])
        curve[row, open_ones] = demand.take(open_ones).at_least(units[open_ones], planned, minute)
        # A shipment can only help: what hardly runs out without it hardly does with it.
        coming[:] = False
        coming[arrivals.within(minute).pair] = True
        helped = open_ones[coming[open_ones] & (curve[row, open_ones] > _HARDLY)]
        if len(helped):
            soon = arrivals.within(minute).of_pairs(helped, len(units))
            one = _first(soon, minute, plan, group[helped])
            now = plan.planned(minute, group[helped])
            curve[row, helped] = at_least_with(demand.take(helped), units[helped], now, minute, one)
            before_later = _before_later(soon, units[helped], group[helped], demand.take(helped), plan, minute, one)
            curve[row, helped] = np.maximum(curve[row, helped], before_later)
        sure = np.maximum(sure, curve[row])
        curve[row] = sure
    return curve


def expected_short(
    units: FloatArray,
    group: IntArray,
    demand: DemandPosterior,
    plan: PlanAhead,
    arrivals: Arrivals,
    minutes: int = SHORT_MINUTES,
) -> FloatArray:
    """Expected units wanted and not there within `minutes`, (N,)."""
    planned = plan.planned(minutes, group)
    short = demand.expected_short(units, planned, minutes)
    soon = arrivals.within(minutes)
    # A shipment changes nothing for who is not short without it.
    rows = np.unique(soon.pair)
    rows = rows[short[rows] > 0]
    if len(rows):
        one = _first(soon.of_pairs(rows, len(units)), minutes, plan, group[rows], whole=False)
        short[rows] = short_with(demand.take(rows), units[rows], planned[rows], minutes, one)
    return short


def fan(
    shelves: Shelves, demand: DemandPosterior, plan: PlanAhead, arrivals: Arrivals, minutes: list[int]
) -> FloatArray:
    """Stock left at each of K `minutes` when demand is high, middling, low (90, 50, 10 %), (3, K, N), units.

    A shipment between two of the minutes is there at the later one.
    """
    stock = np.maximum(shelves.available, 0).astype(np.float64)
    left = np.empty((3, len(minutes), len(stock)))
    have = np.repeat(stock[None], 3, axis=0)
    sold, come = np.zeros_like(have), np.zeros(len(stock))
    for column, minute in enumerate(minutes):
        planned, coming = plan.planned(minute, shelves.plan), arrivals.units_by(minute, len(stock))
        levels = [demand.quantile(np.full(len(stock), level), planned, minute) for level in (0.9, 0.5, 0.1)]
        wanted = np.maximum(np.stack(levels), sold)
        # Who finds the shelf empty is gone when the shipment comes.
        have = np.maximum(have - (wanted - sold), 0) + (coming - come)
        left[:, column], sold, come = have, wanted, coming
    return left


def _before_later(
    soon: Arrivals,
    units: FloatArray,
    group: IntArray,
    demand: DemandPosterior,
    plan: PlanAhead,
    minutes: float,
    first: OneArrival,
) -> FloatArray:
    """P(empty when a later shipment than the first came), (N,): then it was empty, whatever that brought."""
    chance = np.zeros(len(units))
    again = np.flatnonzero(np.diff(soon.pair, prepend=-1) == 0)
    if len(again):
        pair = soon.pair[again]
        total = np.cumsum(soon.units)
        start = np.searchsorted(soon.pair, pair)
        earlier = total[again - 1] - total[start] + soon.units[start]
        until = plan.planned_each(soon.minutes[again], group[pair])
        so_far = OneArrival(first.planned[pair], earlier)
        np.maximum.at(chance, pair, at_least_with(demand.take(pair), units[pair], until, minutes, so_far))
    return chance


def _first(soon: Arrivals, minutes: float, plan: PlanAhead, group: IntArray, *, whole: bool = True) -> OneArrival:
    """All that comes to a pair as one shipment at the time of the first.

    `whole`: later ones count in full, else with the part of the time after the first in which they are there.
    """
    first = np.searchsorted(soon.pair, np.arange(len(group)))
    begins = soon.minutes[first]
    rest = np.maximum(minutes - begins, 1e-9)
    served = np.ones(len(soon.pair)) if whole else np.clip((minutes - soon.minutes) / rest[soon.pair], 0, 1)
    served[first] = 1.0
    units = np.bincount(soon.pair, weights=soon.units * served, minlength=len(group)).astype(np.float64)
    return OneArrival(plan.planned_each(begins, group), units)


def _reached(curve: FloatArray, minutes: list[int], level: float) -> FloatArray:
    """Minutes until P(empty) reaches `level`, (N,), linear between the grid's minutes; NaN when it does not."""
    found = np.full(curve.shape[1], np.nan)
    before, previous = np.zeros(curve.shape[1]), 0
    for row, minute in enumerate(minutes):
        now = curve[row]
        here = np.isnan(found) & (now >= level)
        rise = np.where(here, (level - before) / np.maximum(now - before, 1e-12), 0)
        found = np.where(here, previous + np.clip(rise, 0, 1) * (minute - previous), found)
        before, previous = now, minute
    return found


def without_drift(demand: DemandPosterior) -> DemandPosterior:
    """The posterior of a demand that keeps to its plan."""
    return replace(demand, drift=type(demand.drift)())
