"""What, where from, from whom and how many: every choice has the stated probabilities, and they do not lean on
each other.  Seeds are fixed; each test that a right model passes has a false-alarm rate of `ALPHA` (0.001)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from flashsale.market import draw_market, quantity_probabilities
from generator.facts import OrderColumns
from generator.world import World
from tests.support.laws import ALPHA, chosen_with, smallest
from tests.support.sale_texts import EXCITED, FULL_SHELVES, with_values
from tests.support.samplers import CHOICES, Wrong
from tests.support.simulated import START_MS, simulate, worlds_of
from tests.support.true_rates import patience

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Groups = Iterator[tuple[IntArray, FloatArray]]

CONGESTED = with_values(
    FULL_SHELVES, capacity_units_per_minute=4_000, heartbeat_seconds="60\nimpatience_per_hour = 8.0"
)
"""One of the two warehouses chokes."""
TICKS = 420


def minutes_of(orders: OrderColumns) -> IntArray:
    """The minute of the sale of each order."""
    return np.asarray((orders.ts - START_MS) // 60_000)


def products(orders: OrderColumns, worlds: list[World]) -> Groups:
    """By minute: popularity × actual intensity × discount multiplier, as the market and the plan have it."""
    scenario = worlds[0].scenario
    popularity = draw_market(scenario, worlds[0].seed).products.popularity
    minute = minutes_of(orders)
    for m in np.unique(minute).tolist():
        price = np.empty(len(popularity))
        for world in worlds:
            price[world.product_id - 1] = world.effects(60 * m).price
        base = draw_market(scenario, worlds[0].seed).products.base_price
        weight = popularity * worlds[0].hidden.actual(m, worlds[0].planned)
        weight *= (price / base) ** -scenario.demand.discount_elasticity
        chosen = orders.product_id[minute == m]
        yield np.bincount(chosen - 1, minlength=len(weight)), weight / weight.sum()


def cities(orders: OrderColumns, worlds: list[World]) -> Groups:
    """By size, while no warehouse is congested."""
    weight = worlds[0].city_weight
    yield np.bincount(orders.city_id - 1, minlength=len(weight)), weight


def warehouses(orders: OrderColumns, worlds: list[World]) -> Groups:
    """By product and city: ∝ gravity where the product is carried, while no warehouse is congested."""
    gravity = worlds[0].gravity
    for world in worlds:
        for row, product in enumerate(world.product_id.tolist()):
            for city in range(len(gravity)):
                chosen = orders.warehouse_id[(orders.product_id == product) & (orders.city_id == city + 1)]
                weight = gravity[city] * world.stocked[row]
                if len(chosen):
                    yield np.bincount(chosen - 1, minlength=len(weight)), weight / weight.sum()


def sellers(orders: OrderColumns, worlds: list[World]) -> Groups:
    """By product: one share for the first of its sellers, a half for the second, and so on."""
    for world in worlds:
        for row, product in enumerate(world.product_id.tolist()):
            shares = np.diff(world.seller_cumulative[:, row], prepend=0)
            count = int((shares > 1e-12).sum())
            rank = 1 / np.arange(1, count + 1)
            expected = np.bincount(world.sellers[row, :count], rank / rank.sum(), world.scenario.products.sellers + 1)
            sold = np.bincount(orders.seller_id[orders.product_id == product], minlength=len(expected))
            yield sold, expected.astype(np.float64)


def quantities(orders: OrderColumns, worlds: list[World]) -> Groups:
    """Truncated geometric."""
    expected = quantity_probabilities(worlds[0].scenario.demand)
    yield np.bincount(orders.qty - 1, minlength=len(expected)), expected


LAWS: dict[str, Callable[[OrderColumns, list[World]], Groups]] = {
    "product": products,
    "city": cities,
    "warehouse": warehouses,
    "seller": sellers,
    "quantity": quantities,
}


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return worlds_of(FULL_SHELVES)


@pytest.fixture(scope="module")
def orders(worlds: list[World]) -> OrderColumns:
    return simulate(worlds, TICKS).orders()


@pytest.mark.parametrize("choice", LAWS)
def test_choices_have_the_stated_probabilities(choice: str, orders: OrderColumns, worlds: list[World]) -> None:
    """Pearson's chi-square; false-alarm rate 0.001 for each kind of choice."""
    assert chosen_with(LAWS[choice](orders, worlds)) > ALPHA


@pytest.mark.parametrize(
    ("choice", "wrong"), [(choice, wrong) for choice, several in CHOICES.items() for wrong in several], ids=str
)
def test_chi_square_rejects(choice: str, wrong: Wrong, worlds: list[World], monkeypatch: pytest.MonkeyPatch) -> None:
    wrong.put_in(monkeypatch)
    drawn = simulate(worlds_of(FULL_SHELVES), 180).orders()
    monkeypatch.undo()
    assert chosen_with(LAWS[choice](drawn, worlds)) < ALPHA


def test_choices_do_not_lean_on_each_other(orders: OrderColumns) -> None:
    """Contingency of quantity with city, warehouse and product, of the city with the product, and of the tenth
    of the second with everything; false-alarm rate 0.001 for all eight."""
    tenth = orders.ts % 1000 // 100
    pairs = [
        (orders.qty, orders.city_id),
        (orders.qty, orders.warehouse_id),
        (orders.qty, orders.product_id),
        (orders.city_id, orders.product_id),
        *((tenth, one) for one in (orders.product_id, orders.city_id, orders.warehouse_id, orders.qty)),
    ]
    p_values = []
    for one, other in pairs:
        table = np.zeros((one.max() + 1, other.max() + 1), dtype=np.int64)
        np.add.at(table, (one, other), 1)
        table = table[table.any(axis=1)][:, table.any(axis=0)]
        p_values.append(stats.chi2_contingency(table).pvalue)
    assert smallest(p_values) > ALPHA


def test_what_excites_is_chosen_more() -> None:
    """Chi-square of categories while one of two has been wanted three times as often as expected, with a long memory:
    ∝ rate × excitement; false-alarm rate 0.001.  Rates without the excitement are rejected."""
    worlds = worlds_of(with_values(EXCITED, memory_seconds=3600.0, impatience_per_hour=0.0))
    states = simulate(worlds, 1).states
    expected = worlds[0].effects(0).rate
    excited = [replace(state, excitement=np.array([[1.0, 3.0], [1.0, 1.0]]) * expected) for state in states]
    run = simulate(worlds, 59, excited)
    category = np.empty(13, dtype=np.int64)
    for shard in worlds:
        category[shard.product_id] = shard.category
    counts = np.bincount(category[run.orders().product_id], minlength=2)
    for lift, holds in ((np.array([1.0, 1 + 0.6 * 2]), True), (np.ones(2), False)):
        weight = lift * expected
        assert (chosen_with([(counts, weight / weight.sum())]) > ALPHA) == holds


def _stretches(counts: IntArray, weights: FloatArray) -> Groups:
    """Ten ticks at a time, from the second on: (choices, mean probabilities) of (T, K) choices and weights."""
    for begin in range(1, len(counts) - 9, 10):
        own = slice(begin, begin + 10)
        expected = counts[own].sum(axis=1) @ (weights[own] / weights[own].sum(axis=1, keepdims=True))
        yield counts[own].sum(axis=0), expected / expected.sum()


def test_the_congested_warehouse_is_chosen_less_as_its_customers_lose_patience() -> None:
    """Chi-square of warehouses by city in stretches of ten seconds, ∝ gravity × patience at each tick, for
    products that both carry; false-alarm rate 0.001.  Gravity alone is rejected."""
    worlds = worlds_of(CONGESTED)
    run = simulate(worlds, TICKS)
    both = np.concatenate([shard.product_id[shard.stocked.all(axis=1)] for shard in worlds])
    counts = np.zeros((TICKS, *worlds[0].gravity.shape), dtype=np.int64)
    for orders in (facts.orders for tick in run.history for facts in tick):
        of_both = np.isin(orders.product_id, both)
        tick = (orders.ts[of_both] - START_MS) // 1000
        np.add.at(counts, (tick, orders.city_id[of_both] - 1, orders.warehouse_id[of_both] - 1), 1)
    pull = worlds[0].gravity * patience(run, worlds[0])[:, None, :]
    alone = np.broadcast_to(worlds[0].gravity, pull.shape)
    for weights, holds in ((pull, True), (alone, False)):
        by_city = (group for city in range(3) for group in _stretches(counts[:, city], weights[:, city]))
        assert (chosen_with(by_city) > ALPHA) == holds
