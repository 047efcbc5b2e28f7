"""The simulation as a whole: a tick is a function of its past, facts have their form, demand has the planned rate."""

from datetime import timedelta

import numpy as np
import pytest

from flashsale.errors import FlashsaleError
from flashsale.schema import INVENTORY, MAX_EXACT_ID, ORDERS
from flashsale.violations import violation
from generator.facts import inventory_documents, order_documents, tick_time_ms
from generator.ids import fact_ids
from generator.world import World
from tests.support.sale_texts import with_values, without_campaigns
from tests.support.scenarios import SMALL
from tests.support.simulated import START_MS, Run, simulate, worlds_of
from tests.support.stock_ledger import StockLedger

CERTAIN = "\n[uncertainty]\nsigma = 0.0\nshift_minutes = 0.0\n"


@pytest.fixture(scope="module")
def small() -> list[World]:
    return worlds_of(SMALL)


@pytest.fixture(scope="module")
def whole(small: list[World]) -> Run:
    return simulate(small, 600)


def test_stock_is_conserved_and_never_oversold(small: list[World], whole: Run) -> None:
    for shard, world in enumerate(small):
        books = StockLedger(world, oversold=False)
        for facts in whole.history:
            books.take(facts[shard])
            inventory = facts[shard].inventory
            assert (inventory.reserved >= 0).all()
            assert (inventory.on_hand >= inventory.reserved).all(), "oversold"
        assert books.violations(whole.states[shard]) == []
        assert books.shipped.sum() > 0
        assert books.received.sum() > 0


def test_some_keys_sell_out_and_units_are_lost_only_there(small: list[World], whole: Run) -> None:
    lost = [facts.truth.lost.total() for tick in whole.history for facts in tick]
    assert sum(lost) > 0
    assert sum(lost[:10]) == 0
    for shard in range(len(small)):
        states = simulate(small, 0).states
        available = (states[shard].on_hand - states[shard].reserved).ravel().copy()
        for facts in (tick[shard] for tick in whole.history):
            events = facts.inventory
            row = np.searchsorted(small[shard].product_id, events.product_id)
            available[row * 2 + events.warehouse_id - 1] = events.on_hand - events.reserved
            assert (available[facts.truth.lost.key] == 0).all()


def test_stockout_times_are_those_at_which_the_stock_reaches_zero_and_comes_back(
    small: list[World], whole: Run
) -> None:
    sold_out = 0
    for shard, world in enumerate(small):
        available = world.opening.ravel().copy()
        assert (
            sorted(whole.history[0][shard].truth.emptied.key)
            == np.flatnonzero(world.stocked.ravel() & (available == 0)).tolist()
        )
        for facts in (tick[shard] for tick in whole.history[1:]):
            events = facts.inventory
            key = np.searchsorted(world.product_id, events.product_id) * 2 + events.warehouse_id - 1
            after = events.on_hand - events.reserved
            emptied, filled = (available[key] > 0) & (after == 0), (available[key] == 0) & (after > 0)
            for moments, found in ((facts.truth.emptied, emptied), (facts.truth.filled, filled)):
                assert moments.key.tolist() == key[found].tolist()
                assert moments.ts.tolist() == events.ts[found].tolist()
            available[key] = after
            sold_out += int(emptied.sum())
    assert sold_out > 5


def test_another_seed_gives_another_sale() -> None:
    one, other = simulate(worlds_of(SMALL, 7), 5).history, simulate(worlds_of(SMALL, 8), 5).history
    assert any(len(a[0].orders.ts) != len(b[0].orders.ts) for a, b in zip(one, other, strict=True))


def test_orders_wanted_have_the_planned_rate() -> None:
    """Five sigma around 40/s × 300 s × the plan of a flat sale, with stock for everybody."""
    text = without_campaigns(with_values(SMALL, cover_median_minutes=9_000.0, capacity_units_per_minute=50_000))
    run = simulate(worlds_of(text + CERTAIN), 301)
    per_tick = np.array([sum(len(facts.orders.ts) for facts in tick) for tick in run.history])
    assert per_tick[0] == 0, "the first second tells the opening stock, whole"
    assert abs(per_tick.sum() - 12_000) < 5 * 12_000**0.5
    assert per_tick[1:].var() / per_tick[1:].mean() == pytest.approx(1, abs=0.42)


def test_the_silent_first_second_is_no_lull(small: list[World]) -> None:
    after = simulate(small, 2).states[0].excitement
    assert np.array_equal(after, np.tile(small[0].effects(0).rate, (2, 1)))


def test_congestion_sheds_demand() -> None:
    """Orders wanted of the last minute, in the same sale with enough capacity and with too little."""
    text = with_values(SMALL, cover_median_minutes=90.0, heartbeat_seconds="60\nimpatience_per_hour = 10.0")
    idle, busy = (
        simulate(worlds_of(with_values(text, capacity_units_per_minute=capacity)), 300).totals[-60:]
        for capacity in (10_000, 300)
    )
    usual, fewer = (sum(int(totals.arrivals.sum()) for totals in known) for known in (idle, busy))
    assert fewer < 0.7 * usual


def test_every_product_belongs_to_one_shard(small: list[World]) -> None:
    ids = np.concatenate([world.product_id for world in small])
    assert sorted(ids.tolist()) == list(range(1, 13))
    assert all((world.product_id % 2 == world.shard).all() for world in small)


def test_documents_have_the_stored_form(whole: Run) -> None:
    for tick in (0, 100, 599):
        for facts in whole.history[tick]:
            arrived = tick_time_ms(START_MS, tick)
            for document in order_documents(facts.orders, arrived):
                assert violation(ORDERS, document) is None
                assert timedelta(0) <= document["arrived_at"] - document["order_ts"] < timedelta(seconds=1)
            for document in inventory_documents(facts.inventory, arrived):
                assert violation(INVENTORY, document) is None


def test_facts_lie_in_their_tick_and_orders_ascend_in_time_and_id(whole: Run) -> None:
    for tick, shards in enumerate(whole.history):
        for facts in shards:
            for ts in (facts.orders.ts, facts.inventory.ts):
                assert ((ts >= START_MS + tick * 1000) & (ts < START_MS + (tick + 1) * 1000)).all()
            assert (np.diff(facts.orders.ts) >= 0).all()
            assert (np.diff(facts.orders.order_id) == 1).all()
            assert (np.diff(facts.inventory.event_id) == 1).all()


def test_inventory_speaks_on_change_once_per_key_and_at_least_every_heartbeat(small: list[World], whole: Run) -> None:
    for shard, world in enumerate(small):
        stocked = {(int(world.product_id[p]), int(w) + 1) for p, w in zip(*np.nonzero(world.stocked), strict=True)}
        last_seen = dict.fromkeys(stocked, -1)
        stocks: dict[tuple[int, int], tuple[int, int]] = {}
        for tick, facts in enumerate(whole.history):
            events = facts[shard].inventory
            keys = list(zip(events.product_id.tolist(), events.warehouse_id.tolist(), strict=True))
            assert len(keys) == len(set(keys))
            assert set(keys) <= stocked
            if tick == 0:
                assert set(keys) == stocked
            orders = facts[shard].orders
            assert set(zip(orders.product_id.tolist(), orders.warehouse_id.tolist(), strict=True)) <= set(keys)
            told = zip(events.on_hand.tolist(), events.reserved.tolist(), strict=True)
            for key, stock in zip(keys, told, strict=True):
                assert tick - last_seen[key] <= 61
                row, warehouse = int(np.searchsorted(world.product_id, key[0])), key[1] - 1
                heartbeat = tick == 0 or (row * 2 + warehouse + tick) % 60 == 0
                assert heartbeat or stock != stocks.get(key), "nothing changed"
                last_seen[key], stocks[key] = tick, stock
        assert all(600 - seen <= 61 for seen in last_seen.values())


def test_congestion_lengthens_the_delay() -> None:
    text = with_values(SMALL, cover_median_minutes=90.0).replace("= 800", "= 100").replace("= 1_200", "= 12_000")
    run = simulate(worlds_of(text), 300)
    delay = {
        w: max(
            float(f.inventory.delay[f.inventory.warehouse_id == w].max(initial=0)) for t in run.history[-60:] for f in t
        )
        for w in (1, 2)
    }
    assert delay[1] > 10
    assert delay[2] == 0.5
    # Little's law: the backlog is what the warehouse ships in the time an order waits.
    backlog = sum(int(state.reserved[:, 0].sum()) for state in run.states)
    assert delay[1] == pytest.approx(backlog / 100, rel=0.02)


def test_more_shards_than_products_still_runs() -> None:
    run = simulate(worlds_of(with_values(SMALL, count=2, shards=5)), 3)
    assert len(run.orders().ts) > 60


def test_ids_are_unique_ascending_and_exact() -> None:
    ids = np.concatenate([fact_ids(shard, tick, 3) for tick in (0, 1, 2**24 - 1) for shard in (0, 1, 255)])
    assert len(set(ids.tolist())) == len(ids)
    assert (np.diff(ids) > 0).all()
    assert 0 <= ids.min() <= ids.max() <= MAX_EXACT_ID


@pytest.mark.parametrize(("shard", "tick", "count"), [(256, 0, 1), (0, 2**24, 1), (0, 0, 2**20 + 1), (-1, 0, 1)])
def test_ids_that_would_collide_are_an_error(shard: int, tick: int, count: int) -> None:
    with pytest.raises(FlashsaleError, match="no ids for"):
        fact_ids(shard, tick, count)
