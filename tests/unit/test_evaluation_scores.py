"""Scores against cases worked out by hand, and against laws they must obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st

from evaluation.bootstrap import interval
from evaluation.isotonic import fitted_map, interval_levels
from evaluation.scores import Tally, calibration_slope, covered_share, log_loss, ratio, reliability, squared_error

H, BINS = 3, 20


def _tally(rows: float = 1.0, forecast: float = 0.0, velocity: float = 0.0) -> Tally:
    def each(value: float) -> np.ndarray:
        return np.full(H, value)

    return Tally(
        rows=each(rows),
        happened=each(0.0),
        forecast=each(forecast),
        velocity=each(velocity),
        plan_aware=each(0.0),
        climatology=each(0.0),
        log_loss=each(0.0),
        bins=np.zeros((H, BINS, 3)),
        covered=np.array([4.0, 3.0]),
        inside=np.zeros(2),
        stockouts=np.zeros(4),
        warnings=np.zeros(4),
        lost=np.array([9.0, 10.0]),
    )


def test_lost_units_are_told_as_a_ratio_of_sums() -> None:
    assert Tally.total([_tally(), _tally()]).lost_ratio == pytest.approx(0.9)


def test_squared_error_and_log_loss_by_hand() -> None:
    happened = np.array([True, False, True])
    assert squared_error(np.array([0.8, 0.1, 0.5]), happened) == pytest.approx(0.04 + 0.01 + 0.25)
    assert squared_error(0.25, happened) == pytest.approx(2 * 0.5625 + 0.0625)
    assert log_loss(np.array([0.5, 0.5, 0.0]), happened) == pytest.approx(2 * np.log(2) - np.log(0.001))


def test_skill_is_one_less_the_ratio_of_summed_errors() -> None:
    """Sums are added before the ratio is taken: a mean of the sales' own skills would be 0.25."""
    total = Tally.total([_tally(10, forecast=5, velocity=10), _tally(10, forecast=2, velocity=2)])
    assert total.skill("velocity").tolist() == pytest.approx([1 - 7 / 12] * H)
    assert total.brier.tolist() == pytest.approx([7 / 20] * H)
    assert total.coverage == pytest.approx(0.75)
    assert np.isnan(total.warned)
    with pytest.raises(ValueError, match="no tally"):
        Tally.total([])


def test_reliability_counts_each_row_once_also_at_the_ends() -> None:
    bins = reliability(np.array([0.0, 0.049, 0.05, 1.0]), np.array([False, True, True, True]))
    assert bins[0].tolist() == pytest.approx([2, 0.049, 1])
    assert bins[1].tolist() == pytest.approx([1, 0.05, 1])
    assert bins[-1].tolist() == pytest.approx([1, 1.0, 1])
    assert bins.sum(axis=0).tolist() == pytest.approx([4, 1.099, 3])


@pytest.mark.parametrize("slope", [0.5, 1.0, 1.7])
def test_the_slope_of_log_odds_is_found_again(slope: float) -> None:
    stated = np.linspace(0.025, 0.975, BINS)
    chance = 1 / (1 + ((1 - stated) / stated) ** slope)
    bins = np.stack([np.full(BINS, 1e4), 1e4 * stated, 1e4 * chance], axis=1)
    assert calibration_slope(bins) == pytest.approx(slope, abs=0.01)
    assert np.isnan(calibration_slope(np.zeros((BINS, 3))))


def test_coverage_of_seen_and_censored_outcomes_by_hand() -> None:
    nan, inf = np.nan, np.inf
    # Inside; before; after; ends after the sale and holds all later; says "after the end" and is wrong.
    eta = np.array([[5, 5, 5, 5, nan], [0] * 5, [9, 9, 9, nan, nan]], dtype=np.float64)
    outcome = np.array([7.0, 4.0, 12.0, 29.0, 12.0])
    held = covered_share(eta, outcome, np.full(5, 30.0), np.full(5, 0.5), (0.1, 0.9))
    assert held.tolist() == [1, 0, 0, 1, 0]
    # Never empty: half the probability lies after the end, four fifths of that half in the interval.
    late = np.array([[5.0], [0.0], [nan]])
    assert covered_share(late, np.array([inf]), np.array([30.0]), np.array([0.5]), (0.1, 0.9)) == pytest.approx(0.8)
    # Levels of 0.3 and 0.6 stand for 10 and 90 %: 0.45 is as likely as not.
    assert covered_share(late, np.array([inf]), np.array([30.0]), np.array([0.45]), (0.3, 0.6)) == pytest.approx(0.8)
    assert covered_share(late, np.array([inf]), np.array([30.0]), np.array([0.0]), (0.1, 0.9)) == pytest.approx(0.8)
    assert covered_share(late, np.array([inf]), np.array([30.0]), np.array([0.95]), (0.1, 0.9)) == pytest.approx(0.0)


def test_a_calibrated_interval_covers_four_fifths_however_early_the_sale_ends() -> None:
    rng = np.random.default_rng(3)
    rate, count = rng.uniform(0.005, 0.2, 40_000), 40_000
    outcome, left = rng.exponential(1 / rate), 30.0
    eta = np.stack([-np.log(1 - level) / rate for level in (0.1, 0.5, 0.9)])
    eta[eta > left] = np.nan
    seen = np.where(outcome <= left, outcome, np.inf)
    share = covered_share(eta, seen, np.full(count, left), 1 - np.exp(-rate * left), (0.1, 0.9))
    assert share.mean() == pytest.approx(0.8, abs=0.01)


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 3.0))
@drawn(max_examples=20, deadline=None)
def test_a_fitted_map_does_not_fall_and_gives_back_what_happened(seed: int, distortion: float) -> None:
    rng = np.random.default_rng(seed)
    chance = rng.random(20_000)
    stated = 1 / (1 + ((1 - chance) / chance) ** distortion)
    happened = rng.random(len(chance)) < chance
    fitted = fitted_map(stated, happened, np.ones(len(chance)))
    assert len(fitted.stated) <= 40
    assert (np.diff(fitted.observed) >= 0).all()
    mapped = fitted(stated)
    assert mapped.mean() == pytest.approx(happened.mean(), abs=0.01)
    assert np.abs(mapped - chance).mean() < 0.03


def test_a_map_of_constant_statements_says_how_often_it_happened() -> None:
    fitted = fitted_map(np.full(100, 0.3), np.arange(100) < 70, np.ones(100))
    assert fitted(np.array([0.0, 0.3, 1.0])).tolist() == pytest.approx([0.7] * 3)


@pytest.mark.parametrize("ends", [0.4, 0.95, 1.0])
def test_levels_are_those_of_the_outcomes_also_when_most_are_cut_off(ends: float) -> None:
    """Levels u² instead of u: tails at 0.1 and 0.9 lie at 0.01 and 0.81; where nothing is seen so late, at the last."""
    rng = np.random.default_rng(5)
    true = rng.random(50_000) ** 2
    seen = true <= ends**2
    low, high = interval_levels(np.where(seen, true, ends**2), seen, np.ones(len(true)))
    assert low == pytest.approx(0.01, abs=0.003)
    assert high == pytest.approx(min(0.81, ends**2), abs=0.01)


def test_levels_do_not_mind_that_sales_end_at_any_time() -> None:
    rng = np.random.default_rng(6)
    true, ends = rng.random((2, 100_000))
    found = interval_levels(np.minimum(true, ends), true <= ends, np.ones(len(true)))
    assert found == pytest.approx((0.1, 0.9), abs=0.02)


def test_bootstrap_is_repeatable_and_resamples_seeds_not_rows() -> None:
    by_seed = {seed: [_tally(100, forecast=seed, velocity=10.0)] for seed in range(1, 6)}
    found = interval(by_seed, lambda tally: float(tally.skill("velocity")[0]))
    assert found == interval(dict(reversed(by_seed.items())), lambda tally: float(tally.skill("velocity")[0]))
    # Means of five draws from 1 … 5 have a standard error of √2 ÷ √5 = 0.632.
    assert found == pytest.approx((0.7 - 1.96 * 0.0632, 0.7 + 1.96 * 0.0632), abs=0.03)
    alone = interval({7: [_tally(100, forecast=2, velocity=10)]}, lambda tally: float(tally.skill("velocity")[0]))
    assert alone == pytest.approx((0.8, 0.8))


def test_a_ratio_over_nothing_is_unknown() -> None:
    assert np.isnan(ratio(np.array([1.0]), np.array([0.0]))).all()
