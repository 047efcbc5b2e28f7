"""Shipments on their way: chances and shortages against simulated shelves, exact cases, extremes."""

import numpy as np
import pytest

from flashsale.calibration import HORIZONS, Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import PlanAhead
from flashsale.demand.posterior import Drift
from flashsale.forecast import Shelves, forecast
from flashsale.running_out import expected_short, grid, running_out
from tests.support.forecast_cases import CASES, PAIRS_OF_A_DECILE, allowed, shop_and_outlook
from tests.support.forecast_demand import FloatArray, IntArray, decile_gaps, run_down
from tests.support.forecast_shop import known

PHIS = (1.0, 2.0, 3.5)
HOUR = PlanAhead(np.arange(61.0)[:, None])


def coming(minute: float, units: IntArray) -> Arrivals:
    """The same minute for every pair."""
    return Arrivals(np.arange(len(units)), np.full(len(units), float(minute)), units.astype(np.float64))


@pytest.mark.parametrize(("minute", "horizons"), [(4, (5, 15)), (14, (15,)), (15, (15,))])
def test_every_decile_is_kept_with_a_shipment(minute: int, horizons: tuple[int, ...]) -> None:
    shop, outlook = shop_and_outlook()
    units = 1 + shop.stock // 2
    stock, group = shop.stock.astype(float), outlook.shelves.plan
    stated = running_out(stock, group, outlook.demand, outlook.plan, coming(minute, units), list(horizons))
    rng, shipments = np.random.default_rng(13), {minute: units}
    seen = run_down(rng, shop.rate, shop.phi, shop.stock, shop.ahead(), horizons, shipments, futures=6).empty
    for number, case in enumerate(CASES):
        mine = shop.case == number
        for row in range(len(horizons)):
            gaps = decile_gaps(stated[row, mine], seen[row, mine], PAIRS_OF_A_DECILE)
            assert gaps.max(initial=0) < allowed(case), f"{case}: {gaps.round(3)}"


def test_shortage_with_a_shipment_is_the_mean_shortage() -> None:
    shop, outlook = shop_and_outlook()
    units = 1 + shop.stock // 2
    stock, group = shop.stock.astype(float), outlook.shelves.plan
    stated = expected_short(stock, group, outlook.demand, outlook.plan, coming(10, units))
    rng, shipments = np.random.default_rng(14), {10: units}
    seen = run_down(rng, shop.rate, shop.phi, shop.stock, shop.ahead(), (30,), shipments, futures=2).short
    for number, case in enumerate(CASES):
        mine = shop.case == number
        assert stated[mine].mean() == pytest.approx(seen[mine].mean(), rel=0.08, abs=0.1), str(case)


def test_a_shipment_after_the_horizon_changes_nothing_before_it() -> None:
    demand = known(np.linspace(0.3, 1.5, 40), 2.0)
    stock = np.full(40, 12.0)
    group = np.zeros(40, dtype=np.int64)
    without = running_out(stock, group, demand, HOUR, Arrivals.none(), [5, 15, 30])
    late = running_out(stock, group, demand, HOUR, coming(20, np.full(40, 50)), [5, 15, 30])
    assert (late[:2] == without[:2]).all()
    assert (late[2] < without[2]).all()


def one(stock: int, arrivals: Arrivals, rate: float = 2.0, plan: PlanAhead = HOUR) -> FloatArray:
    """p of one pair."""
    shelves = Shelves(np.array([stock]), np.array([stock]), np.array([0]))
    return forecast(shelves, known([rate], 2.0), plan, arrivals, Calibration()).p[:, 0]


def test_what_is_due_now_or_overdue_is_as_good_as_stock() -> None:
    for due in (0.0, -7.0):
        arrived = Arrivals.expected(np.array([0]), np.array([due]), np.array([6.0]), Calibration())
        assert one(10, arrived) == pytest.approx(one(16, Arrivals.none()), abs=1e-12)


def test_overdue_is_as_late_as_due_now_when_shipments_are_late() -> None:
    late = Calibration(shipment_delay_minutes=4.0, shipment_share=0.5)
    pair = np.array([1, 0, 0])
    arrivals = Arrivals.expected(pair, np.array([-30.0, 9.0, 0.0]), np.array([8.0, 2.0, 4.0]), late)
    assert arrivals.pair.tolist() == [0, 0, 1]
    assert arrivals.minutes.tolist() == [4.0, 13.0, 4.0]
    assert arrivals.units.tolist() == [2.0, 1.0, 4.0]


def test_a_shipment_after_the_sale_ends_helps_nobody() -> None:
    short_sale = PlanAhead(np.arange(21.0)[:, None])
    assert one(10, coming(25, np.array([500])), plan=short_sale) == pytest.approx(
        one(10, Arrivals.none(), plan=short_sale), abs=0.01
    )


@pytest.mark.parametrize("phi", PHIS)
@pytest.mark.parametrize(("stock", "first", "second"), [(10, 5, 12), (5, 2, 4), (20, 10, 13), (40, 3, 9)])
def test_two_shipments_as_one_are_nearly_exact(phi: float, stock: int, first: int, second: int) -> None:
    """Two are followed as one; what happens between them shows at the minutes before the second."""
    rng = np.random.default_rng(15)
    rate = np.repeat(np.linspace(0.5, 3.0, 6) * stock / 15, 2000)
    truth = rng.gamma(20.0, rate / 20.0)
    units = np.full(len(rate), 1 + stock // 2)
    seen = run_down(
        rng,
        truth,
        np.full(len(rate), phi),
        np.full(len(rate), stock),
        np.ones((15, len(rate))),
        (15,),
        {first: units, second: units},
    ).empty[0]
    pair = np.repeat(np.arange(6), 2)
    arrivals = Arrivals(pair, np.tile([float(first), float(second)], 6), np.full(12, float(units[0])))
    group = np.zeros(6, dtype=np.int64)
    stated = running_out(np.full(6, float(stock)), group, known(rate[::2000], phi), HOUR, arrivals, grid(15))[-1]
    assert abs(stated - seen.reshape(6, 2000).mean(axis=1)).max() < 0.05


@pytest.mark.parametrize("phi", [1.0, 1.7, 3.5, 40.0])
@pytest.mark.parametrize("drift", [Drift(), Drift(0.5, 10.0)])
def test_extremes_give_probabilities_and_no_warning(phi: float, drift: Drift) -> None:
    stock = np.array([1.0, 2.0, 10.0, 1e3, 1e6, 1e6, 1.0, 1e7])
    demand = known([1e-9, 1e-3, 1.0, 1e3, 1e5, 1e7, 1e7, 1e5], phi, [2.0, 2.0, 1e3, 1e7, 1e7, 2.0, 1e7, 1e5], drift)
    group = np.zeros(len(stock), dtype=np.int64)
    arrivals = coming(7.5, np.array([1, 10**6, 3, 10, 10**6, 1, 1, 10**7]))
    with np.errstate(all="raise", under="ignore"):
        curve = running_out(stock, group, demand, HOUR, arrivals, [*HORIZONS, 60])
        short = expected_short(stock, group, demand, HOUR, arrivals)
    assert ((curve >= 0) & (curve <= 1)).all()
    assert np.isfinite(short).all()
    assert (short >= 0).all()
    assert (short <= demand.mean_units(np.full(len(stock), 30.0)) * (1 + 1e-6) + 1e-9).all()


@pytest.mark.parametrize("phi", [1.0, 2.0, 3.5])
def test_a_larger_shipment_never_hurts_and_never_counts_for_more_than_stock(phi: float) -> None:
    sizes = np.arange(0, 60, 3)
    demand = known(np.full(len(sizes), 1.0), phi)
    group, stock = np.zeros(len(sizes), dtype=np.int64), np.full(len(sizes), 8.0)
    stated = running_out(stock, group, demand, HOUR, coming(6, sizes), [15])[0]
    at_once = running_out(stock + sizes, group, demand, HOUR, Arrivals.none(), [15])[0]
    assert (np.diff(stated) <= 1e-9).all()
    assert (stated >= at_once - 0.02).all()
