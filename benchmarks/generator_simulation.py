"""The sale simulated and nothing else: how fast, and the facts of its first ticks, encoded beforehand for the floor."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flashsale.minutes import epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario
from generator.encoding import FactBlock, encode_inventory, encode_orders
from generator.facts import tick_time_ms
from generator.shard_state import TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import open_worlds


@dataclass(frozen=True, slots=True)
class Simulated:
    """Facts of a simulated sale, and the CPU seconds that `step` took for them."""

    orders: int
    events: int
    cpu_seconds: float

    @property
    def facts(self) -> int:
        return self.orders + self.events


def simulate(scenario: Scenario, sale: SaleRun) -> Simulated:
    """The whole sale, all shards in this process."""
    orders = events = 0
    began = time.process_time()
    for _, facts in _ticks(scenario, sale, sale.seconds):
        orders += len(facts.orders.ts)
        events += len(facts.inventory.ts)
    return Simulated(orders, events, time.process_time() - began)


def encoded(scenario: Scenario, sale: SaleRun, ticks: int, shards: Sequence[int]) -> Iterator[list[FactBlock]]:
    """Tick by tick, the blocks of these shards, as the generator sends them."""
    for shard, facts in _ticks(scenario, sale, ticks):
        if shard in shards:
            arrived_ms = tick_time_ms(epoch_ms(sale.sale_start), facts.tick)
            yield [encode_orders(facts.orders, arrived_ms), encode_inventory(facts.inventory, arrived_ms)]


def _ticks(scenario: Scenario, sale: SaleRun, ticks: int) -> Iterator[tuple[int, TickFacts]]:
    """(shard, facts) of the first ticks."""
    worlds = open_worlds(scenario, sale)
    states = [opening_state(world) for world in worlds]
    for _ in range(ticks):
        totals = Totals.of(state.aggregate for state in states)
        for index, world in enumerate(worlds):
            states[index], facts = step(world, states[index], totals)
            yield world.shard, facts
