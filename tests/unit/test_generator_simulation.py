"""The simulation as a whole: stock adds up, a tick is a function of its past, demand has the planned rate."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from flashsale.errors import FlashsaleError
from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from flashsale.schema import INVENTORY, MAX_EXACT_ID, ORDERS
from flashsale.violations import violation
from generator.facts import inventory_documents, order_documents, tick_time_ms
from generator.ids import fact_ids
from generator.shard_state import ShardState, TickFacts, Totals
from generator.simulation import opening_state, step
from generator.state_bytes import from_bytes, to_bytes
from generator.world import World, open_worlds
from tests.support.scenarios import SMALL

START = datetime(2026, 11, 11, 9, tzinfo=UTC)


def worlds_of(text: str, seed: int = 7) -> list[World]:
    scenario = parse_scenario(text, "x")
    end = START + timedelta(minutes=scenario.duration_minutes)
    return open_worlds(scenario, SaleRun("x", scenario.name, text, seed, START, end))


def simulate(
    worlds: list[World], ticks: int, states: list[ShardState] | None = None
) -> tuple[list[ShardState], list[list[TickFacts]]]:
    """States after `ticks` more ticks, and each tick's facts by shard."""
    states = states or [opening_state(world) for world in worlds]
    history = []
    for _ in range(ticks):
        totals = Totals.of(state.aggregate for state in states)
        done = [step(world, state, totals) for world, state in zip(worlds, states, strict=True)]
        states, facts = [state for state, _ in done], [fact for _, fact in done]
        history.append(facts)
    return states, history


def assert_equal_facts(left: TickFacts, right: TickFacts) -> None:
    assert (left.tick, left.shipments) == (right.tick, right.shipments)
    for columns, others in ((left.orders, right.orders), (left.inventory, right.inventory)):
        for field in fields(columns):
            assert np.array_equal(getattr(columns, field.name), getattr(others, field.name)), field.name


@pytest.fixture(scope="module")
def small() -> list[World]:
    return worlds_of(SMALL)


@pytest.fixture(scope="module")
def whole(small: list[World]) -> tuple[list[ShardState], list[list[TickFacts]]]:
    return simulate(small, 600)


def test_stock_is_conserved_and_never_negative(
    small: list[World], whole: tuple[list[ShardState], list[list[TickFacts]]]
) -> None:
    states, history = whole
    for shard, world in enumerate(small):
        available = world.opening.copy()
        received = {
            i: q
            for facts in history
            for i, q in ((u.shipment_id, u.received_qty) for u in facts[shard].shipments)
            if q is not None
        }
        for row, shipment in enumerate(world.shipments.shipment_id):
            if shipment in received:
                available[world.shipments.product[row], world.shipments.warehouse[row]] += received[shipment]
        for facts in history:
            orders = facts[shard].orders
            product = np.searchsorted(world.product_id, orders.product_id)
            np.subtract.at(available, (product, orders.warehouse_id - 1), orders.qty)
            inventory = facts[shard].inventory
            assert (inventory.reserved >= 0).all()
            assert (inventory.on_hand >= inventory.reserved).all(), "oversold"
        assert np.array_equal(available, states[shard].on_hand - states[shard].reserved)
        waiting = sum(states[shard].waves.values())
        assert np.array_equal(waiting, states[shard].reserved), "what is reserved is what has yet to leave"


def test_some_keys_sell_out_and_units_are_lost_only_there(
    small: list[World], whole: tuple[list[ShardState], list[list[TickFacts]]]
) -> None:
    _, history = whole
    lost = sum(int(facts.lost.sum()) for tick in history for facts in tick)
    assert lost > 0
    first_minute = sum(int(facts.lost.sum()) for tick in history[:5] for facts in tick)
    assert first_minute == 0


def test_a_run_resumed_from_bytes_goes_on_as_if_never_stopped(
    small: list[World], whole: tuple[list[ShardState], list[list[TickFacts]]]
) -> None:
    _, history = whole
    for stop_at in (0, 1, 59, 60, 333):
        states, _ = simulate(small, stop_at)
        fresh = worlds_of(SMALL)
        resumed = [from_bytes(to_bytes(state), world) for state, world in zip(states, fresh, strict=True)]
        _, after = simulate(fresh, 20, resumed)
        for tick, facts in enumerate(after):
            for shard in range(2):
                assert_equal_facts(facts[shard], history[stop_at + tick][shard])


def test_a_shard_one_tick_behind_catches_up_with_the_aggregates_of_that_tick(small: list[World]) -> None:
    states, _ = simulate(small, 90)
    behind = states[1]
    ahead, expected = simulate(small, 1, states)
    totals = Totals.of([ahead[0].previous, behind.aggregate])
    _, facts = step(small[1], behind, totals)
    assert_equal_facts(facts, expected[0][1])


def test_another_seed_gives_another_sale() -> None:
    _, one = simulate(worlds_of(SMALL, 7), 5)
    _, other = simulate(worlds_of(SMALL, 8), 5)
    assert any(len(a[0].orders.ts) != len(b[0].orders.ts) for a, b in zip(one, other, strict=True))


def test_orders_wanted_have_the_planned_rate() -> None:
    """Five sigma around 40/s × 300 s × the mean plan of those minutes, with stock for everybody."""
    text = SMALL.replace("cover_median_minutes = 3.0", "cover_median_minutes = 9000.0")
    text = text[: text.index("[[campaigns]]")]
    _, history = simulate(worlds_of(text), 300)
    count = sum(len(facts.orders.ts) for tick in history for facts in tick)
    assert abs(count - 12_000) < 5 * 12_000**0.5
    per_tick = np.array([sum(len(facts.orders.ts) for facts in tick) for tick in history])
    assert per_tick.var() / per_tick.mean() == pytest.approx(1, abs=0.42)


def test_the_plan_lifts_the_rate_minute_by_minute(
    small: list[World],
) -> None:
    base, both, opening_alone = (small[0].effects(minute * 60).sale_rate for minute in (0, 5, 9))
    assert (base, opening_alone) == (pytest.approx(40.0), pytest.approx(60.0))
    assert 60.0 < both < 120.0, "the Audio hour comes on top, for its own products"


def test_shards_share_the_demand_by_appeal_and_every_product_belongs_to_one(small: list[World]) -> None:
    ids = np.concatenate([world.product_id for world in small])
    assert sorted(ids.tolist()) == list(range(1, 13))
    assert all((world.product_id % 2 == world.shard).all() for world in small)


def test_documents_have_the_stored_form(whole: tuple[list[ShardState], list[list[TickFacts]]]) -> None:
    _, history = whole
    for tick in (0, 100, 599):
        for facts in history[tick]:
            arrived = tick_time_ms(int(START.timestamp() * 1000), tick)
            for document in order_documents(facts.orders, arrived):
                assert violation(ORDERS, document) is None
                assert timedelta(0) <= document["arrived_at"] - document["order_ts"] < timedelta(seconds=1)
            for document in inventory_documents(facts.inventory, arrived):
                assert violation(INVENTORY, document) is None


def test_facts_lie_in_their_tick_and_orders_ascend_in_time_and_id(
    whole: tuple[list[ShardState], list[list[TickFacts]]],
) -> None:
    start_ms = int(START.timestamp() * 1000)
    for tick, shards in enumerate(whole[1]):
        for facts in shards:
            for ts in (facts.orders.ts, facts.inventory.ts):
                assert ((ts >= start_ms + tick * 1000) & (ts < start_ms + (tick + 1) * 1000)).all()
            assert (np.diff(facts.orders.ts) >= 0).all()
            assert (np.diff(facts.orders.order_id) == 1).all()


def test_inventory_speaks_on_change_once_per_key_and_at_least_every_heartbeat(
    small: list[World], whole: tuple[list[ShardState], list[list[TickFacts]]]
) -> None:
    _, history = whole
    for shard, world in enumerate(small):
        stocked = {(int(world.product_id[p]), int(w) + 1) for p, w in zip(*np.nonzero(world.stocked), strict=True)}
        last_seen = dict.fromkeys(stocked, -1)
        for tick, facts in enumerate(history):
            events = facts[shard].inventory
            keys = list(zip(events.product_id.tolist(), events.warehouse_id.tolist(), strict=True))
            assert len(keys) == len(set(keys))
            assert set(keys) <= stocked
            if tick == 0:
                assert set(keys) == stocked
            orders = facts[shard].orders
            assert set(zip(orders.product_id.tolist(), orders.warehouse_id.tolist(), strict=True)) <= set(keys)
            for key in keys:
                assert tick - last_seen[key] <= 61
                last_seen[key] = tick
        assert all(600 - seen <= 61 for seen in last_seen.values())


def test_congestion_lengthens_the_delay() -> None:
    text = SMALL.replace("capacity_units_per_minute = 800", "capacity_units_per_minute = 100")
    text = text.replace("capacity_units_per_minute = 1_200", "capacity_units_per_minute = 12_000")
    text = text.replace("cover_median_minutes = 3.0", "cover_median_minutes = 90.0")
    states, history = simulate(worlds_of(text), 300)
    delay = {
        w: max(float(f.inventory.delay[f.inventory.warehouse_id == w].max(initial=0)) for t in history[-60:] for f in t)
        for w in (1, 2)
    }
    assert delay[1] > 10
    assert delay[2] == 0.5
    # Little's law: the backlog is what the warehouse ships in the time an order waits.
    backlog = sum(int(state.reserved[:, 0].sum()) for state in states)
    assert delay[1] == pytest.approx(backlog / 100, rel=0.02)


def test_more_shards_than_products_still_runs() -> None:
    text = SMALL.replace("count = 12", "count = 2").replace("shards = 2", "shards = 5")
    _, history = simulate(worlds_of(text), 3)
    assert sum(len(facts.orders.ts) for tick in history for facts in tick) > 60


def test_ids_are_unique_ascending_and_exact() -> None:
    ids = np.concatenate([fact_ids(shard, tick, 3) for tick in (0, 1, 2**24 - 1) for shard in (0, 1, 255)])
    assert len(set(ids.tolist())) == len(ids)
    assert (np.diff(ids) > 0).all()
    assert 0 <= ids.min() <= ids.max() <= MAX_EXACT_ID


@pytest.mark.parametrize(("shard", "tick", "count"), [(256, 0, 1), (0, 2**24, 1), (0, 0, 2**20 + 1), (-1, 0, 1)])
def test_ids_that_would_collide_are_an_error(shard: int, tick: int, count: int) -> None:
    with pytest.raises(FlashsaleError, match="no ids for"):
        fact_ids(shard, tick, count)


def test_state_of_another_scenario_is_refused_in_one_line(small: list[World]) -> None:
    state = opening_state(worlds_of(SMALL.replace("count = 12", "count = 20"))[0])
    with pytest.raises(FlashsaleError, match="open a new sale"):
        from_bytes(to_bytes(state), small[0])
