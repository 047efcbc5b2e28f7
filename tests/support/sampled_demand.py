"""Demand drawn order by order from what the posterior says it is, and a shop that sells it minute by minute."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def drawn_demand(seed: int, runs: int, minutes: int, rate: float, shape: float, phi: float) -> Floats:
    """(runs, minutes) units wanted: a Gamma rate, then Poisson counts times φ, `rate` units a minute."""
    rng = np.random.default_rng(seed)
    per_minute = rng.gamma(shape, 1 / shape, runs) * rate / phi
    wanted: Floats = rng.poisson(per_minute[:, None], (runs, minutes)).astype(np.float64) * phi
    return wanted


def lost_each_minute(wanted: Floats, available: float, arrivals: Sequence[tuple[float, float]]) -> Floats:
    """(runs, minutes) units lost when `arrivals` (minute, qty) come at the start of their minutes."""
    stock = np.full(len(wanted), float(available))
    lost = np.empty_like(wanted)
    for minute in range(wanted.shape[1]):
        stock += sum(qty for due, qty in arrivals if int(due) == minute)
        sold = np.minimum(stock, wanted[:, minute])
        lost[:, minute] = wanted[:, minute] - sold
        stock -= sold
    return lost
