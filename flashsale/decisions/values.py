"""What an action is worth against waiting, in money: pure functions of the paths of lost demand.

Waiting loses W units, each worth its margin and the goodwill of a customer turned away.  Q units that come in
time save min(Q, W) of them: with one more unit on the shelf the path of lost demand is the old one less what
that unit still sells.  So every value follows from the K paths of W, (n, K); money in minor units.
"""

from dataclasses import dataclass

import numpy as np

from flashsale.decisions.lost_demand import LostDemand, Paths
from flashsale.decisions.rules import MINOR_PER_MAJOR, DecisionRules
from flashsale.demand.posterior import FloatArray


@dataclass(frozen=True, slots=True)
class Worth:
    """Of one unit, minor units, (n,): `margin` = value − cost, `saved` = margin + goodwill, `cost`."""

    margin: FloatArray
    saved: FloatArray
    cost: FloatArray


def unit_worth(unit_value: FloatArray, unit_cost: FloatArray, rules: DecisionRules) -> Worth:
    """What a unit earns, what an unmet one loses, and what it costs."""
    margin = unit_value - unit_cost
    return Worth(margin, margin + rules.shortage.goodwill_share * unit_value, unit_cost)


def saved_units(lost: Paths, qty: FloatArray) -> FloatArray:
    """E[min(qty, W)], (n,)."""
    return _mean(np.minimum(lost, qty[:, None].astype(np.float32)))


def newsvendor_qty(lost: Paths, under: FloatArray, over: FloatArray) -> FloatArray:
    """Least whole Q with P(W ≤ Q) ≥ Cu ÷ (Cu + Co), (n,); 0 where Cu ≤ 0.

    The critical ratio of Arrow, Harris & Marschak 1951, "Optimal Inventory Policy": `under` (Cu) is lost by a
    unit too few, `over` (Co) by a unit too many.
    """
    total = under + over
    ratio = np.clip(under / np.where(total > 0, total, 1), 0, 1)
    paths = lost.shape[1]
    place = np.clip(np.ceil(ratio * paths - 1e-9).astype(np.int64) - 1, 0, paths - 1)
    quantile = np.take_along_axis(np.sort(lost, axis=1), place[:, None], 1)[:, 0]
    # The paths are single precision: a whole number must not become the next one.
    qty: FloatArray = np.where(under > 0, np.ceil(quantile.astype(np.float64) - 1e-3), 0.0)
    return qty


def restock(lost: Paths, worth: Worth, rules: DecisionRules) -> tuple[FloatArray, FloatArray]:
    """Quantity and value of an order to the supplier; `lost` is W from its arrival on.

    value = saved · E[min(Q, W)] − handling · Q − left-over · E[max(0, Q − W)] − order cost.
    """
    handling, leftover = rules.restock.handling_share * worth.cost, rules.restock.leftover_share * worth.cost
    qty = newsvendor_qty(lost, worth.saved - handling, handling + leftover)
    qty = np.minimum(qty, rules.restock.max_qty)
    saved = saved_units(lost, qty)
    value = worth.saved * saved - handling * qty - leftover * (qty - saved)
    return qty, value - rules.restock.order_cost * MINOR_PER_MAJOR


def reroute(lost: Paths, worth: Worth, room: FloatArray, rules: DecisionRules) -> tuple[FloatArray, FloatArray]:
    """Expected units and value of serving new orders elsewhere; `lost` is W from now on.

    units = E[min(accept · W, room)], value = (saved − extra delivery) · units; `room` is what the others can
    spare for it, (n,).
    """
    units = saved_units(lost * np.float32(rules.reroute.accept_share), room)
    return units, (worth.saved - rules.reroute.unit_cost * MINOR_PER_MAJOR) * units


def pause_ads(demand: LostDemand, soon: Paths, worth: Worth, rules: DecisionRules) -> FloatArray:
    """Value of demand without what ads bring: fewer customers turned away, against sales that are not made.

    `soon` is W from now on.  value = goodwill · fewer lost − share · max(0, margin) · fewer sold, from the same
    paths with that much less demand.  It never makes a sale; it keeps the stock for those who come by themselves.
    """
    calm = demand.with_demand(1 - rules.pause_ads.demand_share)
    lost, calm_lost = _mean(soon), _mean(calm.after(np.zeros(len(soon))))
    wanted = demand.wanted.mean(axis=2, dtype=np.float64).sum(axis=1)
    calm_wanted = wanted * (1 - rules.pause_ads.demand_share)
    fewer_sold = np.maximum((wanted - lost) - (calm_wanted - calm_lost), 0)
    goodwill = worth.saved - worth.margin
    unsold = rules.pause_ads.lost_sale_share * np.maximum(worth.margin, 0)
    value: FloatArray = goodwill * (lost - calm_lost) - unsold * fewer_sold
    return value


def _mean(paths: Paths) -> FloatArray:
    mean: FloatArray = paths.mean(axis=1).astype(np.float64)
    return mean
