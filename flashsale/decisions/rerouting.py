"""Which warehouse can serve the orders of one that runs out, without running short or falling behind itself."""

from dataclasses import dataclass

import numpy as np

from flashsale.decisions.lost_demand import Paths
from flashsale.decisions.rules import DecisionRules
from flashsale.decisions.situation import IntArray, Situation
from flashsale.decisions.transfers import Transfers, same_product
from flashsale.decisions.values import Worth, reroute
from flashsale.demand.posterior import FloatArray


@dataclass(frozen=True, slots=True)
class Rerouting:
    """For each of n pairs in need: expected units, value (-inf: nobody can serve them) and warehouse row, (n,)."""

    qty: FloatArray
    value: FloatArray
    source: IntArray


def best_rerouting(
    situation: Situation,
    pairs: IntArray,
    lost: Paths,
    worth: Worth,
    donors: IntArray,
    spare: IntArray,
    transfers: Transfers,
    rules: DecisionRules,
) -> Rerouting:
    """Rows of one product share what its unburdened donors can spare besides `transfers`, by what they lose.

    `lost` is W from now on, (n, K); the warehouse named is the one with most to spare.
    """
    warehouse = situation.warehouses.rows(situation.warehouse_id)
    count = len(pairs)
    free = situation.warehouses.load[warehouse[donors]] < rules.reroute.load_max
    sent = transfers.donor >= 0
    gone = np.bincount(transfers.donor[sent], weights=transfers.qty[sent], minlength=len(donors))
    left = np.where(free, spare - gone, 0)
    row, donor = same_product(situation.product_id[pairs], situation.product_id[donors])
    _, product = np.unique(situation.product_id[pairs], return_inverse=True)
    need = lost.mean(axis=1, dtype=np.float64)
    all_need = np.bincount(product, weights=need)[product]
    room = np.bincount(row, weights=left[donor], minlength=count) * need / np.where(all_need > 0, all_need, 1)
    # A row that reroutes sends no van: what was kept for its van is there for its orders.
    own = np.zeros(count)
    own[sent] = np.where(free[transfers.donor[sent]], transfers.qty[sent], 0)
    units, value = reroute(lost, worth, np.floor(room + 1e-9) + own, rules)
    source, most = np.full(count, -1), np.zeros(count)
    kept = left[donor] + np.where(transfers.donor[row] == donor, own[row], 0)
    # The donor with most to spare is written last; of equal ones the first.
    order = np.lexsort((-donor, kept))
    source[row[order]], most[row[order]] = warehouse[donors[donor[order]]], kept[order]
    possible = (np.rint(units) >= 1) & (most > 0)
    return Rerouting(units, np.where(possible, value, -np.inf), source)
