"""How many units will be wanted: a compound Poisson demand whose rate is known from what was sold.

Units come in orders of several, so counts are scaled by φ = E[q²] ÷ E[q], which gives the scaled Poisson
count the mean and the variance of the compound one (the "scaled Poisson" of Bohm & Zech 2014, "Statistics
of weighted Poisson events").  With a Gamma(A, B) rate the count ahead is negative binomial (Greenwood &
Yule 1920): with H planned minutes ahead and x = H ÷ (B + H), P(count ≥ s) = I(x; s, A), the regularised
incomplete beta function.

The plan is never quite what happens.  A relative error of the demand ahead with variance v widens the
Gamma to a shape of 1 ÷ (1 ÷ A + v) about the same mean; v grows with the minutes ahead.

N pairs (product, warehouse); `planned` are planned-intensity minutes, (N,).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, binom

FloatArray = npt.NDArray[np.float64]
_BISECTIONS = 40
MOST_ORDERS = 20
"""Below φ units, but never above this many, single orders are counted."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Variance of the relative error of demand over the next `minutes`: limit · minutes ÷ (minutes + half)."""

    limit: float = 0.0
    half_minutes: float = 10.0

    def variance(self, minutes: float) -> float:
        return self.limit * minutes / (minutes + self.half_minutes)


@dataclass(frozen=True, slots=True)
class DemandPosterior:
    """Posterior of N demand rates, arrays of shape (N,).

    `shape`, `exposure`: Gamma of the rate of φ-scaled counts per planned minute; `phi` = E[q²] ÷ E[q];
    `order_shape`, `order_exposure`: Gamma of the rate of orders; `order_units` = E[q].
    An exposure may be infinite: then nothing is ever wanted.
    """

    shape: FloatArray
    exposure: FloatArray
    phi: FloatArray
    order_shape: FloatArray
    order_exposure: FloatArray
    order_units: FloatArray
    drift: Drift = Drift()

    def rate(self) -> FloatArray:
        """Expected units per planned minute, (N,)."""
        return self.phi * self.shape / self.exposure

    def mean_units(self, planned: FloatArray) -> FloatArray:
        """Expected units wanted, (N,)."""
        return self.rate() * planned

    def widened(self, minutes: float) -> "DemandPosterior":
        """The posterior of the mean rate over the next `minutes`, plan error included: same mean, no drift."""
        variance = self.drift.variance(minutes)
        shape = self.shape / (1 + variance * self.shape)
        order_shape = self.order_shape / (1 + variance * self.order_shape)
        return replace(
            self,
            shape=shape,
            exposure=self.exposure * (shape / self.shape),
            order_shape=order_shape,
            order_exposure=self.order_exposure * (order_shape / self.order_shape),
            drift=Drift(),
        )

    def at_least(self, units: FloatArray, planned: FloatArray, minutes: float) -> FloatArray:
        """P(units wanted in the next `minutes` ≥ `units`), (N,); 1 where `units` ≤ 0.

        s = (units + (φ − 1) ÷ 2) ÷ φ corrects for continuity: the order that empties the shelf overshoots by
        (φ − 1) ÷ 2 on average (inspection paradox, Feller 1971, XI.4).  Below φ units single orders decide, see
        `_few_at_least`; above, it is never likelier than just below.
        """
        ahead = self.widened(minutes)
        needed = np.maximum((units + (self.phi - 1) / 2) / self.phi, 1e-9)
        chance: FloatArray = betainc(needed, ahead.shape, share(planned, ahead.exposure))
        # Orders much larger than usual can make few units likelier to be counted in orders than more in clumps.
        limit = np.minimum(self.phi, MOST_ORDERS)
        near = np.flatnonzero((units > 0) & (units < 3 * limit) & (limit > 1))
        if len(near):
            few = np.minimum(units[near], np.ceil(limit[near]) - 1)
            by_orders = ahead.take(near)._few_at_least(few, planned[near])
            chance[near] = np.where(units[near] < limit[near], by_orders, np.minimum(chance[near], by_orders))
        return np.where(units <= 0, 1.0, chance)

    def _few_at_least(self, units: FloatArray, planned: FloatArray) -> FloatArray:
        """P(units wanted ≥ `units`), (N,), by counting orders: Σ over k of P(K = k) · P(orders ≥ 1 + k).

        K = Binomial(units − 1, 1 ÷ E[q]) orders are needed besides the first: exact for geometric quantities.
        """
        more, x = np.maximum(np.ceil(units) - 1, 0), share(planned, self.order_exposure)
        begins = 1 / self.order_units
        chance = np.zeros(len(units))
        for extra in range(int(more.max(initial=0)) + 1):
            # binom is 0 where `extra` is more than there can be.
            weight = binom(more, extra) * begins**extra * (1 - begins) ** np.maximum(more - extra, 0)
            chance += weight * betainc(1.0 + extra, self.order_shape, x)
        return np.minimum(chance, 1.0)

    def orders_at_least(self, orders: FloatArray, planned: FloatArray, minutes: float) -> FloatArray:
        """P(orders in the next `minutes` ≥ `orders`), (N,): exact, for an order count is a mixed Poisson one."""
        ahead = self.widened(minutes)
        reached = betainc(np.maximum(orders, 1e-9), ahead.order_shape, share(planned, ahead.order_exposure))
        return np.where(orders <= 0, 1.0, reached)

    def expected_short(self, units: FloatArray, planned: FloatArray, minutes: float) -> FloatArray:
        """E[max(0, units wanted in the next `minutes` − `units`)], (N,).

        φ · (μ · I(x; s − 1, A + 1) − s · I(x; s, A)) with s = units ÷ φ and μ = A · x ÷ (1 − x), the partial
        expectation of the negative binomial; I with a first parameter ≤ 0 is 1.  Below φ units
        E[wanted] − Σ P(wanted ≥ u) over u = 1 … units, where single orders decide.
        """
        ahead = self.widened(minutes)
        x, needed = share(planned, ahead.exposure), np.maximum(units, 0) / self.phi
        mean = ahead.shape * planned / ahead.exposure
        upper = np.where(needed > 1, betainc(np.maximum(needed - 1, 1e-9), ahead.shape + 1, x), 1.0)
        tail = np.where(needed > 0, betainc(np.maximum(needed, 1e-9), ahead.shape, x), 1.0)
        short: FloatArray = self.phi * np.maximum(mean * upper - needed * tail, 0)
        few = np.flatnonzero((units > 0) & (units < np.minimum(self.phi, MOST_ORDERS)) & (mean > 0))
        if len(few):
            short[few] = ahead.take(few)._short_of_few(units[few], planned[few])
        return np.where(mean > 0, short, 0.0)

    def _short_of_few(self, units: FloatArray, planned: FloatArray) -> FloatArray:
        sold = np.zeros(len(units))
        for unit in range(1, int(np.ceil(units.max())) + 1):
            part = np.clip(units - (unit - 1), 0, 1)
            sold += part * self.at_least(np.full(len(units), float(unit)), planned, 0.0)
        return np.maximum(self.mean_units(planned) - sold, 0)

    def quantile(self, level: FloatArray, planned: FloatArray, minutes: float) -> FloatArray:
        """Least units u with P(units wanted ≤ u) ≥ `level`, (N,), whole numbers."""
        ahead = self.widened(minutes)
        mean = self.mean_units(planned)
        spread = np.sqrt(np.maximum(mean * self.phi + mean**2 / ahead.shape, 0))
        low, high = np.full(len(mean), -1.0), np.ceil(mean + 40 * spread + 40 * self.phi)
        for _ in range(_BISECTIONS):
            middle = np.floor((low + high) / 2)
            reached = 1 - self.at_least(middle + 1, planned, minutes) >= level
            high, low = np.where(reached, middle, high), np.where(reached, low, middle)
            if (high - low <= 1).all():
                break
        return np.where(mean > 0, high, 0.0)

    def take(self, rows: npt.NDArray[Any]) -> "DemandPosterior":
        """The posterior of some pairs: indices or a mask."""
        return DemandPosterior(
            self.shape[rows],
            self.exposure[rows],
            self.phi[rows],
            self.order_shape[rows],
            self.order_exposure[rows],
            self.order_units[rows],
            self.drift,
        )


def share(planned: FloatArray, exposure: FloatArray) -> FloatArray:
    """x = H ÷ (B + H): 0 for nothing ahead or a rate of 0."""
    total = exposure + planned
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(total) & (total > 0), planned / np.where(total > 0, total, 1.0), 0.0)
