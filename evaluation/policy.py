"""Who acts on what is on the screen: people who follow the action table, and a rival who looks at stock ÷ velocity.

Both have the same hands: so many actions a minute, one delivery to a pair at a time, the same budget.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evaluation.cases import ROOT
from evaluation.interventions_account import Kind
from evaluation.policy_screen import Seen
from evaluation.replay import AT_RISK_MINUTES
from flashsale.actions import ACTIONABLE
from flashsale.calibration import Calibration
from flashsale.decisions.decide import Decision, decide
from flashsale.decisions.rules import DecisionRules, load_decision_rules
from flashsale.errors import FlashsaleError

BoolArray = npt.NDArray[np.bool_]

DECISIONS = ROOT / "configs" / "decisions.toml"
LEAST_REACTION = 2
"""A minute's figures are settled two minutes after its end; nobody acts on them earlier."""


@dataclass(frozen=True, slots=True)
class Move:
    """An action to take; `pair` and `source` (a warehouse's index, −1: none) as in the situation, `lead` of a van."""

    kind: Kind
    pair: int
    qty: int
    source: int
    lead: float
    value: float


@dataclass(frozen=True, slots=True)
class InProgress:
    """What is not proposed again, (N,): `delivery` a delivery to the pair is under way; `eased` its orders are
    rerouted, to a warehouse that has some, or its advertising is paused."""

    delivery: BoolArray
    eased: BoolArray


Policy = Callable[[Seen, InProgress, DecisionRules], list[Move]]


@dataclass(frozen=True, slots=True)
class Hands:
    """What people can do: they act `reaction_minutes` after the minute they look at, take at most `attention`
    actions a minute, and may spend `supply_share` of what the opening stock cost on units from the supplier."""

    reaction_minutes: int = LEAST_REACTION
    attention: int = 10
    supply_share: float = 0.25
    rules: DecisionRules = field(default_factory=lambda: load_decision_rules(DECISIONS))
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        if self.reaction_minutes < LEAST_REACTION:
            raise FlashsaleError(
                f"reaction of {self.reaction_minutes} minutes: a minute's figures are settled {LEAST_REACTION} "
                f"minutes after its end; take at least {LEAST_REACTION}"
            )
        if self.attention < 1:
            raise FlashsaleError(f"attention {self.attention}: people take at least 1 action a minute")
        if not 0 <= self.supply_share <= 100:
            raise FlashsaleError(f"supply share {self.supply_share}: must be 0..100 times the opening stock's cost")


def follow_table(seen: Seen, busy: InProgress, rules: DecisionRules) -> list[Move]:
    """The table's best action of every row, the most valuable first.

    Where orders are rerouted or advertising is paused already, the best delivery.
    """
    situation = seen.situation
    pairs = np.flatnonzero(np.isin(situation.status, ACTIONABLE))
    distance = situation.warehouses.distance_km()
    rows = situation.warehouses.rows(situation.warehouse_id)
    place = {int(one): row for row, one in enumerate(situation.warehouses.warehouse_id)}
    moves = []
    for pair, decision in zip(pairs.tolist(), decide(situation, rules), strict=True):
        found = _best(decision, bool(busy.delivery[pair]), bool(busy.eased[pair]))
        if found is None:
            continue
        kind, qty, source_id, value = found
        source = -1 if source_id is None else place[source_id]
        lead = rules.transfer.base_minutes + rules.transfer.minutes_per_km * float(distance[rows[pair], source])
        moves.append(Move(kind, pair, qty, source, lead, value))
    return sorted(moves, key=lambda move: (-move.value, move.pair))


def _best(decision: Decision, delivery: bool, eased: bool) -> tuple[Kind, int, int | None, float] | None:
    """(action, units, warehouse id, value) of the best one that is not under way; None: waiting is better."""
    for one in decision.alternatives:
        action = one["action"]
        if action == "monitor":
            return None
        if (delivery and action in ("restock", "transfer")) or (eased and action in ("reroute", "pause_ads")):
            continue
        return action, one["qty"], one["from_warehouse_id"], float(one["value_saved"])
    return None


def restock_by_velocity(seen: Seen, busy: InProgress, rules: DecisionRules) -> list[Move]:
    """The rival: where stock ÷ velocity is at most 15 minutes, order what is short within the horizon at that pace.

    The order that is worth most comes first.
    """
    situation = seen.situation
    available = np.maximum(situation.available, 0)
    low = (situation.available >= 0) & (seen.velocity > 0) & (available <= AT_RISK_MINUTES * seen.velocity)
    short = np.ceil(seen.velocity * rules.horizon_minutes - available)
    value = short * situation.unit_value
    chosen = np.flatnonzero(low & (short > 0) & ~busy.delivery)
    return [
        Move("restock", pair, int(short[pair]), -1, rules.restock.lead_minutes, float(value[pair]))
        for pair in chosen[np.argsort(-value[chosen], kind="stable")].tolist()
    ]


POLICIES: dict[str, Policy] = {"table": follow_table, "velocity": restock_by_velocity}
