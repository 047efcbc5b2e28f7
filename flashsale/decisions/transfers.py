"""Which warehouse sends how much where: the transfers of all products at once.

A need is a slice of what a pair will lose: the first slice is nearly sure to be used, the last one hardly.
An arc from a donor to a slice is worth what its units save after their arrival, less what they cost; the
allocation is then linear.  A row gets one van: of several donors allocated to it the one with most units.
"""

from dataclasses import dataclass

import numpy as np

from flashsale.decisions.allocation import allocate
from flashsale.decisions.lost_demand import LostDemand
from flashsale.decisions.rules import MINOR_PER_MAJOR, DecisionRules
from flashsale.decisions.situation import IntArray, Situation
from flashsale.decisions.values import Worth, newsvendor_qty, saved_units
from flashsale.demand.posterior import FloatArray

SLICES = 3
NEAREST = 3
"""Donors considered for one pair, the nearest first."""

_TIE_BREAK = 1e-5
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Arcs:
    """A possible vans: `row` of the pair in need, `donor` (row of `donors`), minutes until arrival, (A,)."""

    row: IntArray
    donor: IntArray
    lead: FloatArray

    def take(self, arcs: IntArray) -> "Arcs":
        return Arcs(self.row[arcs], self.donor[arcs], self.lead[arcs])


@dataclass(frozen=True, slots=True)
class Transfers:
    """For each of n pairs in need: units, their donor (row of `donors`, -1: none), lead and value, (n,)."""

    qty: IntArray
    donor: IntArray
    lead: FloatArray
    value: FloatArray


def best_transfers(
    situation: Situation,
    pairs: IntArray,
    demand: LostDemand,
    worth: Worth,
    donors: IntArray,
    spare: IntArray,
    rules: DecisionRules,
) -> Transfers:
    """The allocation of `spare` units of the pairs `donors` (D,) to the pairs in need (n,) that saves most."""
    minutes = min(rules.horizon_minutes, len(situation.planned) - 1)
    arcs = _arcs(situation, pairs, donors[spare >= rules.transfer.min_qty], minutes, rules)
    arcs = Arcs(arcs.row, np.flatnonzero(spare >= rules.transfer.min_qty)[arcs.donor], arcs.lead)
    unit_cost = rules.transfer.unit_cost * MINOR_PER_MAJOR
    arcs = arcs.take(np.flatnonzero(worth.saved[arcs.row] > unit_cost))
    count = len(pairs)
    best = Transfers(np.zeros(count, np.int64), np.full(count, -1), np.zeros(count), np.full(count, -np.inf))
    if not len(arcs.row):
        return best
    lost = demand.after(situation.planned_within(pairs[arcs.row], arcs.lead), arcs.row)
    margin = worth.saved[arcs.row] - unit_cost
    wish = newsvendor_qty(lost, margin, np.full(len(margin), unit_cost)).astype(np.int64)
    most = np.zeros(count, dtype=np.int64)
    np.maximum.at(most, arcs.row, wish)
    size = np.diff(most[:, None] * np.arange(SLICES + 1) // SLICES, axis=1)
    value = np.empty((len(arcs.row), SLICES))
    floor = np.zeros(len(arcs.row))
    for j in range(SLICES):
        width = size[arcs.row, j].astype(np.float64)
        used = saved_units(lost, floor + width) - saved_units(lost, floor)
        value[:, j] = worth.saved[arcs.row] * used / np.maximum(width, 1) - unit_cost
        floor += width
    value *= 1 - _TIE_BREAK * _scatter(situation, pairs[arcs.row], donors[arcs.donor])
    need = arcs.row[:, None] * SLICES + np.arange(SLICES)
    product = np.repeat(situation.product_id[pairs[arcs.row]], SLICES)
    given = allocate(np.repeat(arcs.donor, SLICES), need.ravel(), value.ravel(), spare, size.ravel(), product)
    units = given.reshape(-1, SLICES).sum(axis=1)
    net = worth.saved[arcs.row] * saved_units(lost, units.astype(np.float64)) - unit_cost * units
    net -= rules.transfer.order_cost * MINOR_PER_MAJOR
    chosen = np.flatnonzero(units >= rules.transfer.min_qty)
    # Of several vans to one pair the largest stays: it is written last.
    chosen = chosen[np.lexsort((net[chosen], units[chosen]))]
    row = arcs.row[chosen]
    best.qty[row], best.donor[row], best.lead[row] = units[chosen], arcs.donor[chosen], arcs.lead[chosen]
    best.value[row] = net[chosen]
    return best


def _arcs(situation: Situation, pairs: IntArray, donors: IntArray, minutes: int, rules: DecisionRules) -> Arcs:
    """Every pair with each donor of its product that can arrive within `minutes`, the nearest `NEAREST`."""
    row, donor = same_product(situation.product_id[pairs], situation.product_id[donors])
    warehouse = situation.warehouses.rows(situation.warehouse_id)
    distance = situation.warehouses.distance_km()[warehouse[pairs[row]], warehouse[donors[donor]]]
    lead = rules.transfer.base_minutes + rules.transfer.minutes_per_km * distance
    order = np.lexsort((donor, lead, row))
    order = order[lead[order] < minutes]
    place = np.arange(len(order)) - np.searchsorted(row[order], row[order])
    order = order[place < NEAREST]
    return Arcs(row[order], donor[order], lead[order])


def _scatter(situation: Situation, pair: IntArray, donor: IntArray) -> FloatArray:
    """A number in [0, 1) for each arc and slice: of equally good allocations always the same one is best."""
    arc = situation.warehouse_id[pair] * 8191 + situation.warehouse_id[donor] * 131 + situation.product_id[pair]
    scatter: FloatArray = ((arc[:, None] * SLICES + np.arange(SLICES)).astype(np.float64) * _GOLDEN) % 1
    return scatter


def same_product(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Indices (i, j) of all pairs with left[i] = right[j]."""
    order = np.argsort(right, kind="stable")
    first = np.searchsorted(right, left, sorter=order)
    count = np.searchsorted(right, left, side="right", sorter=order) - first
    i = np.repeat(np.arange(len(left)), count)
    place = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[first[i] + place]
