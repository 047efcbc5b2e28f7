"""What customers want: pure, vectorised functions of arrays and random numbers.

N orders, P products, C cities, W warehouses, G categories.
"""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MOST_EXCITEMENT = 5.0


def scarcity_multiplier(available: IntArray, boost: float, units: float) -> FloatArray:
    """Appeal of a product with `available` units left: 1 + boost·exp(−available ÷ units).

    Assumed; that low stock shown to customers speeds up sales: Cui, Zhang & Bassamboo (2019), Management Science 65(3).

    A sold-out product draws as a plentiful one does: there is nothing left to hurry for.
    """
    multiplier: FloatArray = np.where(available > 0, 1 + boost * np.exp(-available / units), 1.0)
    return multiplier


def discount_multiplier(discount: FloatArray, elasticity: float) -> FloatArray:
    """Demand at (1 − discount) of the price, constant elasticity: (1 − discount)^−elasticity.

    The log-log demand curve, e.g. Talluri & van Ryzin (2004), The Theory and Practice of Revenue Management, ch. 7.
    """
    multiplier: FloatArray = (1 - discount) ** -elasticity
    return multiplier


def patience(delay: FloatArray, usual: float, impatience: float) -> FloatArray:
    """Share of a warehouse's customers who still order although it is congested, (W,).

    exp(−impatience · (delay(w) − usual) ÷ 60), delays in minutes, those below the usual
    one counting as usual, `impatience` per hour.  Assumed: a constant hazard of giving up per minute of delay.
    """
    share: FloatArray = np.exp(-impatience * np.maximum(delay - usual, 0) / 60)
    return share


def city_pressure(served_share: FloatArray, delay: FloatArray, usual: float, impatience: float) -> FloatArray:
    """Share of a city's customers who still order although warehouses are congested, (C,).

    Σ_w share(c, w) · patience(w); `served_share` (C, W) has rows that sum to 1.
    """
    pressure: FloatArray = served_share @ patience(delay, usual, impatience)
    return pressure


def excitement(smoothed: FloatArray, arrivals: IntArray, expected: FloatArray, memory: float) -> FloatArray:
    """Smoothed orders wanted and expected per second, (2, G), one second later.

    Both decay with exp(−1 ÷ memory) and take in (1 − exp(−1 ÷ memory)) of the last
    second's value; `memory` in seconds.
    """
    keep = np.exp(-1 / memory)
    after: FloatArray = keep * smoothed + (1 - keep) * np.stack([arrivals, expected])
    return after


def excitation_multiplier(smoothed: FloatArray, branching: float) -> FloatArray:
    """Factor on the rate of each category, (G,): (1 − n) + n · wanted ÷ expected.

    The linear self-exciting process of Hawkes (1971) with an exponential kernel and
    branching ratio n, scaled so that its mean rate is the expected one.  `smoothed` is
    (2, G) as `excitement` gives it; at most `MOST_EXCITEMENT`.
    """
    wanted, expected = smoothed
    ratio = np.divide(wanted, expected, out=np.ones_like(wanted), where=expected > 0)
    multiplier: FloatArray = np.minimum((1 - branching) + branching * ratio, MOST_EXCITEMENT)
    return multiplier


def arrivals(rng: np.random.Generator, rate: float, city_weight: FloatArray) -> IntArray:
    """Orders wanted by each city in one second, (C,): independent Poisson with mean rate × weight."""
    counts: IntArray = rng.poisson(rate * city_weight)
    return counts


def choose(rng: np.random.Generator, weights: FloatArray, count: int) -> IntArray:
    """`count` independent indices with probability ∝ `weights` (inverse of the cumulative sum)."""
    if not count:
        return np.empty(0, dtype=np.int64)
    cumulative = np.cumsum(weights)
    # Ascending numbers are looked up several times faster; shuffling them afterwards costs less than that.
    drawn = np.sort(rng.random(count)) * cumulative[-1]
    chosen: IntArray = np.minimum(np.searchsorted(cumulative, drawn, side="right"), len(weights) - 1)
    rng.shuffle(chosen)
    return chosen


def pick_in_columns(drawn: FloatArray, cumulative: FloatArray) -> IntArray:
    """The first row of each column of `cumulative` (K, N) that lies above `drawn` (N,), at most K − 1, (N,)."""
    picked = np.zeros(len(drawn), dtype=np.int64)
    for row in cumulative[:-1]:
        picked += row <= drawn
    return picked


def warehouse_draws(stocked: npt.NDArray[np.bool_], sellable: IntArray, sold_out: float) -> FloatArray:
    """How a warehouse draws a product's customers, (P, W): 1 while it can sell it, `sold_out` (0..1)
    when it carries it and has nothing left, 0 where it never carried it."""
    # Arithmetic instead of nested choices: a third of the time.
    draws = (sellable > 0).astype(np.float64)
    draws *= 1 - sold_out
    draws += stocked * sold_out
    return draws


def route(rng: np.random.Generator, gravity: FloatArray, draws: FloatArray, stocked: npt.NDArray[np.bool_]) -> IntArray:
    """Warehouse that each of N orders is sent to, (N,), with probability ∝ gravity × draws.

    The gravity model of Huff (1964), Journal of Marketing 28(3).
    `gravity` (N, W) falls with the distance from the order's city; `draws` (N, W), see
    `warehouse_draws`, and `stocked` (N, W) are those of its product.  Where nothing draws,
    the order goes where the product is carried, to find it sold out.
    """
    pull = gravity * draws
    nowhere = np.flatnonzero(np.einsum("nw->n", pull) <= 0)
    pull[nowhere] = (gravity * stocked)[nowhere] if len(nowhere) else 0
    # Warehouse by warehouse over all orders: long rows instead of many short sums.
    cumulative = np.ascontiguousarray(pull.T)
    for warehouse in range(1, len(cumulative)):
        cumulative[warehouse] += cumulative[warehouse - 1]
    return pick_in_columns(rng.random(len(pull)) * cumulative[-1], cumulative)


def quantities(rng: np.random.Generator, probabilities: FloatArray, count: int) -> IntArray:
    """Units of `count` orders, by the inverse of the cumulative `probabilities` of 1, 2, … units.

    The scenario's are a truncated geometric: P(q) ∝ (1 − p)^(q − 1), q ≤ most.
    """
    cumulative = np.cumsum(probabilities)
    # Few and steep: counting the bounds that lie below is the fastest search.
    drawn = rng.random(count) * cumulative[-1]
    quantity = np.ones(count, dtype=np.int64)
    for bound in cumulative[:-1].tolist():
        quantity += drawn >= bound
    return quantity


def unit_prices(rng: np.random.Generator, mean: FloatArray, sigma: FloatArray) -> FloatArray:
    """Price paid per unit, log-normal with the given mean and sigma of the logarithm, (N,).

    exp(σZ − σ²/2) has mean 1, so prices scatter around the discounted price without bias.
    """
    prices: FloatArray = mean * np.exp(sigma * rng.standard_normal(len(mean)) - sigma**2 / 2)
    return prices
