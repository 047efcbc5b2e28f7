"""The forecast of DESIGN section 6 once more: one pair after the other, in plain numbers.

A second reading to compare the engine's with, and made otherwise: what a minute leaves behind is weighted by g^k from
the facts of all minutes instead of carried on (`demand_reference`), tails are complements I(x; s, A) =
1 − I(1 − x; A, s) (`scaled_demand`), intensities are added up minute by minute.  Nothing here knows of rollups,
carried state or arrays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp

from numpy.polynomial.legendre import leggauss

from flashsale.calibration import Calibration
from flashsale.minutes import MINUTE
from tests.support.demand_reference import History, demands_of, pasts_of, surges_of
from tests.support.scaled_demand import Demand, Planned, Shipment, at_least_with, expected_short
from tests.support.told_sale import Pair, Sale

HORIZONS = (5, 15, 30)
GRID = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 180, 240, 360, 720, 1440)
HARDLY, SURE = 0.02, 0.99
"""A chance of running out before the sale ends that needs no time told, and one that is as good as sure."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What is stated of a pair at the end of a minute, rounded as it is published; None: not stated."""

    p5: float | None
    p15: float | None
    p30: float | None
    eta_p10: float | None
    eta_p50: float | None
    eta_p90: float | None
    short_milliunits: int | None
    latent: float | None
    lost_milliunits: int
    surge: bool


def forecasts(sale: Sale, told: History, end: int) -> dict[Pair, Stated]:
    """What is stated of each pair when `end` minutes of the sale are over.

    `told[m]` has the pairs that any fact has named by the end of minute m, m = 0 … end − 1.
    """
    last, calibration = told[end - 1], sale.calibration
    demands = demands_of(sale, pasts_of(sale, told, end - 1))
    surges = surges_of(sale, told, end - 1)
    stated = {}
    for pair, now in last.items():
        elsewhere = sum(other.available or 0 for (p, w), other in last.items() if p == pair[0] and w != pair[1])
        bought = any(minute[pair].units for minute in told.values() if pair in minute)
        latent = demands[pair].rate() * sale.intensity(pair[0], end - 1) if bought else 0.0
        walkaway = calibration.walkaway if elsewhere else 1.0
        stated[pair] = _stated(
            sale,
            pair,
            end,
            now.available,
            elsewhere,
            demands[pair],
            latent,
            round(1000 * latent * (1 - now.in_stock) * walkaway),
            surges[pair],
        )
    return stated


def _stated(
    sale: Sale,
    pair: Pair,
    end: int,
    available: int | None,
    elsewhere: int,
    demand: Demand,
    latent: float,
    lost: int,
    surge: bool,
) -> Stated:
    hidden = latent if latent > 0 else None
    if available is None:
        return Stated(None, None, None, None, None, None, None, hidden, lost, surge)
    coming = sale.expected(pair, sale.start + end * MINUTE)
    units = attracted(available, available + elsewhere, sale.calibration)
    units += sum(shipment.units for shipment in coming if shipment.minutes <= 0)
    coming = [shipment for shipment in coming if shipment.minutes > 0]

    ahead = Ahead(demand, units, coming, lambda minutes: sale.planned(pair[0], end, minutes))
    left = sale.minutes - end
    curve = _curve(ahead, left)
    low, high = sale.calibration.interval
    probabilities = [1.0] * 3
    etas: list[float | None] = [0.0] * 3
    if available:
        probabilities = _recalibrated([dict(curve).get(min(h, left), 0.0) for h in HORIZONS], sale.calibration)
        etas = [_reached(curve, level) for level in (low, 0.5, high)]
    short = ahead.short(sale.short_minutes)
    p5, p15, p30 = (round(p, 4) for p in probabilities)
    eta_p10, eta_p50, eta_p90 = (None if eta is None else round(eta, 2) for eta in etas)
    return Stated(p5, p15, p30, eta_p10, eta_p50, eta_p90, round(1000 * short), hidden, lost, surge)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A pair's demand ahead, its units and what is to come."""

    demand: Demand
    units: float
    coming: Sequence[Shipment]
    planned: Planned

    def soon(self, minutes: float) -> list[Shipment]:
        return [shipment for shipment in self.coming if shipment.minutes <= minutes]

    def emptied(self, minutes: float) -> float:
        """P(empty within); a shipment only helps whom it can help, and no later one whose shelf was empty before."""
        chance = at_least_with(self.demand, self.units, self.planned, minutes, None)
        soon = self.soon(minutes)
        if chance <= HARDLY or not soon:
            return chance
        chances = [at_least_with(self.demand, self.units, self.planned, minutes, as_one(soon, minutes, whole=True))]
        for number, later in enumerate(soon[1:], 1):
            so_far = as_one(soon[:number], minutes, whole=True)
            chances.append(at_least_with(self.demand, self.units, self.planned, minutes, so_far, later.minutes))
        return max(chances)

    def short(self, minutes: float) -> float:
        alone = expected_short(self.demand, self.units, self.planned, minutes, None)
        if alone <= 0:
            return 0.0
        one = as_one(self.soon(minutes), minutes, whole=False)
        return expected_short(self.demand, self.units, self.planned, minutes, one)


def _curve(ahead: Ahead, left: int) -> list[tuple[int, float]]:
    """(minutes, chance of having run out by then) up to the end of the sale, `left` minutes away."""
    grid = [minute for minute in GRID if minute < left] + ([left] if left > 0 else [])
    in_doubt = bool(grid) and at_least_with(ahead.demand, ahead.units, ahead.planned, left, None) > HARDLY
    curve: list[tuple[int, float]] = []
    for minute in grid:
        sure = curve[-1][1] if curve else 0.0
        if sure < SURE and (in_doubt or minute in HORIZONS or minute == left):
            sure = max(sure, ahead.emptied(minute))
        curve.append((minute, sure))
    return curve


def attracted(available: int, everywhere: int, calibration: Calibration) -> float:
    """Units as they meet today's demand: Σ c(T) ÷ c(t) over the stock, by Gauss and Legendre."""
    if calibration.appeal_boost <= 0 or available == 0:
        return float(available)

    def appeal(left: float) -> float:
        return 1 + calibration.appeal_boost * exp(-left / calibration.appeal_units)

    nodes, weights = leggauss(40)
    # The sum over 1 … S as the integral from ½ to S + ½: the shelves empty in step.
    units = [(1 + available * (node + 1)) / 2 for node in nodes]
    inverse = [weight / appeal(everywhere * unit / available) for unit, weight in zip(units, weights, strict=True)]
    return float(appeal(everywhere) * available * sum(inverse) / 2)


def as_one(soon: Sequence[Shipment], minutes: float, *, whole: bool) -> Shipment | None:
    """All at the time of the first; later ones `whole`, or for the part of the time after it they are there."""
    if not soon:
        return None
    begins = soon[0].minutes
    rest = max(minutes - begins, 1e-9)
    later = sum(shipment.units * (1 if whole else (minutes - shipment.minutes) / rest) for shipment in soon[1:])
    return Shipment(begins, soon[0].units + later)


def _reached(curve: Iterable[tuple[int, float]], level: float) -> float | None:
    before, chance_before = 0, 0.0
    for minute, chance in curve:
        if chance >= level:
            return before + (minute - before) * (level - chance_before) / (chance - chance_before)
        before, chance_before = minute, chance
    return None


def _recalibrated(probabilities: Sequence[float], calibration: Calibration) -> list[float]:
    told: list[float] = []
    for horizon, probability in zip(HORIZONS, probabilities, strict=True):
        mapped = probability
        if horizon in calibration.maps and 0 < probability < 1:
            curve = calibration.maps[horizon]
            knots = list(zip(curve.stated, curve.observed, strict=True))
            mapped = min(max(_between(knots, probability), 0.001), 0.999)
        told.append(max([mapped, *told]))
    return told


def _between(knots: Sequence[tuple[float, float]], at: float) -> float:
    if at <= knots[0][0]:
        return knots[0][1]
    for (x0, y0), (x1, y1) in pairwise(knots):
        if at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return knots[-1][1]
