"""How likely chance alone is to stray so far from a stated law: each function returns a p-value.

A right sampler gives a value below α in a share α of all seeds; where several statistics
are looked at, the smallest p-value is multiplied by their number (Bonferroni).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

ALPHA = 1e-3
"""False-alarm rate of every test that compares one of these p-values with it."""


def smallest(p_values: Iterable[float]) -> float:
    """p-value of the worst of several tests."""
    found = [float(p) for p in p_values]
    return min(1.0, len(found) * min(found))


def poisson_dispersion(counts: IntArray) -> float:
    """Counts (T, K) of K series are Poisson with a rate of its own each, constant in time.

    Index of dispersion: Σ(x − x̄)² ÷ x̄ ~ χ² with T − 1 degrees of freedom (Cox, Lewis 1966,
    "The Statistical Analysis of Series of Events", section 6.3); too even is as wrong as too wild.
    """
    mean = counts.mean(axis=0)
    index = ((counts - mean) ** 2).sum(axis=0) / mean
    law = stats.chi2(len(counts) - 1)
    return smallest(2 * min(law.cdf(one), law.sf(one)) for one in index)


def rescaled_times(ts: FloatArray, rate: FloatArray) -> float:
    """Times `ts` (N,), seconds, are those of a point process with intensity `rate` (T,) in second 0 … T − 1.

    Time-rescaling theorem (Brown et al. 2002, "The time-rescaling theorem and its application
    to neural spike train data analysis"): where the integrated intensity is the clock, intervals
    are independent Exp(1) (Kolmogorov-Smirnov).  Two more tell what intervals hardly do:
    on that clock the N times are spread evenly, and N is Poisson with the whole integral.
    """
    whole = np.concatenate([[0.0], np.cumsum(rate)])
    second = np.floor(ts).astype(np.int64)
    clock = np.sort(whole[second] + rate[second] * (ts - second))
    intervals = np.diff(clock, prepend=0.0)
    count, expected = len(ts), float(whole[-1])
    return smallest(
        [
            stats.kstest(intervals, stats.expon.cdf).pvalue,
            stats.kstest(clock / expected, stats.uniform.cdf).pvalue,
            2 * min(stats.poisson.cdf(count, expected), stats.poisson.sf(count - 1, expected)),
        ]
    )


def chosen_with(groups: Iterable[tuple[IntArray, FloatArray]]) -> float:
    """Each group's counts (K,) are of independent choices with the probabilities (K,), which sum to 1.

    Pearson's χ², summed over the groups; cells that expect fewer than 5 are taken together.
    A choice that cannot be is rejected outright.
    """
    statistic, freedom = 0.0, 0
    for counts, probabilities in groups:
        if counts[probabilities <= 0].any():
            return 0.0
        expected = counts.sum() * probabilities
        rare = expected < 5
        seen = np.append(counts[~rare], counts[rare].sum())
        due = np.append(expected[~rare], expected[rare].sum())
        seen, due = seen[due > 0], due[due > 0]
        statistic += float(((seen - due) ** 2 / due).sum())
        freedom += len(due) - 1
    assert freedom > 0, "nothing was chosen"
    return float(stats.chi2.sf(statistic, freedom))


def log_normal(ratios: FloatArray, sigma: float) -> float:
    """`ratios` (N,) are log-normal with mean 1 and `sigma` of the logarithm: ln x ~ N(−σ²/2, σ²).

    Mean of the logarithm (normal), its variance (χ²), its whole distribution
    (Kolmogorov-Smirnov), its skewness and kurtosis (Jarque-Bera), and the mean of the
    ratios themselves (normal, their variance is e^σ² − 1).
    """
    count = len(ratios)
    z = (np.log(ratios) + sigma**2 / 2) / sigma
    squares = float((z**2).sum())
    bias = (ratios.mean() - 1) / np.sqrt((np.exp(sigma**2) - 1) / count)
    return smallest(
        [
            2 * stats.norm.sf(abs(z.mean()) * np.sqrt(count)),
            2 * min(stats.chi2.cdf(squares, count), stats.chi2.sf(squares, count)),
            stats.kstest(z, stats.norm.cdf).pvalue,
            stats.jarque_bera(z).pvalue,
            2 * stats.norm.sf(abs(bias)),
        ]
    )


def uncorrelated(one: FloatArray, other: FloatArray, lags: Sequence[int] = (-1, 0, 1)) -> float:
    """Two series (T,) do not move together, at once or a tick apart: Pearson's r, Student's t."""
    found = []
    for lag in lags:
        first, second = (one[lag:], other[: len(other) - lag]) if lag >= 0 else (one[:lag], other[-lag:])
        found.append(stats.pearsonr(first, second).pvalue)
    return smallest(found)
