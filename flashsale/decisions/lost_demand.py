"""How many units will be lost, and when, if nothing is done: the demand ahead as K equally likely paths.

An order that meets an empty shelf is lost, so stock is a reflected process (Harrison 1985, "Brownian Motion
and Stochastic Flow Systems", 2.2): with shipments on their way, no closed form holds.  The paths
are the same on every run: points that fill the cube evenly (multiples of the square roots of primes, Richtmyer
1951), bent into the Gamma rate (Wilson & Hilferty 1931) and into counts about it, and scaled so that their
mean is the posterior's.

n pairs, S stretches of time between the moments at which something arrives, K paths.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from flashsale.decisions.situation import IntArray, Situation
from flashsale.demand.posterior import DemandPosterior, FloatArray

PATHS = 128
Paths = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LostDemand:
    """What is wanted and what there is to sell in each stretch, (n, S, K); within one, demand comes evenly.

    `edges` bound the stretches in planned minutes from now, (n, S + 1); `arrivals` are the units that come
    with each edge, the first what is there now, (n, S).
    """

    edges: FloatArray
    arrivals: FloatArray
    wanted: Paths
    stock: Paths

    def after(self, planned: FloatArray, rows: IntArray | None = None) -> Paths:
        """Units lost from `planned` minutes ahead on, (n, K); with `rows`, of those pairs, repeated or not."""
        rows = np.arange(len(self.edges)) if rows is None else rows
        total = np.zeros((len(rows), self.wanted.shape[2]), dtype=np.float32)
        for j in range(self.wanted.shape[1]):
            begin, end = self.edges[rows, j], self.edges[rows, j + 1]
            part = np.flatnonzero((end > begin) & (planned < end))
            wanted, stock = self.wanted[rows[part], j], self.stock[rows[part], j]
            lost = np.maximum(wanted - stock, 0)
            inside = np.flatnonzero(planned[part] > begin[part])
            at = part[inside]
            passed = ((planned[at] - begin[at]) / (end[at] - begin[at])).astype(np.float32)[:, None]
            lost[inside] -= np.maximum(passed * wanted[inside] - stock[inside], 0)
            total[part] += lost
        return total

    def with_demand(self, share: float) -> "LostDemand":
        """The same paths when only `share` of each is wanted."""
        wanted = self.wanted * np.float32(share)
        return replace(self, wanted=wanted, stock=_stock(wanted, self.arrivals))


def lost_demand(situation: Situation, pairs: IntArray, lead_minutes: float, minutes: float) -> LostDemand:
    """The next `minutes` of `pairs`; `lead_minutes` bounds a stretch, so that what follows it is exact.

    What is unknown to be there is counted as nothing; a shipment due before now is counted as there.
    """
    due, qty = _shipments(situation, pairs, minutes)
    lead = np.full((len(pairs), 1), min(lead_minutes, minutes))
    due, qty = np.hstack([lead, due]), np.hstack([np.zeros_like(lead), qty])
    order = np.argsort(due, axis=1, kind="stable")
    due, qty = np.take_along_axis(due, order, 1), np.take_along_axis(qty, order, 1)
    first, last = np.zeros_like(lead), np.full_like(lead, minutes)
    edges = situation.planned_within(pairs[:, None], np.hstack([first, due, last]))
    there = np.maximum(situation.available[pairs], 0)[:, None].astype(np.float64)
    arrivals = np.hstack([there, qty])
    wanted = demand_paths(situation.posterior.take(pairs), np.diff(edges, axis=1), minutes)
    return LostDemand(edges, arrivals, wanted, _stock(wanted, arrivals))


def demand_paths(posterior: DemandPosterior, planned: FloatArray, minutes: float) -> Paths:
    """Units wanted in stretches of `planned` minutes (n, S) that make up the next `minutes`, (n, S, K).

    A Gamma rate by the cube of a normal; a count of mean m by (√m + z ÷ 2)² − ¼, which has its mean and
    about its variance and skewness; both cut at 0.
    """
    z = _normal_points(planned.shape[1] + 1)
    shape = posterior.widened(minutes).shape[:, None].astype(np.float32)
    rate = np.maximum(1 - 1 / (9 * shape) + z[0] / (3 * np.sqrt(shape)), 0) ** 3
    mean = posterior.rate()[:, None] * planned
    wanted = np.zeros((*planned.shape, PATHS), dtype=np.float32)
    for j in range(planned.shape[1]):
        part = np.flatnonzero(mean[:, j] > 0)
        counts = (mean[part, j] / posterior.phi[part]).astype(np.float32)
        root = np.maximum(np.sqrt(counts[:, None] * rate[part]) + z[j + 1] / 2, 0)
        drawn = np.maximum(root * root - np.float32(0.25), 0)
        drawn *= (mean[part, j] / np.maximum(drawn.mean(axis=1), 1e-30)).astype(np.float32)[:, None]
        wanted[part, j] = drawn
    return wanted


def _stock(wanted: Paths, arrivals: FloatArray) -> Paths:
    stock = np.empty_like(wanted)
    left = np.zeros_like(wanted[:, 0])
    for j in range(wanted.shape[1]):
        stock[:, j] = left + arrivals[:, j, None].astype(np.float32)
        left = np.maximum(stock[:, j] - wanted[:, j], 0)
    return stock


def _shipments(situation: Situation, pairs: IntArray, minutes: float) -> tuple[FloatArray, FloatArray]:
    """Due minute and quantity of what comes within `minutes`, (n, most of one pair); the rest is 0 units at the end."""
    place = np.full(len(situation.product_id), -1)
    place[pairs] = np.arange(len(pairs))
    inbound = situation.inbound
    counted = (place[inbound.pair] >= 0) & (inbound.minute < minutes)
    row = place[inbound.pair[counted]]
    order = np.argsort(row, kind="stable")
    row = row[order]
    column = np.arange(len(row)) - np.searchsorted(row, row)
    width = int(column.max()) + 1 if len(row) else 0
    due, qty = np.full((len(pairs), width), float(minutes)), np.zeros((len(pairs), width))
    due[row, column] = np.maximum(inbound.minute[counted][order], 0)
    qty[row, column] = inbound.qty[counted][order]
    return due, qty


def _normal_points(dimensions: int) -> Paths:
    """(dimensions, K) standard normal points, evenly spread; the same whatever dimensions follow."""
    primes = [n for n in range(2, 40 + dimensions**2) if all(n % d for d in range(2, n))][:dimensions]
    points = (0.5 + np.sqrt(primes)[:, None] * np.arange(1, PATHS + 1)) % 1
    normal: Paths = ndtri(points).astype(np.float32)
    return normal
