"""Why an action, in one line that a manager reads in two seconds: plain text, no markup."""

import math
from dataclasses import dataclass

from flashsale.snapshot import Action


@dataclass(frozen=True, slots=True)
class Facts:
    """What the line may say of a pair; NaN or None where it is not known.

    `source` is the name of the warehouse that sends or serves, `lead_minutes` how long units take.
    """

    sold_out: bool
    eta_minutes: float
    p15: float
    next_due_minutes: float | None
    source: str
    lead_minutes: float


def reason(action: Action, qty: int, facts: Facts) -> str:
    """``sells out in ~6 min (90 %); 140 spare in Lahore Ring Road arrive in 25 min``."""
    return f"{_state(facts)}; {_answer(action, qty, facts)}"


def _state(facts: Facts) -> str:
    if facts.sold_out:
        return "sold out"
    chance = "" if math.isnan(facts.p15) else f" ({_percent(facts.p15)} within 15)"
    if math.isnan(facts.eta_minutes):
        return f"may sell out{chance}"
    # Rounded down, as everywhere on the screen: never more time than there is.
    within = f"in ~{int(facts.eta_minutes)} min" if facts.eta_minutes >= 1 else "within a minute"
    return f"sells out {within}{chance}"


def _percent(share: float) -> str:
    """Never rounded up to certainty."""
    return f"{min(round(100 * share), 99 if share < 1 else 100)} %"


def _answer(action: Action, qty: int, facts: Facts) -> str:
    lead = f"{facts.lead_minutes:.0f} min"
    if action == "restock":
        return f"{qty:,} ordered now arrive in {lead}"
    if action == "transfer":
        return f"{qty:,} spare in {facts.source} arrive in {lead}"
    if action == "reroute":
        return f"{facts.source} can serve ~{qty:,} of its orders"
    if action == "pause_ads":
        return "nothing that pays arrives in time: ads only turn customers away"
    if facts.next_due_minutes is not None and facts.next_due_minutes >= 0:
        return f"the next shipment is due in {facts.next_due_minutes:.0f} min"
    return "no action pays"
