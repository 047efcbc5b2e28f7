"""Actual demand strays from the plan as stated, and is the same for every shard.

Seeds are fixed; tests with a p-value have a false-alarm rate of `ALPHA` (0.001).
"""

import numpy as np
import pytest
from scipy import stats

from flashsale.scenario_trouble import Uncertainty
from generator.intensity import HiddenDemand, log_normal_ar1
from generator.randomness import tick_rng
from tests.support.laws import ALPHA, log_normal, smallest
from tests.support.sale_texts import SALES, with_values, without_campaigns
from tests.support.scenarios import SMALL
from tests.support.simulated import worlds_of

SIGMA, HALF_LIFE = 0.3, 10.0
SERIES, MINUTES = 6_000, 60


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return log_normal_ar1(tick_rng(5, 0, 0), SERIES, MINUTES, SIGMA, HALF_LIFE)


def test_factors_have_mean_one_and_the_stated_spread_in_every_minute(factors: np.ndarray) -> None:
    """First, middle and last minute; false-alarm rate 0.001 for all three."""
    assert smallest(log_normal(factors[:, minute], SIGMA) for minute in (0, 30, 59)) > ALPHA


def test_the_checker_of_factors_rejects_a_biased_mean_and_a_start_from_the_plan(factors: np.ndarray) -> None:
    assert log_normal(factors[:, 30] * np.exp(SIGMA**2 / 2), SIGMA) < ALPHA
    begun = factors / factors[:, :1]
    assert log_normal(begun[:, 10], SIGMA) < ALPHA


@pytest.mark.parametrize("lag", [1, 10, 30])
def test_half_of_a_deviation_is_left_after_the_half_life(factors: np.ndarray, lag: int) -> None:
    """Correlation of the logarithms `lag` minutes apart is 2^(-lag / half-life): Fisher's z, false-alarm rate 0.001
    for each lag.  Half and twice the half-life are rejected."""
    logs = np.log(factors)
    seen = np.arctanh(np.corrcoef(logs[:, 5], logs[:, 5 + lag])[0, 1]) * np.sqrt(SERIES - 3)

    def p_value(half_life: float) -> float:
        return float(2 * stats.norm.sf(abs(seen - np.arctanh(2 ** (-lag / half_life)) * np.sqrt(SERIES - 3))))

    assert p_value(HALF_LIFE) > ALPHA
    assert p_value(HALF_LIFE / 2) < ALPHA
    assert p_value(HALF_LIFE * 2) < ALPHA


def hidden(seed: int = 3, minutes: int = 60, **rules: float) -> HiddenDemand:
    return HiddenDemand(Uncertainty(**rules), seed, np.array([0, 1, 1, 2]), 3, minutes)


def test_without_uncertainty_demand_is_the_plan() -> None:
    plan = np.array([1.0, 2.0, 3.0, 4.0])
    one = hidden(sigma=0.0, shift_minutes=0.0)
    for minute in (0, 17, 59):
        assert one.actual(minute, lambda m: plan * (m + 1)).tolist() == (plan * (minute + 1)).tolist()


def test_demand_comes_before_or_after_the_plan_by_the_category_and_stays_within_the_sale() -> None:
    one = hidden(sigma=0.0, shift_minutes=4.0)
    shift = one.shift[[0, 1, 1, 2]]
    assert len(set(shift.tolist())) == 3
    assert one.actual(30, lambda m: np.full(4, float(m))) == pytest.approx(30 - shift)
    assert one.actual(0, lambda m: np.full(4, float(m))) == pytest.approx(np.maximum(-shift, 0))
    assert one.actual(59, lambda m: np.full(4, float(m))) == pytest.approx(np.minimum(59 - shift, 59))


def test_the_shift_has_the_stated_spread() -> None:
    """1 000 sales of three categories: mean and spread, false-alarm rate 0.001 for both."""
    shifts = np.concatenate([hidden(seed, minutes=1, shift_minutes=4.0).shift for seed in range(1_000)]) / 4
    squares = float((shifts**2).sum())
    spread = 2 * min(stats.chi2.cdf(squares, 3_000), stats.chi2.sf(squares, 3_000))
    assert smallest([2 * stats.norm.sf(abs(shifts.mean()) * np.sqrt(3_000)), spread]) > ALPHA


def test_products_of_a_category_stray_together_and_those_of_another_on_their_own() -> None:
    one = hidden(shift_minutes=0.0)
    strayed = np.array([one.actual(minute, lambda _: np.ones(4)) for minute in range(60)])
    assert np.array_equal(strayed[:, 1], strayed[:, 2])
    assert not np.isclose(strayed[:, 0], strayed[:, 1]).any()
    assert strayed[:, 3].std() > 0.05


def test_every_shard_meets_the_same_deviation_and_another_seed_another_one() -> None:
    one, other = worlds_of(SMALL)
    assert np.array_equal(one.hidden.factor, other.hidden.factor)
    assert np.array_equal(one.hidden.shift, other.hidden.shift)
    assert np.array_equal(one.effects(240).rate, other.effects(240).rate)
    assert not np.isclose(worlds_of(SMALL, 8)[0].hidden.factor, one.hidden.factor).any()


def test_only_the_flat_sale_goes_by_the_plan() -> None:
    for path in sorted(SALES.glob("*.toml")):
        world = worlds_of(path.read_text())[0]
        strays = bool((world.hidden.factor != 1).any()) or bool(world.hidden.shift.any())
        assert strays == (path.stem != "flat"), path.stem


CERTAINTY = "\n[uncertainty]\nsigma = 0.0\nshift_minutes = 0.0\n"
CERTAIN = SMALL + CERTAINTY


def test_the_rate_of_the_whole_sale_is_base_times_plan_times_discount_multiplier() -> None:
    base = worlds_of(without_campaigns(CERTAIN) + CERTAINTY)[0]
    assert base.effects(0).rate.sum() == pytest.approx(40.0)
    world = worlds_of(CERTAIN)[0]
    by_category = base.effects(0).rate
    assert world.effects(0).rate == pytest.approx(by_category * 0.8**-1.5), "20 % off"
    assert world.effects(60).rate == pytest.approx(by_category * 1.1 * 0.8**-1.5), "a fifth of the way to 1500 permille"
    assert world.effects(9 * 60).rate == pytest.approx(by_category * 1.5 * 0.8**-1.5), "the plan's last point holds on"
    dearer = with_values(CERTAIN, discount_elasticity=0.0)
    assert worlds_of(dearer)[0].effects(0).rate == pytest.approx(by_category)


def test_a_campaign_lifts_its_own_category_on_top_and_its_larger_discount_counts() -> None:
    world = worlds_of(CERTAIN)[0]
    audio, toys = worlds_of(without_campaigns(CERTAIN) + CERTAINTY)[0].effects(0).rate
    for minute, plan in ((2, 1.2), (5, 1.5)):
        expected = [audio * 2.0 * plan * 0.6**-1.5, toys * plan * 0.8**-1.5]
        assert world.effects(60 * minute).rate == pytest.approx(expected)
        assert world.effects(60 * minute + 59).rate == pytest.approx(expected)
    assert world.effects(6 * 60).rate == pytest.approx(np.array([audio, toys]) * 1.5 * 0.8**-1.5)


def test_appeal_adds_up_to_the_rate_over_the_shards() -> None:
    worlds = worlds_of(SMALL)
    appeal = sum(np.bincount(w.category, w.effects(180).appeal, w.categories) for w in worlds)
    assert 40.0 * appeal == pytest.approx(worlds[0].effects(180).rate)


def test_prices_fall_by_the_discount() -> None:
    full = worlds_of(without_campaigns(SMALL))[0].effects(0).price
    assert worlds_of(SMALL)[0].effects(0).price == pytest.approx(0.8 * full)
