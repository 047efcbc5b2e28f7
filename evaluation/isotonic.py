"""Maps that put probabilities right, and the levels of an interval that holds what it says: fitted on training rows."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from flashsale.calibration import ProbabilityMap

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

KNOTS = 40
_DECIMALS = 4
_FURTHEST = 8.0


def fitted_map(stated: FloatArray, happened: BoolArray, weight: FloatArray) -> ProbabilityMap:
    """Non-decreasing map from what was stated to how often it happened, at most `KNOTS` knots; arrays (R,).

    Rows are averaged in bins of equal width in log odds before the regression (pool adjacent violators,
    Barlow et al. 1972): what is stated near 0 and 1 matters most.
    """
    odds = np.log(np.clip(stated, 1e-9, 1 - 1e-9)) - np.log1p(-np.clip(stated, 1e-9, 1 - 1e-9))
    edges = np.linspace(-_FURTHEST, _FURTHEST, KNOTS - 1)
    number = np.digitize(odds, edges)
    total, mean, seen = (
        np.bincount(number, weights=column, minlength=KNOTS) for column in (weight, weight * stated, weight * happened)
    )
    some = total > 0
    observed = isotonic_regression(seen[some] / total[some], weights=total[some]).x
    knots, curve = np.round(mean[some] / total[some], _DECIMALS), np.round(observed, _DECIMALS)
    if len(knots) < 2:
        knots, curve = np.array([0.0, 1.0]), np.repeat(curve if len(curve) else [0.5], 2)
    return ProbabilityMap(stated=tuple(knots.tolist()), observed=tuple(curve.tolist()))


def interval_levels(
    level: FloatArray, seen: BoolArray, weight: FloatArray, tails: tuple[float, float] = (0.1, 0.9)
) -> tuple[float, float]:
    """Levels of the posterior below which the shares `tails` of the outcomes lie (split conformal prediction, Vovk
    et al. 2005); arrays (R,).

    `level`: the posterior's probability at the outcome; of a row that was not `seen` to run out, at the sale's
    end: it lies anywhere above, which the product-limit estimator (Kaplan & Meier 1958) accounts for.
    """
    order = np.lexsort((~seen, level))
    ordered, counted = weight[order], np.where(seen[order], weight[order], 0.0)
    exposed = np.cumsum(ordered[::-1])[::-1]
    survival = np.cumprod(1 - counted / exposed)
    found = [int(np.searchsorted(-survival, -(1 - tail))) for tail in tails]
    low, high = (float(level[order][min(index, len(level) - 1)]) for index in found)
    return round(max(low, 0.001), _DECIMALS), round(min(max(high, low + 0.001), 0.999), _DECIMALS)
