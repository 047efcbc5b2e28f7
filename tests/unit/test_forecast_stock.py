"""Stock as the forecast takes it: its appeal when scarce, what is unknown or empty, and what will be left of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsale.calibration import Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import PlanAhead
from flashsale.forecast import Forecast, Shelves, effective_stock, fan, forecast
from flashsale.running_out import grid
from tests.support.forecast_demand import FloatArray, run_down
from tests.support.forecast_shop import known

PLAIN = Calibration()
HOURS = PlanAhead(np.arange(181.0)[:, None])


def appealing(boost: float, units: float) -> Calibration:
    return Calibration(appeal_boost=boost, appeal_units=units)


def appeal(left: FloatArray, boost: float, units: float) -> FloatArray:
    return np.asarray(1 + boost * np.exp(-left / units))


def shelves(available: list[int], siblings: list[int] | None = None) -> Shelves:
    return Shelves(
        np.array(available), np.array(siblings or [max(0, one) for one in available]), np.zeros(len(available), int)
    )


def stated(available: list[int], rate: Any = 1.0, plan: PlanAhead = HOURS, **keys: Any) -> Forecast:
    demand = known(np.broadcast_to(rate, len(available)), 2.0)
    return forecast(shelves(available), demand, plan, Arrivals.none(), Calibration(**keys))


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 2000), st.floats(0.05, 5), st.floats(10, 500))
def test_effective_stock_is_the_sum_of_relative_appeals(stock: int, elsewhere: int, boost: float, units: float) -> None:
    whole = stock + elsewhere
    left = whole * np.arange(1, stock + 1) / stock
    by_hand = float((appeal(np.array(float(whole)), boost, units) / appeal(left, boost, units)).sum())
    found = effective_stock(np.array([stock]), np.array([whole]), appealing(boost, units))[0]
    assert found == pytest.approx(by_hand, rel=0.02, abs=0.08)
    assert found <= stock * 1.01


def test_effective_stock_lasts_as_long_as_the_real_one() -> None:
    """One product in one warehouse, single units, demand lifted as the stock falls: mean time to the last unit."""
    rng = np.random.default_rng(51)
    for stock, boost, units in ((5, 1.0, 10.0), (40, 2.0, 15.0), (120, 0.5, 60.0)):
        now = appeal(np.array(float(stock)), boost, units)
        left = np.arange(stock, 0, -1.0)
        # Demand is 1 unit a minute at today's appeal.
        last = rng.exponential(now / appeal(left, boost, units), (20_000, stock)).sum(axis=1).mean()
        found = effective_stock(np.array([stock]), np.array([stock]), appealing(boost, units))[0]
        assert found == pytest.approx(last, rel=0.02, abs=0.03)


def test_without_appeal_stock_is_stock() -> None:
    assert effective_stock(np.array([0, 3, -1]), np.array([9, 9, 0]), Calibration()).tolist() == [0, 3, 0]


def test_effective_stock_of_extremes() -> None:
    with np.errstate(all="raise", under="ignore"):
        found = effective_stock(np.array([0, 0, 1, 10**6]), np.array([0, 10**6, 10**6, 10**6]), appealing(20.0, 1e-3))
    assert found[:2].tolist() == [0, 0]
    assert np.isfinite(found).all()
    assert found[3] == pytest.approx(10**6, rel=1e-3)


def test_unknown_is_nan_and_empty_is_certain() -> None:
    found = stated([-1, 0, 10**6])
    assert np.isnan(found.p[:, 0]).all()
    assert np.isnan(found.eta[:, 0]).all()
    assert np.isnan(found.short[0])
    assert found.p[:, 1].tolist() == [1, 1, 1]
    assert found.eta[:, 1].tolist() == [0, 0, 0]
    assert found.short[1] == pytest.approx(30.0)
    assert (found.p[:, 2] < 1e-6).all()
    assert np.isnan(found.eta[:, 2]).all()


def test_an_empty_shelf_is_sold_out_now_whatever_is_due() -> None:
    arrivals = Arrivals(np.array([0]), np.array([0.0]), np.array([500.0]))
    found = forecast(shelves([0]), known([1.0]), HOURS, arrivals, PLAIN)
    assert found.p[:, 0].tolist() == [1, 1, 1]
    assert found.eta[:, 0].tolist() == [0, 0, 0]
    assert found.short[0] == pytest.approx(0, abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.integers(-1, 500), min_size=2, max_size=30), st.floats(1e-3, 50), st.integers(0, 180))
def test_chances_are_chances_and_rise_with_the_horizon(available: list[int], rate: float, minutes: int) -> None:
    found = stated(available, rate, PlanAhead(np.arange(minutes + 1.0)[:, None]))
    known_ = np.array(available) >= 0
    assert (np.isnan(found.p) == ~known_).all()
    assert ((found.p[:, known_] >= 0) & (found.p[:, known_] <= 1)).all()
    assert (np.diff(found.p[:, known_], axis=0) >= 0).all()
    early, middle, late = np.nan_to_num(found.eta, nan=np.inf)
    assert ((early <= middle) & (middle <= late)).all()
    assert (found.short[known_] >= 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pairs_do_not_feel_each_other_in_the_forecast(seed: int) -> None:
    """Permuted, with shipments: what one pair is told depends on its own row alone."""
    rng = np.random.default_rng(seed)
    count = 12
    available, rate = rng.integers(-1, 40, count), rng.uniform(0.1, 4, count)
    due = rng.integers(0, count, 6)

    def told(rows: Any) -> Forecast:
        place = np.empty(count, dtype=np.int64)
        place[rows] = np.arange(count)
        arrivals = Arrivals.expected(place[due], np.arange(0.0, 18.0, 3.0), np.full(6, 9.0), PLAIN)
        return forecast(shelves(available[rows].tolist()), known(rate[rows], 2.0), HOURS, arrivals, Calibration())

    one, order = told(np.arange(count)), rng.permutation(count)
    other = told(order)
    for name in ("p", "eta", "short", "rate"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name)[..., order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("phi", [1.0, 2.0])
def test_eta_is_met_as_often_as_it_says(phi: float) -> None:
    rng = np.random.default_rng(52)
    stock, rate, draws = 40, 2.0, 40_000
    found = forecast(shelves([stock]), known([rate], phi, 25.0), HOURS, Arrivals.none(), Calibration()).eta[:, 0]
    minutes = [round(float(minute)) for minute in found]
    truth, intensity = rng.gamma(25.0, rate / 25.0, draws), np.ones((max(minutes), draws))
    empty = run_down(
        rng, truth, np.full(draws, phi), np.full(draws, stock), intensity, tuple(minutes), futures=1
    ).empty.mean(axis=1)
    # Rounded to whole minutes.
    assert empty == pytest.approx([0.1, 0.5, 0.9], abs=0.05)


def test_the_grid_holds_the_horizons_and_the_end() -> None:
    assert grid(0) == []
    for minutes in (1, 4, 5, 6, 29, 30, 47, 2000):
        found = grid(minutes)
        assert found == sorted(set(found))
        assert found[-1] == minutes
        assert {horizon for horizon in (5, 15, 30) if horizon <= minutes} <= set(found)


def test_fan_narrows_to_stock_now_and_never_shows_less_than_nothing() -> None:
    found = fan(shelves([40, 0, -1]), known([2.0] * 3, 2.0), HOURS, Arrivals.none(), [0, 5, 15, 60])
    assert found[:, 0, 0].tolist() == [40, 40, 40]
    assert (found >= 0).all()
    assert (np.diff(found, axis=1) <= 0).all()
    assert (np.diff(found, axis=0) >= 0).all()


def test_fan_with_a_shipment_after_the_shelf_was_empty() -> None:
    """Empty for certain long before 100 units come at minute 10: those are what is left then, less later demand."""
    arrivals = Arrivals(np.array([0]), np.array([10.0]), np.array([100.0]))
    minutes = [5, 9, 10, 11, 12, 13, 14, 15]
    found = fan(shelves([10]), known([5.0], 1.0, 200.0), HOURS, arrivals, minutes)
    assert found[:, :2, 0].tolist() == [[0, 0], [0, 0], [0, 0]]
    assert found[:, 2, 0] == pytest.approx([97.5, 97.5, 97.5], abs=2.6)
    assert found[1, -1, 0] == pytest.approx(75, abs=3)
