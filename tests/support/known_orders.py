"""What a sale's generator must have written: the simulation run again, without any store."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flashsale.minutes import MINUTE, floor_minute, from_epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from generator.shard_state import TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import open_worlds


@dataclass(frozen=True, slots=True)
class MinuteTotals:
    """Orders, units and value (minor units) of one minute."""

    orders: int
    units: int
    value: int


def known_facts(sale: SaleRun, until: datetime) -> Iterator[TickFacts]:
    """Facts of every shard and tick that ends by `until`."""
    worlds = open_worlds(parse_scenario(sale.scenario_toml, "of the test"), sale)
    states = [opening_state(world) for world in worlds]
    ticks = int((until - sale.sale_start).total_seconds())
    for _ in range(ticks):
        totals = Totals.of(state.aggregate for state in states)
        for number, world in enumerate(worlds):
            states[number], facts = step(world, states[number], totals)
            yield facts


def known_minutes(sale: SaleRun, until: datetime) -> dict[datetime, MinuteTotals]:
    """Totals of every minute from the sale's first to the last before `until`, empty ones too."""
    orders: Counter[datetime] = Counter()
    units: Counter[datetime] = Counter()
    value: Counter[datetime] = Counter()
    for facts in known_facts(sale, until):
        for ts, quantity, worth in zip(facts.orders.ts, facts.orders.qty, facts.orders.value, strict=True):
            minute = floor_minute(from_epoch_ms(int(ts)))
            orders[minute] += 1
            units[minute] += int(quantity)
            value[minute] += int(worth)
    first = floor_minute(sale.sale_start)
    minutes = [first + number * MINUTE for number in range((until - first) // MINUTE)]
    return {minute: MinuteTotals(orders[minute], units[minute], value[minute]) for minute in minutes}


def known_ids(sale: SaleRun, until: datetime) -> dict[str, Counter[int]]:
    """Fact table -> ids of all facts of ticks that end by `until`."""
    ids: dict[str, Counter[int]] = {"orders_fact": Counter(), "inventory_fact": Counter()}
    for facts in known_facts(sale, until):
        ids["orders_fact"].update(facts.orders.order_id.tolist())
        ids["inventory_fact"].update(facts.inventory.event_id.tolist())
    return ids
