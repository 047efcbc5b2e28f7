"""A shard's state: a tick changes nothing of the one before, and states survive as bytes."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flashsale.errors import FlashsaleError
from generator.shard_state import RECENT_TICKS, ShardState, Totals
from generator.simulation import opening_state, step
from generator.state_bytes import from_bytes, to_bytes
from generator.world import World
from tests.support.sale_texts import EVENTFUL, with_values
from tests.support.scenarios import SMALL
from tests.support.simulated import Run, arrays_of, assert_equal, simulate, ticks_of, worlds_of
from tests.support.stock_ledger import StockLedger

FIRST_LAYOUT = Path(__file__).parents[1] / "contracts"


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return worlds_of(EVENTFUL)


@pytest.fixture(scope="module")
def states_at(worlds: list[World]) -> list[list[ShardState]]:
    """Both shards' states by number of ticks done."""
    opening = [opening_state(world) for world in worlds]
    return [opening, *(states for _, states, _ in ticks_of(worlds, 365))]


@pytest.fixture(scope="module")
def eventful(worlds: list[World]) -> Run:
    return simulate(worlds, 365)


def test_the_eventful_sale_has_everything_in_it(eventful: Run) -> None:
    facts = [one for tick in eventful.history for one in tick]
    for name in ("lost", "bots", "shipped", "written_off", "cancelled"):
        assert any(getattr(one.truth, name).total() for one in facts), name
    assert sum(len(strays) for one in facts for strays in one.strays.values()) > 500
    assert any(len(state.delayed.orders.due) for state in eventful.states)
    assert any(update.received_qty for one in facts for update in one.shipments)


@pytest.mark.parametrize("stop_at", [0, 1, 60, 200, 333])
def test_a_run_resumed_from_bytes_goes_on_as_if_never_stopped(
    stop_at: int, eventful: Run, states_at: list[list[ShardState]]
) -> None:
    states = states_at[stop_at]
    fresh = worlds_of(EVENTFUL)
    resumed = [from_bytes(to_bytes(state), world) for state, world in zip(states, fresh, strict=True)]
    for state, same in zip(states, resumed, strict=True):
        assert_equal(replace(state, waves={}), replace(same, waves={}))
        assert [*state.waves] == [*same.waves]
    after = simulate(fresh, 30, resumed)
    assert_equal(after.history, eventful.history[stop_at : stop_at + 30])


@pytest.mark.parametrize("ticks", [0, 130, 300])
def test_a_tick_can_be_done_again_and_leaves_the_state_as_it_was(ticks: int, states_at: list[list[ShardState]]) -> None:
    states, worlds = states_at[ticks], worlds_of(EVENTFUL)
    totals = Totals.of(state.aggregate for state in states)
    for world, state in zip(worlds, states, strict=True):
        before = copy.deepcopy(state)
        first = step(world, state, totals)
        assert_equal(state, before)
        # A world that was elsewhere in between.
        step(world, opening_state(world), Totals.of(one.aggregate for one in states_at[0]))
        assert_equal(step(world, state, totals), first)


def test_the_order_in_which_shards_are_stepped_does_not_matter(eventful: Run) -> None:
    worlds = worlds_of(EVENTFUL)
    states = [opening_state(world) for world in worlds]
    for tick in range(40):
        totals = Totals.of(state.aggregate for state in states)
        done = {shard: step(worlds[shard], states[shard], totals) for shard in (1, 0)}
        states = [done[0][0], done[1][0]]
        assert_equal([done[0][1], done[1][1]], eventful.history[tick])


def test_a_shard_many_ticks_behind_catches_up_with_what_the_other_remembers(
    eventful: Run, states_at: list[list[ShardState]]
) -> None:
    ahead, behind = states_at[300][0], states_at[50][1]
    for tick in range(50, 300):
        totals = Totals.of([ahead.aggregate_at(tick - 1), behind.aggregate])
        behind, facts = step(eventful.worlds[1], behind, totals)
        assert_equal(facts, eventful.history[tick][1])


def test_aggregates_are_remembered_for_256_ticks_and_no_longer(states_at: list[list[ShardState]]) -> None:
    state = states_at[300][0]
    assert state.aggregate_at(299) is state.aggregate
    assert len(state.recent) == RECENT_TICKS == 256
    for tick in range(44, 300):
        assert_equal(state.aggregate_at(tick), states_at[tick + 1][0].aggregate)
    for forgotten in (43, 300):
        with pytest.raises(FlashsaleError, match=f"no aggregate of tick {forgotten}: the shard stands at tick 299"):
            state.aggregate_at(forgotten)
    opening = states_at[0][0]
    assert opening.aggregate_at(-1) is opening.aggregate
    with pytest.raises(FlashsaleError):
        opening.aggregate_at(-2)


def test_states_are_small(eventful: Run) -> None:
    for state in eventful.states:
        size = sum(array.nbytes for _, array in arrays_of(state))
        assert len(to_bytes(state)) < size / 2


def test_state_of_another_scenario_is_refused_in_one_line() -> None:
    state = opening_state(worlds_of(with_values(SMALL, count=20))[0])
    with pytest.raises(FlashsaleError, match="open a new sale"):
        from_bytes(to_bytes(state), worlds_of(SMALL)[0])


def first_layout(world: World) -> bytes:
    """State of `SMALL` after two minutes, as the first version of the generator saved it."""
    return (FIRST_LAYOUT / f"first_state_shard_{world.shard}.npz").read_bytes()


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"PK" + b, lambda b: b"", lambda b: b[:40] + b[41:]])
def test_a_state_that_cannot_be_read_is_refused_in_one_line(damage: Callable[[bytes], bytes]) -> None:
    world = worlds_of(SMALL)[0]
    with pytest.raises(FlashsaleError, match=r"checkpoint of shard 0 cannot be read \(.*\): open a new sale"):
        from_bytes(damage(to_bytes(opening_state(world))), world)


def test_a_state_of_the_first_layout_goes_on_with_every_unit() -> None:
    worlds = worlds_of(SMALL)
    states = [from_bytes(first_layout(world), world) for world in worlds]
    for world, state in zip(worlds, states, strict=True):
        with np.load(FIRST_LAYOUT / f"first_state_shard_{world.shard}.npz") as saved:
            assert state.tick == 119
            assert np.array_equal(state.on_hand, saved["on_hand"])
            assert np.array_equal(state.reserved, saved["reserved"])
            assert np.array_equal(sum(state.waves.values()), state.reserved)
            for tick, index in ((119, 0), (118, 1)):
                assert state.aggregate_at(tick).appeal.sum() == pytest.approx(saved["appeal"][index])
                assert np.array_equal(state.aggregate_at(tick).backlog, saved["backlog"][index])
    run = simulate(worlds, 200, states)
    assert run.states[0].tick == 319
    for world, state, after in zip(worlds, states, run.states, strict=True):
        books = StockLedger(world, oversold=False)
        world.opening, books.ordered = state.on_hand, state.reserved.copy()
        for facts in run.history:
            books.take(facts[world.shard])
        assert books.ordered.sum() > 1_000
        assert [v for v in books.violations(after) if "last event" not in v] == []
        assert_equal(from_bytes(to_bytes(after), world).recent, after.recent)


def test_a_state_of_the_first_layout_has_the_appeal_of_its_stock() -> None:
    for world in worlds_of(SMALL):
        state = from_bytes(first_layout(world), world)
        same = from_bytes(to_bytes(state), world)
        assert_equal(state.appeal, same.appeal)
        assert not state.missing.any()
        assert len(state.delayed.orders.due) == 0
