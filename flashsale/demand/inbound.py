"""What is on its way: shipments as the forecast counts on them, and running out before or after they come.

Until the shelf is empty, units wanted are units sold.  So stock S with a shipment of Q at minute d lasts h
minutes exactly when N(d) < S and N(h) < S + Q.  The count N is a mixed Poisson process: given n by minute d,
what follows is negative binomial again, with shape A + n and exposure B + H(d) (Polya process, Grandell 1997,
"Mixed Poisson Processes", 4.1).  N(d) is followed on a grid of at most `NODES` cells below the stock.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from flashsale.calibration import Calibration
from flashsale.demand.posterior import DemandPosterior, share

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
NODES = 12
_DEVIATIONS = 4.5
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Arrivals:
    """K shipments to come: `pair` row of each, (K,), ascending; `minutes` from now and `units`, (K,)."""

    pair: IntArray
    minutes: FloatArray
    units: FloatArray

    @classmethod
    def expected(cls, pair: IntArray, due_in: FloatArray, qty: FloatArray, calibration: Calibration) -> "Arrivals":
        """Announced shipments (`due_in` minutes from now, negative when overdue) as they are expected.

        Delays are taken for exponential, so one that is overdue is as far away as one that is due now.
        """
        order = np.lexsort((due_in, pair))
        minutes = np.maximum(due_in, 0.0) + calibration.shipment_delay_minutes
        return cls(pair[order], minutes[order], (qty * calibration.shipment_share)[order])

    @classmethod
    def none(cls) -> "Arrivals":
        return cls(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))

    def of_pairs(self, rows: IntArray, count: int) -> "Arrivals":
        """Those of some pairs, numbered as in `rows`; `count`: of all pairs."""
        number = np.full(count, -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        mine = number[self.pair] >= 0
        order = np.argsort(number[self.pair[mine]], kind="stable")
        return Arrivals(number[self.pair[mine]][order], self.minutes[mine][order], self.units[mine][order])

    def later(self) -> "Arrivals":
        """Those that are not there yet."""
        ahead = self.minutes > 0
        return Arrivals(self.pair[ahead], self.minutes[ahead], self.units[ahead])

    def within(self, minutes: float) -> "Arrivals":
        """Those that come within `minutes`."""
        soon = self.minutes <= minutes
        return Arrivals(self.pair[soon], self.minutes[soon], self.units[soon])

    def units_by(self, minutes: float, count: int) -> FloatArray:
        """Units that come to each of `count` pairs within `minutes`, (count,)."""
        soon = self.within(minutes)
        return np.bincount(soon.pair, weights=soon.units, minlength=count).astype(np.float64)


@dataclass(frozen=True, slots=True)
class OneArrival:
    """N pairs with a shipment of `units` that comes when `planned` planned minutes have gone by, all (N,)."""

    planned: FloatArray
    units: FloatArray

    def take(self, rows: npt.NDArray[Any]) -> "OneArrival":
        return OneArrival(self.planned[rows], self.units[rows])


def at_least_with(
    demand: DemandPosterior, units: FloatArray, planned: FloatArray, minutes: float, arrival: OneArrival
) -> FloatArray:
    """P(the shelf is empty at some time of the next `minutes`), (N,), stock `units` and one shipment before then."""
    ahead = demand.widened(minutes)
    count, weight, stock = _alive(ahead, units, arrival.planned)
    left = stock[:, None] - count + (arrival.units / ahead.phi)[:, None]
    lasts = _stays_below(ahead, count, left, arrival.planned, planned)
    empty: FloatArray = 1 - (weight * lasts).sum(axis=1)
    return np.where(units <= 0, 1.0, np.clip(empty, 0, 1))


def short_with(
    demand: DemandPosterior, units: FloatArray, planned: FloatArray, minutes: float, arrival: OneArrival
) -> FloatArray:
    """Expected units wanted and not there within `minutes`, (N,): before the shipment comes, and after."""
    ahead = demand.widened(minutes)
    before = ahead.expected_short(units, arrival.planned, minutes)
    count, weight, stock = _alive(ahead, units, arrival.planned)
    restocked = arrival.units[:, None] + np.maximum(units[:, None] - count * ahead.phi[:, None], 0)
    after: FloatArray = (weight * _short_after(ahead, count, restocked, arrival.planned, planned)).sum(axis=1)
    # Who ran out has had at least the stock: its mean count follows from the count of all.
    gone = np.maximum(1 - weight.sum(axis=1), 0)
    mean = ahead.shape * arrival.planned / ahead.exposure
    likely = np.where(gone > _LEAST, (mean - (weight * count).sum(axis=1)) / np.maximum(gone, _LEAST), stock)
    emptied = np.maximum(likely, stock)[:, None]
    after += gone * _short_after(ahead, emptied, arrival.units[:, None], arrival.planned, planned)[:, 0]
    return before + after


def _alive(ahead: DemandPosterior, units: FloatArray, planned: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(counts (N, NODES), their probabilities, stock as a count (N,)) of pairs whose stock lasts until then.

    Cells are of width 1 below the stock where that suffices; a wider one is represented by its middle.
    """
    stock = np.maximum((units + (ahead.phi - 1) / 2) / ahead.phi, _LEAST)
    x, mean = share(planned, ahead.exposure), ahead.shape * planned / ahead.exposure
    spread = np.sqrt(mean + mean**2 / ahead.shape)
    bottom = np.clip(mean - _DEVIATIONS * spread, 0, np.maximum(stock - NODES, 0))
    top = np.minimum(stock, np.maximum(mean + _DEVIATIONS * spread, bottom + NODES))
    width = np.maximum((top - bottom) / NODES, 1.0)
    edges = np.maximum(top[:, None] - width[:, None] * np.arange(NODES + 1), 0.0)
    edges[:, -1] = 0.0
    edges[:, 0] = stock
    reached = np.where(edges > 0, betainc(np.maximum(edges, _LEAST), ahead.shape[:, None], x[:, None]), 1.0)
    weight = np.maximum(np.diff(reached, axis=1), 0)
    # Below φ units single orders decide, which the grid of scaled counts does not know.
    lasts, total = 1 - ahead.at_least(units, planned, 0.0), weight.sum(axis=1)
    weight *= np.divide(lasts, total, out=np.zeros(len(total)), where=total > 0)[:, None]
    count = np.maximum((edges[:, :-1] + edges[:, 1:] - 1) / 2, 0.0)
    count[:, 0] = np.maximum((np.minimum(top, stock) + edges[:, 1] - 1) / 2, 0.0)
    return count, weight, stock


def _stays_below(
    ahead: DemandPosterior, count: FloatArray, left: FloatArray, before: FloatArray, until: FloatArray
) -> FloatArray:
    """P(fewer than `left` more are wanted between two moments | `count` so far), (N, NODES)."""
    exposure = (ahead.exposure + before)[:, None]
    x = share((until - before)[:, None], exposure)
    wanted = betainc(np.maximum(left, _LEAST), ahead.shape[:, None] + count, x)
    lasts: FloatArray = 1 - wanted
    return lasts


def _short_after(
    ahead: DemandPosterior, count: FloatArray, units: FloatArray, before: FloatArray, until: FloatArray
) -> FloatArray:
    """Expected units short between two moments | `count` so far and `units` at the first, (N, NODES)."""
    nodes = count.shape[1]
    wide = ahead.take(np.repeat(np.arange(len(count)), nodes))
    given = replace(
        wide, shape=wide.shape + count.ravel(), exposure=wide.exposure + np.repeat(before, nodes), drift=wide.drift
    )
    short = given.expected_short(np.broadcast_to(units, count.shape).ravel(), np.repeat(until - before, nodes), 0.0)
    shaped: FloatArray = short.reshape(count.shape)
    return shaped
