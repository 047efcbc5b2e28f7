"""What is remembered of demand: rates under censoring, priors of what has not sold, what depends on what."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsale.calibration import Calibration
from flashsale.demand.state import DemandState, MinuteDemand, Places, expected_rates, posterior
from flashsale.outlook import Observed
from tests.support.forecast_demand import FloatArray, sell_minute
from tests.support.forecast_shop import observed

PLAIN = Calibration()


def sums(units: FloatArray, exposure: FloatArray, phi: float = 1.0) -> DemandState:
    """The state after one minute in which all quantities were `phi`."""
    minute = MinuteDemand(units, units * phi, units / phi, exposure)
    return DemandState.nothing(len(units)).after(minute, 0.93)


def sold_out_again_and_again(phi: float, stock: int) -> tuple[DemandState, DemandState, float]:
    """States with and without the in-stock time, and the true rate, of shelves filled at each minute's start."""
    rng, count, rate = np.random.default_rng(31), 1500, stock / 2.5
    left = np.full(count, stock)
    right, wrong = DemandState.nothing(count), DemandState.nothing(count)
    for _ in range(60):
        sold = sell_minute(rng, np.full(count, rate), np.full(count, phi), np.where(left == 0, stock, left))
        left, minute = sold.left, observed(sold).demand(np.ones(count))
        right = right.after(minute, 1.0)
        wrong = wrong.after(MinuteDemand(minute.units, minute.squares, minute.orders, np.ones(count)), 1.0)
    return right, wrong, rate


@pytest.mark.parametrize(("phi", "stock"), [(1.0, 3), (1.0, 10), (2.0, 20), (2.0, 60), (3.5, 60)])
def test_rate_is_unbiased_when_sold_out_time_is_left_out(phi: float, stock: int) -> None:
    right, wrong, rate = sold_out_again_and_again(phi, stock)
    assert right.units.sum() / right.exposure.sum() == pytest.approx(rate, rel=0.03)
    assert right.orders.sum() / right.exposure.sum() == pytest.approx(rate / ((phi + 1) / 2), rel=0.03)
    assert wrong.units.sum() / wrong.exposure.sum() < 0.9 * rate


@pytest.mark.parametrize(("phi", "stock"), [(2.0, 3), (2.0, 10), (3.5, 10)])
def test_units_cut_from_last_orders_are_missed_and_orders_are_not(phi: float, stock: int) -> None:
    """The order that empties a shelf would have taken (φ − 1) ÷ 2 more: so far units are short of demand."""
    right, _, rate = sold_out_again_and_again(phi, stock)
    part = stock / (stock + (phi - 1) / 2)
    assert right.units.sum() / right.exposure.sum() == pytest.approx(part * rate, rel=0.02)
    assert right.orders.sum() / right.exposure.sum() == pytest.approx(rate / ((phi + 1) / 2), rel=0.02)


def test_old_minutes_are_forgotten_and_sold_out_ones_are_none() -> None:
    rng, g = np.random.default_rng(32), 0.9
    minutes = [MinuteDemand(*(rng.uniform(0, 9, 4) * (rng.random(4) < 0.7) for _ in range(4))) for _ in range(12)]
    state = DemandState.nothing(4)
    for minute in minutes:
        state = state.after(minute, g)
    for name in ("units", "squares", "orders", "exposure"):
        by_hand = sum(g ** (11 - k) * getattr(minute, name) for k, minute in enumerate(minutes))
        assert getattr(state, name) == pytest.approx(by_hand)


def test_orders_prove_stock_and_unknown_counts_as_stock() -> None:
    """Clocks differ: an order can be booked in a minute that is sold out by the records."""
    zero, one = np.zeros(4, dtype=np.int64), np.array([1, 0, 1, 0])
    minute = Observed(one, one, one, np.array([0, 0, 30_000, -1]))
    assert minute.in_stock_share().tolist() == [1.0, 0.0, 0.5, 1.0]
    assert minute.demand(np.full(4, 2.0)).exposure.tolist() == [2.0, 0.0, 1.0, 2.0]
    assert Observed(zero, zero, zero, zero).in_stock_share().tolist() == [0.0] * 4


def test_a_minute_ago_keeps_the_size_of_orders() -> None:
    rng = np.random.default_rng(33)
    state = DemandState.nothing(50)
    for _ in range(2):
        state = state.after(
            observed(sell_minute(rng, np.full(50, 9.0), np.full(50, 3.0), np.full(50, 99))).demand(np.ones(50)), 0.93
        )
    ago = state.a_minute_ago()
    assert ago.units.tolist() == state.earlier_units.tolist()
    assert ago.squares.sum() / ago.units.sum() == pytest.approx(state.squares.sum() / state.units.sum(), rel=0.1)
    assert ago.orders.sum() / ago.units.sum() == pytest.approx(state.orders.sum() / state.units.sum(), rel=0.1)


def test_before_anything_sold_nothing_is_expected() -> None:
    places = Places(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0, 0, 1]))
    for exposure in (0.0, 5.0):
        demand = posterior(sums(np.zeros(3), np.full(3, exposure)), places, PLAIN)
        with np.errstate(all="raise"):
            assert demand.rate().tolist() == [0.0, 0.0, 0.0]
            assert demand.at_least(np.ones(3), np.full(3, 30.0), 30).tolist() == [0.0, 0.0, 0.0]
        assert demand.at_least(np.zeros(3), np.full(3, 30.0), 30).tolist() == [1.0, 1.0, 1.0]


def test_a_new_pair_has_the_rate_of_its_category_and_the_pull_of_its_warehouse() -> None:
    """Categories sell 6 and 2 per planned minute, warehouse 1 three times as much as warehouse 0."""
    products, warehouses = 40, 2
    product = np.repeat(np.arange(products), warehouses)
    warehouse = np.tile(np.arange(warehouses), products)
    category = (product >= products // 2).astype(np.int64)
    base = np.where(category == 0, 6.0, 2.0) * np.where(warehouse == 0, 0.5, 1.5)
    exposure = np.full(len(product), 200.0)
    units = base * exposure
    new = (product == 0) | (product == products - 1)
    units[new], exposure[new] = 0.0, 0.0
    places = Places(product, warehouse, category)
    assert expected_rates(sums(units, exposure), places, 5.0)[new] == pytest.approx(base[new], rel=0.02)
    assert posterior(sums(units, exposure), places, PLAIN).rate()[new] == pytest.approx(base[new], rel=0.02)


def test_a_warehouse_that_has_not_sold_yet_is_not_certain_to_sell_nothing() -> None:
    places = Places(np.array([0, 0]), np.array([0, 1]), np.array([0, 0]))
    rates = [
        expected_rates(sums(np.array([20.0, 0.0]), np.array([1.0, seen])), places, 5.0)[1] for seen in (0.0, 0.01, 3.0)
    ]
    assert rates[0] > 0
    assert rates[1] == pytest.approx(rates[0], rel=0.1)
    assert 0 < rates[2] < rates[1]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_the_order_of_pairs_does_not_matter(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    state = sums(rng.integers(0, 50, count).astype(float), rng.uniform(0, 9, count), 2.0)
    product = rng.integers(0, count, count)
    places = Places(product, rng.integers(0, 4, count), (product % 3).astype(np.int64))
    one = posterior(state, places, PLAIN)
    shuffled = rng.permutation(count)
    moved = Places(places.product[shuffled], places.warehouse[shuffled], places.category[shuffled])
    other = posterior(state.take(shuffled), moved, PLAIN)
    for field in fields(one)[:-1]:
        assert getattr(other, field.name) == pytest.approx(getattr(one, field.name)[shuffled], rel=1e-9)


def test_a_pair_feels_its_product_most_and_strangers_only_as_part_of_the_whole() -> None:
    """With one warehouse: siblings of another category reach a pair by the sale's average alone, with weight 1."""
    places = Places(np.array([0, 1, 2]), np.array([0, 0, 0]), np.array([0, 0, 1]))
    exposure = np.array([50.0, 50.0, 50.0])

    def rate(units: Sequence[float]) -> float:
        return float(posterior(sums(np.array(units), exposure), places, PLAIN).rate()[0])

    base = rate([50.0, 50.0, 50.0])
    own, sibling, stranger = (abs(rate(units) - base) for units in ([75, 50, 50], [50, 75, 50], [50, 50, 75]))
    assert own > 5 * sibling > 0
    assert sibling > stranger


@settings(deadline=None)
@given(st.floats(0, 1e7), st.floats(0, 1e4), st.floats(1, 50))
def test_any_sums_give_a_usable_posterior(units: float, exposure: float, phi: float) -> None:
    places = Places(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0, 0, 0]))
    state = sums(np.array([units, 0.0, 3.0]), np.array([exposure, 0.0, 1e-9]), phi)
    with np.errstate(all="raise", under="ignore"):
        demand = posterior(state, places, PLAIN)
        chance = demand.at_least(np.array([1.0, 5.0, 1e6]), np.full(3, 30.0), 30)
    assert ((chance >= 0) & (chance <= 1)).all()
    assert np.isfinite(demand.rate()).all()
    assert (demand.phi >= 1).all()
    assert (demand.order_units >= 1).all()
