"""The sale as it stands in the plan: nothing hidden, nothing that goes wrong, shipments as announced."""

from datetime import UTC, datetime

from flashsale.market import Market, draw_market
from flashsale.scenario import Scenario
from flashsale.scenario_trouble import Faults, Phantom, Uncertainty
from generator.world import World

_ANY_START = datetime(2000, 1, 1, tzinfo=UTC)
"""Everything in a plan is counted from the start of the sale."""


def planned_world(scenario: Scenario, seed: int) -> tuple[World, Market]:
    """(one world of all products, the market it was drawn from).

    Its formulas and draws are those of the simulation; uncertainty, bursts, bots, outages,
    phantom stock and faults are taken out, for nobody plans them.
    """
    plan = scenario.model_copy(
        update={
            "shards": 1,
            "uncertainty": Uncertainty(sigma=0.0, shift_minutes=0.0),
            "bursts": (),
            "bots": (),
            "outages": (),
            "phantom": Phantom(),
            "faults": Faults(),
        }
    )
    market = draw_market(scenario, seed)
    return World(plan, market, seed, _ANY_START, 0), market


def left_out(scenario: Scenario) -> list[str]:
    """What the scenario holds beside its plan, in words; empty when it goes by the plan."""
    found = [f"demand strays by sigma {scenario.uncertainty.sigma:g}"] if scenario.uncertainty.sigma else []
    if scenario.uncertainty.shift_minutes:
        found.append(f"demand comes {scenario.uncertainty.shift_minutes:g} min early or late")
    for count, one, many in (
        (len(scenario.bursts), "burst", "bursts"),
        (len(scenario.bots), "group of bots", "groups of bots"),
        (len(scenario.outages), "outage", "outages"),
    ):
        if count:
            found.append(f"{count} {one if count == 1 else many}")
    if scenario.phantom.pairs_share:
        found.append("phantom stock")
    if scenario.faults.any:
        found.append("faulty senders")
    return found
