"""Units within one tick: waves that leave, gates that are closed, stock that is not there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generator.happenings import PhantomStock
from generator.shard_state import ShardState
from generator.shelves import Shelves
from generator.simulation import opening_state
from generator.world import World
from tests.support.sale_texts import with_values
from tests.support.scenarios import SMALL
from tests.support.simulated import assert_equal, simulate, ticks_of, worlds_of

OUTAGE = """
[[outages]]
warehouse = "Karachi South"
starts_at_minute = 1
duration_minutes = 1
"""
CAPACITY_OF_A_WAVE = 800 // 6
"""Of the first warehouse, which sends a wave every ten seconds, at 10, 20, ..."""


@pytest.fixture(scope="module")
def world() -> World:
    return worlds_of(SMALL)[0]


def state_of(world: World, **changes: Any) -> ShardState:
    """1 000 units on every shelf, half of them promised to the waves 3 and 4 of each warehouse."""
    shape = world.shape
    wave = np.full(shape, 250, dtype=np.int32)
    state = replace(
        opening_state(world),
        on_hand=np.full(shape, 1_000),
        reserved=np.full(shape, 500),
        missing=np.zeros(shape, dtype=np.int64),
        waves={3: wave, 4: wave.copy()},
    )
    return replace(state, **changes)


def depart(world: World, state: ShardState, tick: int, others: int = 0) -> Shelves:
    """The shelves after the waves of `tick`, with so many units reserved in other shards."""
    shelves = Shelves(world, state, tick)
    backlog = state.reserved.sum(axis=0)
    shelves.depart(backlog, backlog + others)
    return shelves


def test_a_wave_leaves_at_its_second_as_far_as_the_capacity_goes_and_the_rest_joins_the_next(world: World) -> None:
    shelves = depart(world, state_of(world), 30)
    assert shelves.shipped.total() == CAPACITY_OF_A_WAVE + 1, "the last unit begun goes too"
    assert (shelves.shipped.key % 2 == 0).all(), "the other warehouse sends its waves at other seconds"
    left = 1_000 - shelves.on_hand[:, 0]
    assert left.sum() == shelves.shipped.total()
    assert left.max() - left.min() <= 1
    assert np.array_equal(shelves.waves[4][:, 0], 500 - left)
    assert np.array_equal(shelves.waves[4][:, 1], np.full(6, 250))
    assert np.array_equal(sum(shelves.waves.values()), shelves.reserved)
    assert depart(world, state_of(world), 31).shipped.total() == 0


def test_a_shard_has_its_share_of_the_capacity(world: World) -> None:
    state = state_of(world)
    backlog = int(state.reserved[:, 0].sum())
    assert depart(world, state, 30, others=backlog).shipped.total() == -(-800 * 10 // 120)
    assert depart(world, state, 30, others=9 * backlog).shipped.total() == -(-800 * 10 // 600)
    assert depart(world, state, 30, others=10**9).shipped.total() == 1, "however small, it comes to an end"


def test_waves_of_all_shards_together_keep_to_the_capacity_also_after_an_outage() -> None:
    worlds = worlds_of(with_values(SMALL, cover_median_minutes=900.0, capacity_units_per_minute=1_200) + OUTAGE)
    shipped = np.zeros((300, 2), dtype=np.int64)
    for _, _, facts in ticks_of(worlds, 300):
        for fact in facts:
            np.add.at(shipped[fact.tick], fact.truth.shipped.key % 2, fact.truth.shipped.units)
    assert shipped.max() <= 1_200 // 6 + 1
    assert shipped[60:120, 0].sum() == 0
    assert shipped[120:180, 0].sum() >= 1_200 - 200, "what waited leaves as fast as the warehouse can"


def test_a_closed_warehouse_holds_its_waves_back(world: World) -> None:
    closed = worlds_of(SMALL + OUTAGE)[0]
    state = state_of(closed, waves={6: np.full(world.shape, 500, dtype=np.int32)})
    shelves = depart(closed, state, 60)
    assert shelves.shipped.total() == 0
    assert np.array_equal(shelves.waves[7][:, 0], np.full(6, 500))
    assert not shelves.sellable()[:, 0].any()
    assert (shelves.sellable()[:, 1] == 500).all()


def test_what_picking_finds_missing_is_cancelled_and_written_off(world: World) -> None:
    missing = np.zeros(world.shape, dtype=np.int64)
    missing[2, 0], missing[3, 0], missing[4, 1] = 3, 4, 5
    wave = np.zeros(world.shape, dtype=np.int32)
    wave[2, 0], wave[3, 0], wave[4, 0] = 9, 6, 5
    on_hand = np.full(world.shape, 10)
    state = state_of(world, on_hand=on_hand, reserved=wave.astype(np.int64), missing=missing, waves={3: wave})
    shelves = depart(world, state, 30)
    assert (shelves.cancelled.key.tolist(), shelves.cancelled.units.tolist()) == ([4], [2])
    assert (shelves.written_off.key.tolist(), shelves.written_off.units.tolist()) == ([4], [3])
    assert (shelves.shipped.key.tolist(), shelves.shipped.units.tolist()) == ([4, 6, 8], [7, 6, 5])
    assert shelves.on_hand[:, 0].tolist() == [10, 10, 0, 4, 5, 10]
    assert shelves.missing[:, 0].tolist() == [0, 0, 0, 4, 0, 0], "six were there: nobody noticed"
    assert shelves.missing[4, 1] == 5
    assert not shelves.reserved.any()


def test_a_count_writes_off_what_is_missing_also_below_what_is_promised(world: World) -> None:
    counting = worlds_of(SMALL)[0]
    counting.phantom = PhantomStock(counting.phantom.missing, {30: np.array([0, 4, 5])})
    missing = np.zeros(world.shape, dtype=np.int64)
    missing[0, 0], missing[2, 0] = 7, 700
    shelves = Shelves(counting, state_of(counting, missing=missing), 30)
    shelves.count()
    assert (shelves.written_off.key.tolist(), shelves.written_off.units.tolist()) == ([0, 4], [7, 700])
    assert shelves.on_hand[:, 0].tolist() == [993, 1_000, 300, 1_000, 1_000, 1_000]
    assert not shelves.missing.any()
    assert shelves.sellable()[2, 0] == -200
    again = Shelves(counting, state_of(counting, missing=missing), 31)
    again.count()
    assert again.written_off.total() == 0


def test_nothing_of_the_state_given_is_changed(world: World) -> None:
    missing = np.full(world.shape, 990)
    state, same = state_of(world, missing=missing), state_of(world, missing=missing.copy())
    shelves = Shelves(world, state, 30)
    shelves.receive()
    shelves.depart(state.reserved.sum(axis=0), state.reserved.sum(axis=0))
    shelves.count()
    shelves.reserve(np.array([0, 3]), np.array([2, 5]), np.array([0.5, 70.0]))
    assert shelves.cancelled.total() > 0
    assert_equal(state, same)


def test_reserved_units_wait_for_the_first_wave_after_the_delay(world: World) -> None:
    shelves = Shelves(world, state_of(world, waves={}), 30)
    shelves.reserve(np.array([0, 3]), np.array([2, 5]), np.array([0.5, 1.0]))
    # Ready at 60: wave 6 of the first warehouse; ready at 90: wave 10 of the second, 7 s ahead of the tens.
    assert sorted(shelves.waves) == [6, 10]
    assert (shelves.waves[6].ravel()[0], shelves.waves[10].ravel()[3]) == (2, 5)
    assert shelves.reserved.ravel()[[0, 3]].tolist() == [502, 505]


def test_phantom_stock_does_not_depend_on_the_shards() -> None:
    text = SMALL + "\n[phantom]\npairs_share = 0.5\nmissing_share_max = 0.6\ncount_after_minutes = 2.0\n"

    def by_product(shards: int) -> dict[int, tuple[list[int], list[int]]]:
        found = {}
        for world in worlds_of(with_values(text, shards=shards)):
            counted = np.full(world.shape, -1)
            for tick in range(6_000):
                counted.ravel()[world.phantom.counted(tick)] = tick
            assert ((counted > 0) == (world.phantom.missing > 0)).all()
            assert (world.phantom.missing <= 0.6 * world.opening + 1).all()
            for row, product in enumerate(world.product_id.tolist()):
                found[product] = (world.phantom.missing[row].tolist(), counted[row].tolist())
        return found

    assert by_product(1) == by_product(5)
    assert sum(any(missing) for missing, _ in by_product(2).values()) >= 4


def test_phantom_stock_is_sold_and_then_found_out() -> None:
    text = SMALL + "\n[phantom]\npairs_share = 1.0\nmissing_share_max = 0.6\ncount_after_minutes = 60.0\n"
    run = simulate(worlds_of(with_values(text, pairs_share=1.0)), 600)
    truths = [facts.truth for tick in run.history for facts in tick]
    assert sum(truth.cancelled.total() for truth in truths) > 20
    found = sum(truth.written_off.total() for truth in truths) + sum(int(state.missing.sum()) for state in run.states)
    assert found == sum(int(world.phantom.missing.sum()) for world in run.worlds)
