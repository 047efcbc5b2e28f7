"""Laws of the demand posterior: exact cases, intervals, widening, monotone chances, extremes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flashsale.demand.posterior import DemandPosterior, Drift
from tests.support.forecast_demand import FloatArray, wanted
from tests.support.forecast_shop import STEADY, known

RATES = st.floats(1e-4, 1e3)
PHIS = st.floats(1.0, 20.0)
COUNTS = st.floats(0.5, 1e4)
PLANNED = st.floats(1e-3, 1e3)


def column(value: float, count: int) -> FloatArray:
    return np.full(count, float(value))


def of_orders(
    shape: float, exposure: float, phi: float, order_exposure: float, drift: Drift = STEADY
) -> DemandPosterior:
    """One pair; one shape of both counts, geometric quantities."""
    one, order_units = np.ones(1), (phi + 1) / 2
    return DemandPosterior(
        shape * one, exposure * one, phi * one, shape * one, order_exposure * one, order_units * one, drift
    )


def test_nothing_left_is_sold_out_and_nothing_wanted_never_sells_out() -> None:
    demand = known([2.0, 2.0, 2.0])
    assert demand.at_least(np.array([0.0, -1.0, 0.0]), np.array([5.0, 5.0, 0.0]), 5).tolist() == [1.0, 1.0, 1.0]
    assert demand.at_least(np.array([1.0, 5.0, 1e6]), np.zeros(3), 5).tolist() == [0.0, 0.0, 0.0]
    assert demand.expected_short(np.array([0.0, 1.0, 9.0]), np.zeros(3), 5).tolist() == [0.0, 0.0, 0.0]


def test_a_rate_of_zero_wants_nothing() -> None:
    nobody = of_orders(2.0, np.inf, 1.0, np.inf, Drift(0.4))
    with np.errstate(all="raise"):
        assert nobody.rate().tolist() == [0.0]
        assert nobody.at_least(np.array([1.0]), np.array([30.0]), 30).tolist() == [0.0]
        assert nobody.expected_short(np.array([1.0]), np.array([30.0]), 30).tolist() == [0.0]
        assert nobody.quantile(np.array([0.9]), np.array([30.0]), 30).tolist() == [0.0]


@settings(deadline=None)
@given(RATES, COUNTS, st.integers(1, 200), PLANNED)
def test_single_units_are_negative_binomial(rate: float, counts: float, units: int, planned: float) -> None:
    """Against scipy's distribution, an independent implementation."""
    demand, exposure = known(rate, 1.0, counts), counts / rate
    law = stats.nbinom(counts, exposure / (exposure + planned))
    stated = demand.at_least(column(units, 1), column(planned, 1), 5)[0]
    assert stated == pytest.approx(law.sf(units - 1), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("phi", [2.0, 3.5])
@pytest.mark.parametrize("units", [1, 2, 3, 4, 5, 10, 60])
def test_geometric_orders_against_the_exact_compound_distribution(phi: float, units: int) -> None:
    """Σ over n of P(n orders) · P(n geometric quantities ≥ units): n successes need at most units − 1 trials."""
    mean = (phi + 1) / 2
    orders = np.arange(1, 800)
    fits = stats.binom.sf(orders - 1, units - 1, 1 / mean)
    for share_of_stock in (0.1, 0.3, 0.6, 1.0, 1.5, 2.5):
        rate = units * share_of_stock / 15
        # One Gamma for both counts, so that only the formula's own error is left.
        demand = of_orders(30.0, 30.0 * phi / rate, phi, 30.0 * mean / rate)
        law = stats.nbinom(30.0, 30.0 / (30.0 + rate * 15 / mean))
        exact = law.sf(0) - float((law.pmf(orders) * fits).sum())
        stated = demand.at_least(column(units, 1), column(15, 1), 15)[0]
        assert abs(stated - exact) < (1e-9 if units == 1 else 0.02 if units < phi else 0.045)


@settings(deadline=None)
@given(RATES, PHIS, COUNTS, st.floats(0.0, 4.0), st.floats(0.1, 1e3), st.floats(0.0, 1e3))
def test_drift_widens_about_the_same_mean(
    rate: float, phi: float, counts: float, limit: float, half: float, minutes: float
) -> None:
    demand = known(rate, phi, counts, Drift(limit, half))
    ahead = demand.widened(minutes)
    assert ahead.rate() == pytest.approx(demand.rate(), rel=1e-9)
    assert ahead.order_shape / ahead.order_exposure == pytest.approx(
        demand.order_shape / demand.order_exposure, rel=1e-9
    )
    variance = limit * minutes / (minutes + half)
    assert 1 / ahead.shape == pytest.approx(1 / demand.shape + variance, rel=1e-9)
    assert 1 / ahead.order_shape == pytest.approx(1 / demand.order_shape + variance, rel=1e-9)
    assert ahead.widened(minutes).shape == pytest.approx(ahead.shape)


@settings(deadline=None)
@given(RATES, st.floats(1.0, 10.0), COUNTS, PLANNED, st.floats(0.0, 1.0), st.integers(1, 100))
def test_chances_fall_in_stock_and_rise_in_demand(
    rate: float, phi: float, counts: float, planned: float, limit: float, first: int
) -> None:
    units = first + np.arange(30.0)
    demand = known(column(rate, 30), phi, counts, Drift(limit))
    chance = demand.at_least(units, column(planned, 30), 10)
    assert ((chance >= 0) & (chance <= 1)).all()
    # Between single orders and scaled counts there is a seam; for geometric quantities it hardly shows.
    assert (np.diff(chance) <= 0.02).all()
    assert (np.diff(chance[units >= phi]) <= 1e-12).all()
    more = known(column(rate * 1.1, 30), phi, counts, Drift(limit))
    assert (more.at_least(units, column(planned, 30), 10) >= chance - 1e-12).all()
    assert (demand.at_least(units, column(planned * 1.1, 30), 10) >= chance - 1e-12).all()


@pytest.mark.parametrize(("phi", "order_units"), [(10.0, 1.2), (5.0, 1.5), (6.0, 3.5), (3.0, 3.0)])
def test_chances_fall_in_stock_with_a_few_huge_orders(phi: float, order_units: float) -> None:
    """Far from geometric: most orders of one, some of dozens; or all of the same size."""
    units, one = np.arange(1.0, 60.0), np.ones(59)
    for rate in (0.05, 0.2, 0.5, 1.0, 3.0):
        exposures = 20.0 * phi / rate, 20.0 * order_units / rate
        demand = DemandPosterior(
            20.0 * one, exposures[0] * one, phi * one, 20.0 * one, exposures[1] * one, order_units * one
        )
        assert (np.diff(demand.at_least(units, 10.0 * one, 10)) <= 0.005).all()


@settings(deadline=None)
@given(RATES, st.floats(1.0, 10.0), COUNTS, PLANNED, st.floats(0.0, 1.0))
def test_shortage_falls_in_stock_and_stays_below_demand(
    rate: float, phi: float, counts: float, planned: float, limit: float
) -> None:
    units = np.array([0.0, 1.0, 2.0, 5.0, 12.0, 100.0, 1e4, 1e6])
    demand = known(column(rate, 8), phi, counts, Drift(limit))
    short, mean = demand.expected_short(units, column(planned, 8), 10), rate * planned
    assert np.isfinite(short).all()
    assert short[0] == pytest.approx(mean, rel=1e-6)
    assert (short >= 0).all()
    assert (short >= (mean - units) * (1 - 1e-6) - 1e-6).all()
    assert (np.diff(short) <= 0.02 * phi + 1e-6 * mean).all()


@settings(deadline=None)
@given(RATES, st.floats(1.0, 10.0), st.floats(0.5, 1e3), PLANNED, st.floats(0.01, 0.99))
def test_quantile_is_the_least_count_that_reaches_its_level(
    rate: float, phi: float, counts: float, planned: float, level: float
) -> None:
    demand = known(rate, phi, counts)
    found = demand.quantile(column(level, 1), column(planned, 1), 10)
    at_most = [1 - demand.at_least(found + 1 + step, column(planned, 1), 10)[0] for step in (-1, 0)]
    assert found[0] >= 0
    assert found[0] == np.floor(found[0])
    assert at_most[1] >= level
    if found[0] > 0 and abs(found[0] - phi) > 1:
        assert at_most[0] < level


def test_quantile_against_brute_force() -> None:
    rates = np.array([0.02, 0.3, 1.0, 4.0])
    demand, planned = known(rates, 2.0, 6.0), column(15, 4)
    for level in (0.1, 0.5, 0.9, 0.975):
        at_most = np.stack([1 - demand.at_least(column(units + 1, 4), planned, 15) for units in range(1500)])
        assert demand.quantile(column(level, 4), planned, 15).tolist() == (at_most >= level).argmax(axis=0).tolist()


@pytest.mark.parametrize("phi", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("limit", [0.0, 0.4])
def test_four_draws_in_five_lie_in_the_interval(phi: float, limit: float) -> None:
    """Counts are whole: the interval's ends are met half the time, so that half of what is on them is outside."""
    rng = np.random.default_rng(21)
    drift = Drift(limit, 15.0)
    for rate in (2.0, 8.0, 40.0):
        demand = known([rate], phi, 25.0, drift)
        low, high = (demand.quantile(column(level, 1), column(15, 1), 15)[0] for level in (0.1, 0.9))
        shape = 1 / (1 / 25.0 + limit / 2)
        drawn = wanted(rng, rng.gamma(shape, rate * 15 / shape, 200_000), np.full(200_000, phi))
        inside = ((drawn > low) & (drawn < high)).mean() + ((drawn == low) | (drawn == high)).mean() / 2
        assert 0.77 <= inside <= 0.83


@pytest.mark.parametrize("phi", [1.0, 1.3, 50.0])
def test_extremes_are_finite_and_raise_no_warning(phi: float) -> None:
    rates = np.array([1e-12, 1e-6, 1.0, 1e4, 1e7, 1e7])
    counts = np.array([1e-2, 2.0, 1e7, 1e7, 1e7, 0.5])
    units = np.array([1.0, 1e6, 1.0, 1e6, 1e6, 1e9])
    demand, planned = known(rates, phi, counts, Drift(4.0, 1.0)), np.array([1e-9, 1e4, 30.0, 30.0, 0.1, 100.0])
    with np.errstate(all="raise", under="ignore"):
        chance = demand.at_least(units, planned, 30)
        short = demand.expected_short(units, planned, 30)
        median = demand.quantile(column(0.5, 6), planned, 30)
    assert ((chance >= 0) & (chance <= 1)).all()
    assert np.isfinite(short).all()
    assert (short >= 0).all()
    assert np.isfinite(median).all()
