"""What demand really does with the plan: hidden from everything downstream, the same for all shards."""

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from flashsale.scenario_trouble import Uncertainty

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def log_normal_ar1(rng: np.random.Generator, series: int, minutes: int, sigma: float, half_life: float) -> FloatArray:
    """Factors on the plan, (series, minutes), each with mean 1: exp(x − σ²/2).

    x is a stationary first-order autoregression, x(m) = ρ·x(m−1) + σ·√(1−ρ²)·ε(m) with
    ρ = 2^(−1 ÷ `half_life`) and ε standard normal, so x ~ N(0, σ²) in every minute
    (Box, Jenkins, "Time Series Analysis", section 3.2).  `half_life` is in minutes.
    """
    rho = 2 ** (-1 / half_life)
    shocks = sigma * rng.standard_normal((series, minutes))
    deviation = np.empty_like(shocks)
    deviation[:, 0] = shocks[:, 0]
    for minute in range(1, minutes):
        deviation[:, minute] = rho * deviation[:, minute - 1] + np.sqrt(1 - rho**2) * shocks[:, minute]
    factors: FloatArray = np.exp(deviation - sigma**2 / 2)
    return factors


class HiddenDemand:
    """Actual intensity per product and minute: the plan, shifted in time and disturbed, category by category."""

    def __init__(self, rules: Uncertainty, seed: int, category: IntArray, categories: int, minutes: int) -> None:
        """`category` (P,) indexes the categories; `minutes` is the length of the sale."""
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, zlib.crc32(b"uncertainty")))))
        self.shift: FloatArray = rules.shift_minutes * rng.standard_normal(categories)
        self.factor = log_normal_ar1(rng, categories, minutes, rules.sigma, rules.half_life_minutes)
        self._category, self._minutes = category, minutes

    def actual(self, minute: int, planned: Callable[[int], FloatArray]) -> FloatArray:
        """Actual intensity in `minute`, (P,); `planned(minute)` is the plan, (P,).

        planned(minute − shift of the category) × factor of the category; between whole
        minutes the plan is linear, before its first and after its last minute it is flat.
        """
        last = self._minutes - 1
        at = np.clip(minute - self.shift, 0, last)
        floor = np.floor(at).astype(np.int64)
        plans = {m: planned(m) for m in set(floor.tolist()) | set(np.minimum(floor + 1, last).tolist())}
        intensity = np.empty(len(self._category))
        for index, (first, fraction) in enumerate(zip(floor.tolist(), (at - floor).tolist(), strict=True)):
            own = self._category == index
            after = plans[min(first + 1, last)][own]
            intensity[own] = ((1 - fraction) * plans[first][own] + fraction * after) * self.factor[
                index, min(minute, last)
            ]
        return intensity
