"""Simulate a sale again: it is a function of (scenario, seed, start), so that nothing of it has to be recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flashsale.market import Market, draw_market
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario
from flashsale.scenario_trouble import Faults
from generator.shard_state import TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import World


@dataclass(frozen=True, slots=True)
class Replay:
    """A sale that can be simulated again, one world for each shard.

    The worlds have no faults: those befall facts on their way and change nothing that happens.
    """

    sale: SaleRun
    scenario: Scenario
    market: Market
    worlds: Sequence[World]

    @classmethod
    def of(cls, sale: SaleRun, scenario: Scenario) -> "Replay":
        """Of `sale`, whose scenario is `scenario`."""
        market = draw_market(scenario, sale.seed)
        faultless = scenario.model_copy(update={"faults": Faults()})
        worlds = [World(faultless, market, sale.seed, sale.sale_start, shard) for shard in range(scenario.shards)]
        return cls(sale, scenario, market, worlds)

    def ticks(self, count: int) -> Iterator[list[TickFacts]]:
        """The first `count` ticks, each with the facts of all shards in ascending order."""
        states = [opening_state(world) for world in self.worlds]
        for _ in range(count):
            totals = Totals.of(state.aggregate for state in states)
            done = [step(world, state, totals) for world, state in zip(self.worlds, states, strict=True)]
            states = [state for state, _ in done]
            yield [facts for _, facts in done]
