"""What to do about every (product, warehouse) at risk or sold out: the action worth most against waiting.

The formulas are in docs/decisions.md; costs and lead times are the caller's rules.  No unit is promised
twice: transfers share the donors' spare units, and orders are rerouted only to what the transfers of other
rows leave.
"""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from flashsale.actions import ACTIONABLE
from flashsale.decisions.lost_demand import LostDemand, lost_demand
from flashsale.decisions.own_need import spare_units
from flashsale.decisions.reasons import Facts, reason
from flashsale.decisions.rerouting import best_rerouting
from flashsale.decisions.rules import DecisionRules
from flashsale.decisions.situation import IntArray, Situation
from flashsale.decisions.transfers import best_transfers
from flashsale.decisions.values import Worth, pause_ads, restock, unit_worth
from flashsale.demand.posterior import FloatArray
from flashsale.snapshot import Action

LEAST_EFFORT_FIRST: tuple[Action, ...] = ("monitor", "pause_ads", "reroute", "transfer", "restock")
"""Of equally valuable actions the first is chosen: nothing is done for nothing."""


class Alternative(TypedDict):
    """An action of the row and its expected value against waiting, minor units."""

    action: Action
    qty: int
    from_warehouse_id: int | None
    value_saved: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The best action of a pair; `alternatives` are all that could be done, the best first.

    `qty`: units ordered, sent, or expected to be served elsewhere; 0 otherwise.
    """

    product_id: int
    warehouse_id: int
    action: Action
    qty: int
    from_warehouse_id: int | None
    reason: str
    value_saved: int
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class _Option:
    """One action for all n pairs: value in minor units, -inf where it cannot be done; `source` is a warehouse row."""

    action: Action
    qty: FloatArray
    value: FloatArray
    source: IntArray
    lead: FloatArray


def decide(situation: Situation, rules: DecisionRules) -> list[Decision]:
    """One decision for each pair that is at risk or sold out, in the situation's order."""
    pairs = np.flatnonzero(np.isin(situation.status, ACTIONABLE))
    if not len(pairs):
        return []
    minutes = min(rules.horizon_minutes, len(situation.planned) - 1)
    demand = lost_demand(situation, pairs, rules.restock.lead_minutes, minutes)
    worth = unit_worth(situation.unit_value[pairs], situation.unit_cost[pairs], rules)
    donors = _donors(situation, pairs)
    spare = spare_units(
        situation.posterior.take(donors),
        situation.available[donors],
        situation.planned[minutes, situation.group[donors]],
        minutes,
        rules.transfer.donor_share_max,
        rules.transfer.donor_sold_out_max,
    )
    transfers = best_transfers(situation, pairs, demand, worth, donors, spare, rules)
    soon = demand.after(np.zeros(len(pairs)))
    rerouting = best_rerouting(situation, pairs, soon, worth, donors, spare, transfers, rules)
    warehouse = situation.warehouses.rows(situation.warehouse_id)
    nothing = np.zeros(len(pairs))
    nowhere = np.full(len(pairs), -1)
    options = (
        _Option("monitor", nothing, nothing, nowhere, nothing),
        _Option("pause_ads", nothing, pause_ads(demand, soon, worth, rules), nowhere, nothing),
        _Option("reroute", rerouting.qty, rerouting.value, rerouting.source, nothing),
        _Option(
            "transfer",
            transfers.qty.astype(np.float64),
            transfers.value,
            np.where(transfers.donor >= 0, warehouse[donors][transfers.donor] if len(donors) else -1, -1),
            transfers.lead,
        ),
        _restocking(situation, pairs, demand, worth, minutes, rules),
    )
    return _chosen(situation, pairs, options)


def _donors(situation: Situation, pairs: IntArray) -> IntArray:
    """Pairs of the same products that are not in need themselves."""
    wanted = np.isin(situation.product_id, situation.product_id[pairs])
    return np.flatnonzero(wanted & (situation.available > 0) & ~np.isin(situation.status, ACTIONABLE))


def _restocking(
    situation: Situation, pairs: IntArray, demand: LostDemand, worth: Worth, minutes: int, rules: DecisionRules
) -> _Option:
    count, lead = len(pairs), rules.restock.lead_minutes
    from_arrival = demand.after(situation.planned_within(pairs, np.full(count, lead)))
    qty, value = restock(from_arrival, worth, rules)
    possible = (qty > 0) & (lead < minutes)
    return _Option("restock", qty, np.where(possible, value, -np.inf), np.full(count, -1), np.full(count, float(lead)))


def _chosen(situation: Situation, pairs: IntArray, options: tuple[_Option, ...]) -> list[Decision]:
    value = np.array([np.where(np.isfinite(o.value), np.rint(o.value), -np.inf) for o in options])
    ranking = np.argsort(-value, axis=0, kind="stable").T.tolist()
    values, units = value.T.tolist(), np.array([np.rint(o.qty) for o in options]).T.astype(np.int64).tolist()
    sources, leads = np.array([o.source for o in options]).T.tolist(), np.array([o.lead for o in options]).T.tolist()
    warehouse_id, names = situation.warehouses.warehouse_id.tolist(), situation.warehouses.name
    next_due = _next_due(situation)
    decisions = []
    for n, pair in enumerate(pairs.tolist()):
        alternatives: list[Alternative] = [
            {
                "action": options[o].action,
                "qty": units[n][o],
                "from_warehouse_id": warehouse_id[sources[n][o]] if sources[n][o] >= 0 else None,
                "value_saved": int(values[n][o]),
            }
            for o in ranking[n]
            if values[n][o] != -np.inf
        ]
        best, top = alternatives[0], ranking[n][0]
        facts = Facts(
            sold_out=str(situation.status[pair]) == "sold_out",
            eta_minutes=float(situation.eta_minutes[pair]),
            p15=float(situation.p15[pair]),
            next_due_minutes=next_due.get(pair),
            source=names[sources[n][top]] if sources[n][top] >= 0 else "",
            lead_minutes=leads[n][top],
        )
        decisions.append(
            Decision(
                int(situation.product_id[pair]),
                int(situation.warehouse_id[pair]),
                best["action"],
                best["qty"],
                best["from_warehouse_id"],
                reason(best["action"], best["qty"], facts),
                best["value_saved"],
                tuple(alternatives),
            )
        )
    return decisions


def _next_due(situation: Situation) -> dict[int, float]:
    """Minutes until the next shipment of each pair that expects one."""
    due: dict[int, float] = {}
    for pair, minute in zip(situation.inbound.pair.tolist(), situation.inbound.minute.tolist(), strict=True):
        due[pair] = min(minute, due.get(pair, minute))
    return due
