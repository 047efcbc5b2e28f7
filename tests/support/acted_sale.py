"""A small shop in which stock decides nothing but who is turned away, and measures that are taken by hand."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from evaluation.interventions import Interventions
from evaluation.interventions_shard import ShardInterventions
from flashsale.decisions.rules import DecisionRules
from generator.shard_state import ShardState, TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import World
from tests.support.sale_texts import with_values
from tests.support.scenarios import SMALL
from tests.support.simulated import worlds_of
from tests.support.situations import RULES

KARACHI, LAHORE = 0, 1
STEADY = with_values(
    SMALL,
    scarcity_boost=0.0,
    sold_out_weight=1.0,
    stocked_share=1.0,
    pairs_share=0.0,
    cover_sigma_product=0.0,
    cover_sigma_pair=0.0,
    heartbeat_seconds="60\nimpatience_per_hour = 0.0",
)
"""Neither the last units nor an empty shelf nor a queue changes who comes; everything is carried everywhere."""
Act = Callable[[int, Interventions], None]
Tick = tuple[list[ShardState], list[TickFacts]]


def measures_of(worlds: list[World], rules: DecisionRules = RULES, supply: float = 1e15) -> Interventions:
    """No measures yet; a unit costs 100 rupees."""
    scenario = worlds[0].scenario
    return Interventions.none(scenario, 7, rules, np.full(scenario.products.count, 10_000), supply)


def acted(
    worlds: list[World], measures: Interventions, ticks: int, act: Act = lambda tick, measures: None
) -> Iterator[Tick]:
    """Ticks from the opening; `act` is called before each with its number."""
    states = [opening_state(world) for world in worlds]
    hooks = [ShardInterventions(world, measures) for world in worlds]
    for tick in range(ticks):
        act(tick, measures)
        totals = Totals.of(state.aggregate for state in states)
        done = [step(world, state, totals, hook) for world, state, hook in zip(worlds, states, hooks, strict=True)]
        states = [state for state, _ in done]
        yield states, [facts for _, facts in done]


def by_pair(worlds: list[World], of_shard: Callable[[int], npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """The shards' arrays as one over all products, (P, W)."""
    whole = np.zeros((worlds[0].scenario.products.count, worlds[0].shape[1]), dtype=np.int64)
    for shard, world in enumerate(worlds):
        whole[world.product_id - 1] = of_shard(shard)
    return whole


def units_lost(worlds: list[World], history: list[Tick]) -> npt.NDArray[np.int64]:
    """By tick and pair, (ticks, P, W)."""

    def of(facts: list[TickFacts]) -> npt.NDArray[np.int64]:
        def dense(shard: int) -> npt.NDArray[np.int64]:
            lost, flat = facts[shard].truth.lost, np.zeros(worlds[shard].stocked.size, dtype=np.int64)
            flat[lost.key] = lost.units
            return flat.reshape(worlds[shard].shape)

        return by_pair(worlds, dense)

    return np.array([of(facts) for _, facts in history])


def steady(cover_minutes: float = 3.0) -> list[World]:
    """The worlds of `STEADY`, with stock for so many minutes, and suppliers that are never late."""
    return worlds_of(with_values(STEADY, cover_median_minutes=cover_minutes, delay_mean_minutes=0.0))
