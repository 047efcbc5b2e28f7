"""Runs of the simulation in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from generator.facts import OrderColumns
from generator.shard_state import ShardState, TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import World, open_worlds

START = datetime(2026, 11, 11, 9, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def worlds_of(text: str, seed: int = 7) -> list[World]:
    """The world of every shard."""
    scenario = parse_scenario(text, "of the test")
    end = START + timedelta(minutes=scenario.duration_minutes)
    return open_worlds(scenario, SaleRun("x", scenario.name, text, seed, START, end))


@dataclass(frozen=True)
class Run:
    """Ticks of a sale: what each shard knew of the others at their start, and each shard's facts."""

    worlds: list[World]
    states: list[ShardState]
    totals: list[Totals]
    history: list[list[TickFacts]]

    def orders(self) -> OrderColumns:
        """All orders, shard by shard within a tick."""
        return joined(facts.orders for tick in self.history for facts in tick)

    def counts(self) -> npt.NDArray[np.int64]:
        """Orders of each tick, shard and city, (ticks, shards, C)."""
        cities = len(self.worlds[0].city_weight)
        return np.array(
            [[np.bincount(facts.orders.city_id - 1, minlength=cities) for facts in tick] for tick in self.history]
        )


def ticks_of(
    worlds: list[World], until: int, states: list[ShardState] | None = None
) -> Iterator[tuple[Totals, list[ShardState], list[TickFacts]]]:
    """(what the shards knew, their states after, their facts) of `until` ticks, from `states` or the opening."""
    states = states or [opening_state(world) for world in worlds]
    for _ in range(until):
        totals = Totals.of(state.aggregate for state in states)
        done = [step(world, state, totals) for world, state in zip(worlds, states, strict=True)]
        states, facts = [state for state, _ in done], [fact for _, fact in done]
        yield totals, states, facts


def simulate(worlds: list[World], ticks: int, states: list[ShardState] | None = None) -> Run:
    """`ticks` more ticks from `states`, or from the opening."""
    states = states or [opening_state(world) for world in worlds]
    totals, history = [], []
    for known, after, facts in ticks_of(worlds, ticks, states):
        states = after
        totals.append(known)
        history.append(facts)
    return Run(worlds, states, totals, history)


def joined(parts: Iterable[OrderColumns]) -> OrderColumns:
    """Columns one after the other."""
    found = list(parts)
    return OrderColumns(*(np.concatenate([getattr(one, f.name) for one in found]) for f in fields(OrderColumns)))


def arrays_of(thing: Any, name: str = "") -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Every number within a state or facts, by where it stands."""
    if isinstance(thing, np.ndarray):
        yield name, thing
    elif isinstance(thing, dict):
        for key in sorted(thing):
            yield from arrays_of(thing[key], f"{name}[{key}]")
    elif isinstance(thing, (list, tuple)):
        for index, one in enumerate(thing):
            yield from arrays_of(one, f"{name}[{index}]")
    elif hasattr(thing, "__dataclass_fields__"):
        for one in fields(thing):
            yield from arrays_of(getattr(thing, one.name), f"{name}.{one.name}")
    else:
        yield name, np.array(thing)


def assert_equal(left: Any, right: Any) -> None:
    """States or facts that do not differ in anything."""
    for (name, one), (other_name, other) in zip(arrays_of(left), arrays_of(right), strict=True):
        assert name == other_name
        assert one.dtype == other.dtype, name
        assert np.array_equal(one, other), name
