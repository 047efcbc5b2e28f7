"""When stock runs out, and how sure that is: pure functions over all (product, warehouse) pairs at once.

DESIGN section 6.  The demand ahead is that of `DemandPosterior`; a shipment on its way is followed as in
`flashsale.demand.inbound`; the last units of a product draw more customers (`effective_stock`); what is stated
is put right by the calibration.  N pairs; minutes are minutes of the clock from now.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.calibration import HORIZONS, Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import PlanAhead
from flashsale.demand.posterior import DemandPosterior
from flashsale.running_out import SHORT_MINUTES, expected_short, grid, running_out

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


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
