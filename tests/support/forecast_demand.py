"""Demand as it really comes, order by order: what the forecast's formulas are measured against.

Orders are a Poisson process; quantities are geometric on 1, 2, …, for which E[q²] ÷ E[q] = φ gives
E[q] = (φ + 1) ÷ 2.  Nothing here is taken from the code under test.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Rng = np.random.Generator


def mean_quantity(phi: FloatArray) -> FloatArray:
    """E[q] of geometric quantities with E[q²] ÷ E[q] = φ."""
    return (phi + 1) / 2


@dataclass(frozen=True, slots=True)
class SoldMinute:
    """What N pairs sold in a minute, and the share of it in which they had anything to sell, all (N,)."""

    units: IntArray
    squares: IntArray
    orders: IntArray
    in_stock: FloatArray
    left: IntArray


def sell_minute(rng: Rng, rate: FloatArray, phi: FloatArray, stock: IntArray) -> SoldMinute:
    """One minute at `rate` units a minute, (N,); the last order is cut to what is left, then nothing sells."""
    mean = mean_quantity(phi)
    units, squares, orders = (np.zeros(len(stock), dtype=np.int64) for _ in range(3))
    left, clock, in_stock = stock.copy(), np.zeros(len(stock)), np.zeros(len(stock))
    open_ = np.flatnonzero((stock > 0) & (rate > 0))
    in_stock[(stock > 0) & (rate <= 0)] = 1.0
    while len(open_):
        clock[open_] += rng.exponential(mean[open_] / rate[open_])
        over = clock[open_] >= 1
        in_stock[open_[over]] = 1.0
        open_ = open_[~over]
        sold = np.minimum(rng.geometric(1 / mean[open_]), left[open_])
        units[open_] += sold
        squares[open_] += sold**2
        orders[open_] += 1
        left[open_] -= sold
        in_stock[open_] = clock[open_]
        open_ = open_[left[open_] > 0]
    return SoldMinute(units, squares, orders, in_stock, left)


def wanted(rng: Rng, mean: FloatArray, phi: FloatArray) -> IntArray:
    """Units wanted where `mean` units are expected: a Poisson number of orders, each geometric."""
    orders = rng.poisson(mean / mean_quantity(phi))
    more = rng.negative_binomial(np.maximum(orders, 1), 1 / mean_quantity(phi))
    return np.asarray(orders + np.where(orders > 0, more, 0), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class RunDown:
    """`empty` (K, N): share of the futures in which the shelf had been empty by then; `short` (N,): mean units."""

    empty: FloatArray
    short: FloatArray


def run_down(
    rng: Rng,
    rate: FloatArray,
    phi: FloatArray,
    stock: IntArray,
    intensity: FloatArray,
    horizons: tuple[int, ...],
    shipments: dict[int, IntArray] | None = None,
    futures: int = 4,
) -> RunDown:
    """Sell `stock` off minute by minute; `intensity` (M, N); shipments come at the start of a minute from now."""
    empty, short = np.zeros((len(horizons), len(stock))), np.zeros(len(stock))
    for _ in range(futures):
        left, was_empty = stock.copy(), stock <= 0
        for minute in range(max(horizons)):
            left = left + (shipments or {}).get(minute, np.zeros(len(stock), dtype=np.int64))
            units = wanted(rng, rate * intensity[minute], phi)
            was_empty |= units >= left
            short += np.maximum(units - left, 0)
            left = np.maximum(left - units, 0)
            for row in np.flatnonzero(np.array(horizons) == minute + 1):
                empty[row] += was_empty
    return RunDown(empty / futures, short / futures)


def decile_gaps(stated: FloatArray, observed: FloatArray, least: int) -> FloatArray:
    """|mean of `stated` − mean of `observed`| in each tenth of [0, 1] with at least `least` pairs."""
    tenth = np.minimum((stated * 10).astype(np.int64), 9)
    found = [tenth == number for number in range(10) if (tenth == number).sum() >= least]
    return np.array([abs(stated[rows].mean() - observed[rows].mean()) for rows in found])
