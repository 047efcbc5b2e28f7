"""Each piece of demand follows its law.  Seeds are fixed; tolerances are about five standard errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale.market import mean_quantity, quantity_probabilities
from flashsale.scenario import parse_scenario
from generator import demand
from generator.randomness import tick_rng
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


def test_choice_follows_the_weights() -> None:
    weights = np.array([5.0, 0.0, 3.0, 2.0])
    chosen = np.bincount(demand.choose(rng(), weights, 100_000), minlength=4)
    assert chosen[1] == 0
    assert chosen / 100_000 == pytest.approx(weights / 10, abs=0.008)


def test_choice_in_rows_follows_each_row() -> None:
    weights = np.repeat([[1.0, 3.0, 0.0], [0.0, 0.0, 2.0]], 50_000, axis=0)
    chosen = demand.choose_in_rows(rng(), weights)
    assert (chosen[:50_000] == 1).mean() == pytest.approx(0.75, abs=0.01)
    assert (chosen[50_000:] == 2).all()


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
    multiplier = demand.scarcity_multiplier(np.array([0, 1, 20, 10_000]), 0.5, 20.0)
    assert multiplier == pytest.approx([1.0, 1 + 0.5 * np.exp(-0.05), 1 + 0.5 * np.exp(-1), 1.0])


def test_discount_multiplier_has_constant_elasticity() -> None:
    assert demand.discount_multiplier(np.array([0.0, 0.5]), 2.0) == pytest.approx([1.0, 4.0])


@pytest.mark.parametrize(
    ("available", "sold_out", "expected"), [((5, 5), 0.3, 0.75), ((0, 5), 0.5, 0.6), ((0, 0), 0.0, 0.75)]
)
def test_routing_prefers_the_near_and_forgets_the_sold_out(
    available: tuple[int, int], sold_out: float, expected: float
) -> None:
    n = 50_000
    chosen = demand.route(
        rng(),
        np.tile([3.0, 1.0], (n, 1)),
        np.ones((n, 2), dtype=bool),
        np.tile(np.array(available), (n, 1)),
        sold_out,
    )
    assert (chosen == 0).mean() == pytest.approx(expected, abs=0.012)


def test_routing_never_leads_where_the_product_was_never_stocked() -> None:
    chosen = demand.route(
        rng(), np.tile([9.0, 1.0], (1_000, 1)), np.tile([False, True], (1_000, 1)), np.zeros((1_000, 2), np.int64), 0.0
    )
    assert (chosen == 1).all()


@given(st.integers(0, 2**31 - 1), st.integers(0, 63), st.integers(0, 10_000))
def test_a_tick_draws_the_same_numbers_again_and_its_neighbours_others(seed: int, shard: int, tick: int) -> None:
    first = tick_rng(seed, shard, tick).random(4)
    assert (tick_rng(seed, shard, tick).random(4) == first).all()
    assert (tick_rng(seed, shard, tick + 1).random(4) != first).any()
    assert (tick_rng(seed, shard + 1, tick).random(4) != first).any()
