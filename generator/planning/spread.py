"""How far a sale may stray from its plan, from the scenario's own uncertainty, without simulating it."""

import numpy as np
import numpy.typing as npt

from flashsale.scenario_trouble import Uncertainty

FloatArray = npt.NDArray[np.float64]


def relative_spread(rate: FloatArray, rules: Uncertainty) -> float:
    """Standard deviation of the orders wanted in the whole sale, as a share of their mean.

    `rate` (M, G): planned orders per second by minute and category.  Actual demand is the
    plan times exp(x − σ²/2) with x a stationary AR(1) of each category
    (`generator.intensity.log_normal_ar1`), so that two minutes k apart have the
    covariance exp(σ²·ρ^k) − 1 (moments of the log-normal distribution: Johnson, Kotz,
    Balakrishnan, "Continuous Univariate Distributions", chapter 14).  The shift in time and the
    chance of single orders come on top and are small beside it.
    """
    minutes = len(rate)
    covariance = np.expm1(rules.sigma**2 * 2 ** (-np.arange(minutes) / rules.half_life_minutes))
    weight = np.where(np.arange(minutes) == 0, 1, 2) * covariance
    variance = sum(float(np.correlate(one, one, "full")[minutes - 1 :] @ weight) for one in rate.T)
    mean = float(rate.sum())
    return variance**0.5 / mean if mean > 0 else 0.0
