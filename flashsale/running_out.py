"""The chance that a shelf is empty within so many minutes, and the units short, shipments on their way included.

N pairs (product, warehouse); `units` are those of `forecast.effective_stock`, `group` the number of each pair's plan.
"""

import numpy as np
import numpy.typing as npt

from flashsale.calibration import HORIZONS
from flashsale.demand.inbound import Arrivals, OneArrival, at_least_with, short_with
from flashsale.demand.plan_ahead import PlanAhead
from flashsale.demand.posterior import DemandPosterior

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SHORT_MINUTES = 30
_HARDLY, _SURE = 0.02, 0.99
"""Chances that need not be told more exactly: of running out before the sale ends, and soon."""
_GRID = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 180, 240, 360, 720, 1440)


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


def run_out_together(chance: FloatArray) -> tuple[int, int, int]:
    """How many of N pairs, whose chances of running out are (N,), will have: 90 %, 50 % and 10 % certain to be reached.

    What moves the demand of one moves all of them (the sale's hidden course), so they are taken to move together:
    then the quantiles of the sum are the sums of the quantiles, and as many run out with certainty q as have a
    chance of q or more.  No other dependence makes the range wider (Dhaene et al., "The concept of comonotonicity
    in actuarial science and finance: theory", Insurance: Mathematics and Economics 31, 2002).  NaN: no chance known.
    """
    low, middle, high = (int((chance >= certainty).sum()) for certainty in (0.9, 0.5, 0.1))
    return low, middle, high
