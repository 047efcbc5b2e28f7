"""Shops of many cases at once, each case a category of its own: their true rates, and what was seen of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from flashsale.calibration import Calibration
from flashsale.demand.plan_ahead import SalePlan
from flashsale.demand.posterior import DemandPosterior, Drift
from flashsale.demand.state import DemandState, MinuteDemand, Places
from flashsale.outlook import MS_PER_MINUTE, Observed
from tests.support.forecast_demand import FloatArray, IntArray, Rng, SoldMinute, mean_quantity, sell_minute

START = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
STEADY = Drift()
SEEN, AHEAD = 16, 30
RAMP = np.linspace(0.4, 3.0, SEEN + AHEAD)
PRIOR_ORDERS = 3.0
FREE = Calibration(forgetting=1.0, product_strength=10_000.0, pair_strength=PRIOR_ORDERS, quantity_strength=10_000.0)
"""Nothing is forgotten, and a product is its category's: the very model that the shops are drawn from."""


def campaign(intensity: FloatArray, categories: Sequence[str] = (), **keys: Any) -> dict[str, Any]:
    """A campaign document of `intensity` (1 = base demand) from the start of the sale."""
    document = {
        "starts_at": START,
        "planned_intensity": [float(value) * 1000 for value in intensity],
        "discount_pct": 0.0,
        "categories": list(categories),
        "products": [],
    }
    return document | keys


@dataclass(frozen=True, slots=True)
class Case:
    """Pairs with `stock` left, expected to want it within 15 minutes, on a flat or a rising plan."""

    stock: int
    phi: float
    ramp: bool

    def intensity(self) -> FloatArray:
        return RAMP if self.ramp else np.ones(len(RAMP))

    def mean_rate(self) -> float:
        """Units per planned minute."""
        return float(self.stock / self.intensity()[SEEN : SEEN + 15].sum())


@dataclass(frozen=True, slots=True)
class Shop:
    """N pairs, of which the first of each case has long been known (`case` −1).

    `rate`: true units per planned minute; `before`, `last`: what was seen."""

    cases: tuple[Case, ...]
    case: IntArray
    rate: FloatArray
    phi: FloatArray
    stock: IntArray
    intensity: FloatArray
    places: Places
    plan: SalePlan
    before: DemandState
    last: Observed

    def ahead(self) -> FloatArray:
        """Planned intensity of the minutes to come, (M, N)."""
        return self.intensity[SEEN:]


def drawn_shop(rng: Rng, cases: Sequence[Case], each: Sequence[int]) -> Shop:
    """`each` (cases,) pairs with rates that are Gamma about those of the case.

    Shelves of six minutes' demand sell out in the middle of a minute, and half of those are filled a minute later.
    """
    case = np.repeat(np.arange(len(cases)), each)
    names = [f"case {number}" for number in case]
    mean = np.array([one.mean_rate() for one in cases])[case]
    phi = np.array([one.phi for one in cases])[case]
    rate = rng.gamma(PRIOR_ORDERS, mean / PRIOR_ORDERS)
    pairs = np.arange(len(case))
    campaigns = [campaign(one.intensity(), [f"case {number}"]) for number, one in enumerate(cases)]
    plan = SalePlan(campaigns, START, SEEN + AHEAD, pairs.tolist(), names)
    intensity = np.stack([one.intensity() for one in cases], axis=1)[:, case]
    full = np.maximum(np.ceil(6 * mean), 30 * phi).astype(np.int64)
    left, state = full.copy(), long_known(case, mean, phi)
    for minute in range(SEEN):
        filled = np.where(rng.random(len(case)) < 0.5, full, left)
        sold = sell_minute(rng, rate * intensity[minute], phi, np.where(left == 0, filled, left))
        left, before, last = sold.left, state, observed(sold)
        state = before.after(last.demand(intensity[minute]), FREE.forgetting)
    _, first = np.unique(case, return_index=True)
    compared = case.copy()
    compared[first] = -1
    return Shop(
        tuple(cases),
        compared,
        rate,
        phi,
        np.array([one.stock for one in cases])[case],
        intensity,
        Places(pairs, np.zeros(len(case), dtype=np.int64), case),
        plan,
        before,
        last,
    )


def long_known(case: IntArray, mean: FloatArray, phi: FloatArray) -> DemandState:
    """Nothing, but for a million units of the first pair of each case: what a case sells on average is no guess."""
    _, first = np.unique(case, return_index=True)
    units = np.zeros(len(case))
    units[first] = 1e6
    sums = MinuteDemand(units, units * phi, units / mean_quantity(phi), units / mean)
    return DemandState.nothing(len(case)).after(sums, 1.0)


def observed(sold: SoldMinute) -> Observed:
    """A sold minute as the rollups state it."""
    in_stock = np.rint(sold.in_stock * MS_PER_MINUTE).astype(np.int64)
    return Observed(sold.units, sold.squares, sold.orders, in_stock)


def known(rate: Any, phi: Any = 1.0, counts: Any = 20.0, drift: Drift = STEADY) -> DemandPosterior:
    """Posterior of `rate` units per planned minute, (N,), with geometric quantities, that `counts` orders tell."""
    rates, phis, shapes = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (rate, phi, counts)))
    rates, phis, shapes = rates.ravel().copy(), phis.ravel().copy(), shapes.ravel().copy()
    exposure = shapes * phis / rates
    mean = mean_quantity(phis)
    return DemandPosterior(shapes, exposure, phis, shapes * phis / mean, exposure, mean, drift)
