"""What is remembered of demand from minute to minute, and the posterior it gives.

Old minutes are forgotten by a factor a minute, which follows a demand that drifts away from its plan
(exponential forgetting, West & Harrison 1997, "Bayesian Forecasting and Dynamic Models", 2.3).  A minute
counts by its planned intensity and by the time in which there was anything to sell: a sold-out minute
tells nothing about demand.

What little a (product, warehouse) has sold is pulled towards what its product sells elsewhere, and that
towards its category: a Gamma prior centred there, never forgotten (empirical Bayes, Morris 1983).

N pairs; the arrays are (N,).
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.calibration import Calibration
from flashsale.demand.posterior import DemandPosterior

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MinuteDemand:
    """One minute: units, sum of squared quantities, orders; exposure = planned intensity × share of it in stock."""

    units: FloatArray
    squares: FloatArray
    orders: FloatArray
    exposure: FloatArray


@dataclass(frozen=True, slots=True)
class DemandState:
    """Forgetting sums of `MinuteDemand`; `earlier_*` are those of a minute ago."""

    units: FloatArray
    squares: FloatArray
    orders: FloatArray
    exposure: FloatArray
    earlier_units: FloatArray
    earlier_squares: FloatArray
    earlier_orders: FloatArray
    earlier_exposure: FloatArray

    @classmethod
    def nothing(cls, count: int) -> "DemandState":
        """Before the first minute."""
        return cls(*(np.zeros(count) for _ in fields(cls)))

    def after(self, minute: MinuteDemand, forgetting: float) -> "DemandState":
        """One minute later."""
        return DemandState(
            units=forgetting * self.units + minute.units,
            squares=forgetting * self.squares + minute.squares,
            orders=forgetting * self.orders + minute.orders,
            exposure=forgetting * self.exposure + minute.exposure,
            earlier_units=self.units,
            earlier_squares=self.squares,
            earlier_orders=self.orders,
            earlier_exposure=self.exposure,
        )

    def a_minute_ago(self) -> "DemandState":
        """As it stood a minute ago; what was before that is not remembered and taken for the same."""
        earlier = (self.earlier_units, self.earlier_squares, self.earlier_orders, self.earlier_exposure)
        return DemandState(*earlier, *earlier)

    def take(self, rows: npt.NDArray[Any]) -> "DemandState":
        """The state of some pairs: indices or a mask."""
        return DemandState(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Places:
    """Where each pair belongs: small numbers from 0, (N,)."""

    product: IntArray
    warehouse: IntArray
    category: IntArray


def posterior(state: DemandState, places: Places, calibration: Calibration) -> DemandPosterior:
    """Posterior of each pair's demand.

    Orders tell the rate, for the last one before the shelf is empty is cut and units are not: with n orders in an
    exposure of b their Gamma has shape a + n and exposure m·a ÷ r + b, where r are the units per planned minute
    expected of the pair by its product, its category and its warehouse (`expected_rates`), m = E[q] and
    a = `pair_strength`.  The Gamma of φ-scaled counts has the same mean; its relative variance 1 ÷ A is that of
    the orders' rate and that of m, of which (φ ÷ m − 1) ÷ n is the relative variance from n orders of the pair's own.
    """
    phi, order_units = _order_size(state, places, calibration.quantity_strength)
    strength, orders = calibration.pair_strength, state.orders
    rate = expected_rates(state, places, calibration.product_strength)
    with np.errstate(divide="ignore"):
        order_exposure = np.where(rate > 0, order_units * strength / rate, np.inf) + state.exposure
    weight = orders + calibration.quantity_strength / order_units
    counts = 1 / (1 / (strength + orders) + np.maximum(phi / order_units - 1, 0) * orders / weight**2)
    return DemandPosterior(
        shape=counts,
        exposure=counts * phi / order_units * order_exposure / (strength + orders),
        phi=phi,
        order_shape=strength + orders,
        order_exposure=order_exposure,
        order_units=order_units,
        drift=calibration.drift,
    )


def expected_rates(state: DemandState, places: Places, strength: float) -> FloatArray:
    """Units per planned minute expected of a pair before looking at the pair itself, (N,).

    Rate of its product × pull of its warehouse (units of the warehouse per exposure of the sale's average);
    the product's rate is drawn to its category's with `strength` units' weight.  0 while nothing was sold.
    """
    overall = _ratio(np.array([state.units.sum()]), np.array([state.exposure.sum()]))[0]
    # A warehouse of which nothing is known yet is taken for an average one, with `strength` units' weight.
    due = _sums(places.warehouse, state.exposure) * overall
    pull = ((_sums(places.warehouse, state.units) + strength) / (due + strength))[places.warehouse]
    pulled = state.exposure * pull
    category_units, category_pulled = _sums(places.category, state.units), _sums(places.category, pulled)
    category_rate = _ratio(category_units + overall, category_pulled + 1.0)
    of_product = np.zeros(int(places.product.max(initial=-1)) + 1, dtype=np.int64)
    of_product[places.product] = places.category
    prior = category_rate[of_product] if len(category_rate) else np.zeros(len(of_product))
    rate = _ratio(
        _sums(places.product, state.units) + strength,
        _sums(places.product, pulled) + _ratio(np.full(len(prior), strength), prior),
    )
    rate = np.where(prior > 0, rate, 0.0)
    expected: FloatArray = rate[places.product] * pull
    return expected


def _order_size(state: DemandState, places: Places, strength: float) -> tuple[FloatArray, FloatArray]:
    """(E[q²] ÷ E[q], E[q]) of each pair, (N,): what it sold, and `strength` units of its category's kind."""
    units = _sums(places.category, state.units)
    phi = np.maximum(_ratio(_sums(places.category, state.squares), units), 1.0)[places.category]
    mean = np.maximum(_ratio(units, _sums(places.category, state.orders)), 1.0)[places.category]
    own_phi = (state.squares + strength * phi) / (state.units + strength)
    own_mean = (state.units + strength) / (state.orders + strength / mean)
    return np.maximum(own_phi, 1.0), np.maximum(own_mean, 1.0)


def _sums(group: IntArray, values: FloatArray) -> FloatArray:
    return np.bincount(group, weights=values).astype(np.float64)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """above ÷ below, 0 where below is 0."""
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
