"""Each piece of demand follows its formula.  Seeds are fixed; tolerances are about five standard errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale.market import mean_quantity, quantity_probabilities
from flashsale.scenario import parse_scenario
from generator import demand
from generator.randomness import FAULTS, tick_rng
from tests.support.scenarios import SMALL

RULES = parse_scenario(SMALL, "x").demand


def rng() -> np.random.Generator:
    return tick_rng(1, 0, 0)


def test_arrivals_are_poisson_with_the_rate_of_each_city() -> None:
    weight = np.array([0.5, 0.3, 0.2])
    generator = rng()
    counts = np.array([demand.arrivals(generator, 40.0, weight) for _ in range(20_000)])
    assert counts.mean(axis=0) == pytest.approx(40 * weight, rel=0.01)
    assert counts.var(axis=0) == pytest.approx(40 * weight, rel=0.05)
    assert abs(np.corrcoef(counts.T)[0, 1]) < 0.04


def test_choice_follows_the_weights_and_not_the_order_of_time() -> None:
    weights = np.array([5.0, 0.0, 3.0, 2.0])
    chosen = demand.choose(rng(), weights, 100_000)
    assert np.bincount(chosen, minlength=4)[1] == 0
    for part in (chosen, chosen[:50_000], chosen[50_000:], chosen[::2]):
        assert np.bincount(part, minlength=4) / len(part) == pytest.approx(weights / 10, abs=0.012)
    assert len(demand.choose(rng(), weights, 0)) == 0


def test_choice_in_columns_follows_each_column() -> None:
    cumulative = np.cumsum(np.repeat([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]], 50_000, axis=1), axis=0)
    chosen = demand.pick_in_columns(rng().random(100_000) * cumulative[-1], cumulative)
    assert (chosen[:50_000] == 1).mean() == pytest.approx(0.75, abs=0.01)
    assert (chosen[50_000:] == 2).all()


def test_the_row_picked_is_the_first_that_lies_above() -> None:
    cumulative = np.tile([[1.0], [1.0], [4.0]], (1, 5))
    assert demand.pick_in_columns(np.array([0.0, 0.999, 1.0, 3.9, 4.0]), cumulative).tolist() == [0, 0, 2, 2, 2]


def test_quantities_are_the_truncated_geometric() -> None:
    drawn = demand.quantities(rng(), quantity_probabilities(RULES), 100_000)
    assert (drawn.min(), drawn.max()) == (1, RULES.quantity_max)
    assert drawn.mean() == pytest.approx(mean_quantity(RULES), rel=0.01)
    assert (drawn == 2).sum() / (drawn == 1).sum() == pytest.approx(RULES.quantity_continue, rel=0.03)


def test_prices_scatter_without_bias_and_with_the_stated_spread() -> None:
    prices = demand.unit_prices(rng(), np.full(200_000, 5_000.0), np.full(200_000, 0.3))
    assert prices.mean() == pytest.approx(5_000, rel=0.004)
    assert np.log(prices).std() == pytest.approx(0.3, rel=0.01)


def test_scarcity_lifts_the_last_units_and_not_the_sold_out() -> None:
    multiplier = demand.scarcity_multiplier(np.array([-3, 0, 1, 20, 10_000]), 0.5, 20.0)
    assert multiplier == pytest.approx([1.0, 1.0, 1 + 0.5 * np.exp(-0.05), 1 + 0.5 * np.exp(-1), 1.0])


def test_discount_multiplier_has_constant_elasticity() -> None:
    assert demand.discount_multiplier(np.array([0.0, 0.5]), 2.0) == pytest.approx([1.0, 4.0])
    assert demand.discount_multiplier(np.array([0.0, 0.5]), 0.0) == pytest.approx([1.0, 1.0])


def test_congestion_sheds_the_customers_of_the_congested_warehouse() -> None:
    share = np.array([[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]])
    usual = demand.city_pressure(share, np.array([6.0, 2.0]), 6.0, 2.0)
    assert usual.tolist() == [1.0, 1.0, 1.0], "no better than usual at less than the usual delay"
    shed = demand.city_pressure(share, np.array([36.0, 6.0]), 6.0, 2.0)
    assert shed == pytest.approx([np.exp(-1), 0.25 * np.exp(-1) + 0.75, 1.0])
    assert demand.patience(np.array([36.0, 6.0]), 6.0, 0.0).tolist() == [1.0, 1.0]


def test_excitement_is_the_exponential_mean_of_what_was_wanted_and_expected() -> None:
    arrivals, expected = np.array([[7], [0], [3]]), np.array([[4.0], [5.0], [6.0]])
    smoothed = np.array([[2.0], [1.0]])
    for wanted, due in zip(arrivals, expected, strict=True):
        smoothed = demand.excitement(smoothed, wanted, due, 10.0)
    keep = np.exp(-0.1)
    weights = (1 - keep) * keep ** np.array([2, 1, 0])
    assert smoothed[0, 0] == pytest.approx(keep**3 * 2 + (weights * [7, 0, 3]).sum())
    assert smoothed[1, 0] == pytest.approx(keep**3 * 1 + (weights * [4, 5, 6]).sum())


def test_excitation_is_neutral_at_the_expected_rate_linear_and_bounded() -> None:
    smoothed = np.array([[10.0, 20.0, 0.0, 1e9, 0.0], [10.0, 10.0, 10.0, 10.0, 0.0]])
    multiplier = demand.excitation_multiplier(smoothed, 0.4)
    assert multiplier == pytest.approx([1.0, 1.4, 0.6, demand.MOST_EXCITEMENT, 1.0])
    assert demand.excitation_multiplier(smoothed[:, :3], 0.0).tolist() == [1.0, 1.0, 1.0]


def test_a_warehouse_draws_as_long_as_it_can_sell() -> None:
    stocked = np.array([[True, True, False]])
    draws = demand.warehouse_draws(stocked, np.array([[4, 0, 0]]), 0.3)
    assert draws == pytest.approx(np.array([[1.0, 0.3, 0.0]]))
    assert demand.warehouse_draws(stocked, np.array([[4, -2, 0]]), 0.3) == pytest.approx(draws)


@pytest.mark.parametrize(
    ("sellable", "sold_out", "expected"),
    [((5, 5), 0.3, 0.75), ((0, 5), 0.5, 0.6), ((0, 5), 0.0, 0.0), ((5, 0), 1.0, 0.75), ((0, 0), 0.0, 0.75)],
)
def test_routing_prefers_the_near_and_forgets_the_sold_out(
    sellable: tuple[int, int], sold_out: float, expected: float
) -> None:
    n = 50_000
    stocked = np.ones((n, 2), dtype=bool)
    draws = demand.warehouse_draws(stocked, np.tile(np.array(sellable), (n, 1)), sold_out)
    chosen = demand.route(rng(), np.tile([3.0, 1.0], (n, 1)), draws, stocked)
    assert (chosen == 0).mean() == pytest.approx(expected, abs=0.012)


def test_routing_of_one_order_does_not_lean_on_the_others() -> None:
    n = 40_000
    stocked = np.tile([[True, True, True], [True, False, True]], (n, 1))
    draws = np.tile([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], (n, 1))
    chosen = demand.route(rng(), np.tile([[2.0, 1.0, 1.0], [1.0, 5.0, 3.0]], (n, 1)), draws, stocked)
    assert np.bincount(chosen[::2]) / n == pytest.approx([0.5, 0.25, 0.25], abs=0.013)
    assert np.bincount(chosen[1::2]) / n == pytest.approx([0.25, 0.0, 0.75], abs=0.013)


def test_routing_never_leads_where_the_product_was_never_stocked() -> None:
    n = 1_000
    stocked = np.tile([False, True], (n, 1))
    chosen = demand.route(rng(), np.tile([9.0, 1.0], (n, 1)), np.zeros((n, 2)), stocked)
    assert (chosen == 1).all()


@given(st.integers(0, 2**31 - 1), st.integers(0, 63), st.integers(0, 10_000))
def test_a_tick_draws_the_same_numbers_again_and_its_neighbours_others(seed: int, shard: int, tick: int) -> None:
    first = tick_rng(seed, shard, tick).random(4)
    assert (tick_rng(seed, shard, tick).random(4) == first).all()
    assert (tick_rng(seed, shard, tick + 1).random(4) != first).any()
    assert (tick_rng(seed, shard + 1, tick).random(4) != first).any()
    assert (tick_rng(seed, shard, tick, FAULTS).random(4) != first).any()
