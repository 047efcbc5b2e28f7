"""What customers want: pure, vectorised functions of arrays and random numbers."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def scarcity_multiplier(available: IntArray, boost: float, units: float) -> FloatArray:
    """Appeal of a product with `available` units left: 1 + boost·exp(−available ÷ units).

    A sold-out product draws as a plentiful one does: there is nothing left to hurry for.
    """
    multiplier: FloatArray = np.where(available > 0, 1 + boost * np.exp(-available / units), 1.0)
    return multiplier


def discount_multiplier(discount: FloatArray, elasticity: float) -> FloatArray:
    """Demand at (1 − discount) of the price, constant elasticity: (1 − discount)^−elasticity."""
    multiplier: FloatArray = (1 - discount) ** -elasticity
    return multiplier


def arrivals(rng: np.random.Generator, rate: float, city_weight: FloatArray) -> IntArray:
    """Orders wanted by each city in one tick, (C,): independent Poisson with mean rate × weight."""
    counts: IntArray = rng.poisson(rate * city_weight)
    return counts


def choose(rng: np.random.Generator, weights: FloatArray, count: int) -> IntArray:
    """`count` independent indices with probability ∝ `weights` (inverse of the cumulative sum)."""
    cumulative = np.cumsum(weights)
    passed = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    chosen: IntArray = np.minimum(passed, len(weights) - 1)
    return chosen


def choose_in_rows(rng: np.random.Generator, weights: FloatArray) -> IntArray:
    """One index per row with probability ∝ the row's weights, (N,); each row has a positive weight."""
    cumulative = np.cumsum(weights, axis=1)
    drawn = rng.random(len(weights)) * cumulative[:, -1]
    passed = (cumulative <= drawn[:, None]).sum(axis=1)
    chosen: IntArray = np.minimum(passed, weights.shape[1] - 1)
    return chosen


def route(
    rng: np.random.Generator, gravity: FloatArray, stocked: npt.NDArray[np.bool_], available: IntArray, sold_out: float
) -> IntArray:
    """Warehouse that each of N orders is sent to, (N,).

    `gravity`, `stocked` and `available` have shape (N, W), the rows of the order's city
    and product.  A warehouse draws with its gravity, times `sold_out` when it has
    nothing left, and not at all when it never carried the product.
    """
    pull = gravity * stocked * np.where(available > 0, 1.0, sold_out)
    # Sold out everywhere, and customers who would take another warehouse find none.
    nowhere = pull.sum(axis=1) <= 0
    pull[nowhere] = (gravity * stocked)[nowhere]
    return choose_in_rows(rng, pull)


def quantities(rng: np.random.Generator, probabilities: FloatArray, count: int) -> IntArray:
    """Units of `count` orders; `probabilities` are those of 1, 2, … units."""
    return choose(rng, probabilities, count) + 1


def unit_prices(rng: np.random.Generator, mean: FloatArray, sigma: FloatArray) -> FloatArray:
    """Price paid per unit, log-normal with the given mean and sigma of the logarithm, (N,).

    exp(σZ − σ²/2) has mean 1, so prices scatter around the discounted price without bias.
    """
    prices: FloatArray = mean * np.exp(sigma * rng.standard_normal(len(mean)) - sigma**2 / 2)
    return prices
