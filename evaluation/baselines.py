"""What a forecast has to beat: stock ÷ velocity, and the same re-scaled by the plan and with shipments counted.

Both say yes or no.  H horizons of `flashsale.calibration.HORIZONS`, N pairs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.calibration import HORIZONS
from flashsale.demand.plan_ahead import PlanAhead

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

WINDOW = 15
"""Minutes of sales that velocity is taken from (DESIGN section 5)."""


@dataclass(frozen=True, slots=True)
class Due:
    """K announced shipments that are not there yet, (K,): `pair`, `minutes` from now (0 when overdue), `qty`."""

    pair: IntArray
    minutes: FloatArray
    qty: IntArray


def stock_over_velocity(available: IntArray, velocity: FloatArray) -> FloatArray:
    """Minutes until the stock is gone at today's velocity, (N,); infinite without sales."""
    minutes: FloatArray = np.divide(available, velocity, out=np.full(len(available), np.inf), where=velocity > 0)
    return minutes


def runs_out(eta: FloatArray) -> BoolArray:
    """Whether within each horizon, (H, N)."""
    within: BoolArray = eta[None, :] <= np.array(HORIZONS, dtype=np.float64)[:, None]
    return within


def plan_aware(available: IntArray, rate: FloatArray, plan: PlanAhead, group: IntArray, due: Due) -> BoolArray:
    """Whether stock and shipments, run down along the plan at `rate` units per planned minute, end within each
    horizon, (H, N)."""
    left = available.astype(np.float64)
    empty: BoolArray = np.zeros((len(HORIZONS), len(left)), dtype=np.bool_)
    gone: BoolArray = np.zeros(len(left), dtype=np.bool_)
    for minute in range(1, HORIZONS[-1] + 1):
        came = (due.minutes >= minute - 1) & (due.minutes < minute)
        left += np.bincount(due.pair[came], weights=due.qty[came], minlength=len(left))
        left -= rate * (plan.planned(minute, group) - plan.planned(minute - 1, group))
        gone |= left <= 0
        for row, horizon in enumerate(HORIZONS):
            if minute == horizon:
                empty[row] = gone
    return empty
