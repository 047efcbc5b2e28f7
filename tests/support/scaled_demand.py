"""One pair's demand ahead, in plain numbers: DESIGN section 6 and the docstrings of the forecast, term by term."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, comb, inf, sqrt

from scipy.special import betaincc

NODES, DEVIATIONS, LEAST, MOST_ORDERS = 12, 4.5, 1e-9, 20
Planned = Callable[[float], float]
"""Planned minutes within so many minutes from now."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """`units` that come in so many `minutes`."""

    minutes: float
    units: float


@dataclass(frozen=True, slots=True)
class Demand:
    """Gamma of φ-scaled counts and Gamma of orders per planned minute, and how far the plan may be off."""

    shape: float
    exposure: float
    phi: float
    order_shape: float
    order_exposure: float
    order_units: float
    drift_limit: float = 0.0
    drift_half: float = 10.0

    def rate(self) -> float:
        """Units per planned minute."""
        return self.phi * self.shape / self.exposure

    def widened(self, minutes: float) -> "Demand":
        """The same mean, less certain by what the plan may be off over `minutes`."""
        variance = self.drift_limit * minutes / (minutes + self.drift_half)
        narrow, orders = 1 + variance * self.shape, 1 + variance * self.order_shape
        return replace(
            self,
            shape=self.shape / narrow,
            exposure=self.exposure / narrow,
            order_shape=self.order_shape / orders,
            order_exposure=self.order_exposure / orders,
            drift_limit=0.0,
        )

    def at_least(self, units: float, planned: float, minutes: float) -> float:
        """P(so many units or more are wanted)."""
        if units <= 0:
            return 1.0
        ahead = self.widened(minutes)
        scaled = tail((units + (self.phi - 1) / 2) / self.phi, ahead.shape, ahead.exposure, planned)
        few = min(self.phi, MOST_ORDERS)
        if units >= 3 * few or few <= 1:
            return scaled
        single = ahead.single_orders(ceil(min(units, ceil(few) - 1)), planned)
        return single if units < few else min(scaled, single)

    def single_orders(self, units: int, planned: float) -> float:
        """P(so many units or more are wanted), quantities geometric: one order, and as many more as it takes."""
        again = 1 / self.order_units
        return sum(
            comb(units - 1, more)
            * again**more
            * (1 - again) ** (units - 1 - more)
            * tail(1 + more, self.order_shape, self.order_exposure, planned)
            for more in range(units)
        )

    def orders_at_least(self, orders: float, planned: float, minutes: float) -> float:
        """P(so many orders or more come)."""
        ahead = self.widened(minutes)
        return tail(orders, ahead.order_shape, ahead.order_exposure, planned)

    def short(self, units: float, planned: float, minutes: float) -> float:
        """Units wanted beyond so many, expected."""
        ahead = self.widened(minutes)
        mean = ahead.shape * planned / ahead.exposure
        if mean <= 0:
            return 0.0
        if 0 < units < min(self.phi, MOST_ORDERS):
            whole = [
                ahead.at_least(unit, planned, 0) * min(1.0, units - unit + 1) for unit in range(1, ceil(units) + 1)
            ]
            return max(self.rate() * planned - sum(whole), 0.0)
        count = max(units, 0.0) / self.phi
        upper = tail(count - 1, ahead.shape + 1, ahead.exposure, planned)
        return self.phi * max(mean * upper - count * tail(count, ahead.shape, ahead.exposure, planned), 0.0)


def tail(count: float, shape: float, exposure: float, planned: float) -> float:
    """P(N ≥ count) of the negative binomial, 1 for a count of 0 or less."""
    if count <= 0:
        return 1.0
    if exposure == inf or planned <= 0:
        return 0.0
    return float(betaincc(shape, count, exposure / (exposure + planned)))


def at_least_with(
    demand: Demand, units: float, planned: Planned, minutes: float, one: Shipment | None, until: float | None = None
) -> float:
    """P(the shelf is empty at some time before `until`), with a shipment before then or none.

    The plan is as unsure as over `minutes`, which `until` is unless it is given.
    """
    wanted = planned(minutes if until is None else until)
    if one is None or units <= 0:
        return demand.at_least(units, wanted, minutes)
    ahead, before = demand.widened(minutes), planned(one.minutes)
    stock = _scaled(ahead, units)
    lasts = 0.0
    for count, weight in _alive(ahead, units, before):
        more = max(stock - count + one.units / ahead.phi, LEAST)
        lasts += weight * (1 - tail(more, ahead.shape + count, ahead.exposure + before, wanted - before))
    return min(max(1 - lasts, 0.0), 1.0)


def expected_short(demand: Demand, units: float, planned: Planned, minutes: float, one: Shipment | None) -> float:
    """Units wanted and not there within `minutes`, expected, before a shipment within them and after."""
    if one is None:
        return demand.short(units, planned(minutes), minutes)
    ahead, before = demand.widened(minutes), planned(one.minutes)
    cells = _alive(ahead, units, before)

    def after(count: float, stock: float) -> float:
        given = replace(ahead, shape=ahead.shape + count, exposure=ahead.exposure + before)
        return given.short(stock, planned(minutes) - before, 0)

    short = ahead.short(units, before, 0)
    short += sum(w * after(count, one.units + max(units - count * ahead.phi, 0.0)) for count, w in cells)
    gone = max(1 - sum(weight for _, weight in cells), 0.0)
    stock = likely = _scaled(ahead, units)
    if gone > LEAST:
        likely = (ahead.shape * before / ahead.exposure - sum(weight * count for count, weight in cells)) / gone
    return short + gone * after(max(likely, stock), one.units)


def _scaled(ahead: Demand, units: float) -> float:
    return max((units + (ahead.phi - 1) / 2) / ahead.phi, LEAST)


def _alive(ahead: Demand, units: float, planned: float) -> list[tuple[float, float]]:
    """(count, probability) by cells of the counts that the stock outlasts, as in `flashsale.demand.inbound`."""
    stock, mean = _scaled(ahead, units), ahead.shape * planned / ahead.exposure
    reach = DEVIATIONS * sqrt(mean + mean**2 / ahead.shape)
    bottom = min(max(mean - reach, 0.0), max(stock - NODES, 0.0))
    top = min(stock, max(mean + reach, bottom + NODES))
    width = max((top - bottom) / NODES, 1.0)
    edges = [stock, *(max(top - width * k, 0.0) for k in range(1, NODES)), 0.0]
    cells = []
    for high, low in pairwise(edges):
        weight = tail(low, ahead.shape, ahead.exposure, planned) - tail(high, ahead.shape, ahead.exposure, planned)
        cells.append((max((min(high, top) + low - 1) / 2, 0.0), max(weight, 0.0)))
    total, lasts = sum(weight for _, weight in cells), 1 - ahead.at_least(units, planned, 0)
    return [(count, weight * lasts / total if total > 0 else 0.0) for count, weight in cells]
