"""What a warehouse can give away and still have enough for its own customers."""

import numpy as np

from flashsale.decisions.situation import IntArray
from flashsale.demand.posterior import DemandPosterior, FloatArray


def spare_units(
    posterior: DemandPosterior,
    available: IntArray,
    planned: FloatArray,
    minutes: float,
    share_max: float,
    sold_out_max: float,
) -> IntArray:
    """Most units each of N pairs can give so that P(sold out within `minutes`) stays ≤ `sold_out_max`, (N,).

    Never more than `share_max` of what is there.  Shipments on their way to it do not count: they may be late.
    """
    low = np.zeros(len(available), dtype=np.int64)
    high = np.floor(np.maximum(available, 0) * share_max + 1e-9).astype(np.int64)

    def enough(rows: IntArray, given: IntArray) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        left = (available[rows] - given).astype(np.float64)
        return posterior.take(rows).at_least(left, planned[rows], minutes) <= sold_out_max

    rows = np.flatnonzero(high > 0)
    reached = enough(rows, high[rows])
    low[rows[reached]] = high[rows[reached]]
    rows = rows[~reached]
    # Giving less is always safer: the largest safe quantity lies between `low` and `high`.
    while len(rows):
        middle = (low[rows] + high[rows]) // 2
        safe = enough(rows, middle)
        # `low` is unproven only while it is 0: a pair that is not safe even then gives nothing.
        low[rows[safe]], high[rows[~safe]] = middle[safe], middle[~safe]
        rows = rows[high[rows] - low[rows] > 1]
    return low
