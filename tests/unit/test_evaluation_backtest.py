"""Recorded sales and their forecasts: repeatable, blind to the future, calibrated where nothing is hidden."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.backtest import SIGMAS, backtest, case_of
from evaluation.baselines import Due, plan_aware, runs_out, stock_over_velocity
from evaluation.cases import Case, scenario_of
from evaluation.cli import main
from evaluation.fitting import fit, fit_on
from evaluation.recording import Moments, Recording
from evaluation.replay import joined, minutes_to_stockout, replay
from evaluation.scores import Tally
from evaluation.simulated_sale import simulate, simulate_as
from evaluation.summary import groups, printed
from evaluation.warnings_given import stockouts_warned, warnings_true
from evaluation.workers import results_of
from flashsale.calibration import Calibration
from flashsale.demand.plan_ahead import PlanAhead
from flashsale.errors import FlashsaleError

SMALL = Case("restock_rescue", 7, 0.3, fraction=0.05, products=9, minutes=45)
FLAT = Case("flat", 5, None, fraction=0.2, minutes=50)


@pytest.fixture(scope="module")
def small() -> Recording:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def flat() -> Recording:
    """Nothing hidden, and customers of an empty shelf insist on it: no pair's demand ever changes."""
    scenario = scenario_of(FLAT)
    return simulate_as(
        FLAT,
        scenario.model_copy(
            update={
                "routing": scenario.routing.model_copy(update={"sold_out_weight": 1.0}),
                "inbound": scenario.inbound.model_copy(update={"pairs_share": 0.0}),
            }
        ),
    )


def test_a_fraction_scales_demand_stock_and_capacity_alike() -> None:
    whole, part = scenario_of(Case("bot_burst", 1)), scenario_of(Case("bot_burst", 1, 0.6, fraction=0.1, minutes=20))
    assert part.demand.orders_per_second == pytest.approx(0.1 * whole.demand.orders_per_second)
    assert [w.capacity_units_per_minute for w in part.warehouses] == [
        round(0.1 * w.capacity_units_per_minute) for w in whole.warehouses
    ]
    assert part.bots[0].orders_per_second == pytest.approx(0.1 * whole.bots[0].orders_per_second)
    assert (part.uncertainty.sigma, part.duration_minutes) == (0.6, 20)


def test_the_books_of_a_recording_balance(small: Recording) -> None:
    """Opening stock + received − sold = left, pair by pair: nothing of the sale was lost on the way."""
    received = np.zeros(small.pairs)
    here = small.shipments.received_ms >= 0
    np.add.at(received, small.shipments.pair[here], small.shipments.received_qty[here])
    after_first = received - small.units[1:].sum(axis=0)
    came_early = small.shipments.received_ms[here] < 60_000
    np.add.at(after_first, small.shipments.pair[here][came_early], -small.shipments.received_qty[here][came_early])
    assert np.array_equal(small.available[0] + after_first, small.available[-1])
    assert len(small.emptied.pair) > 10
    assert small.lost.sum() > 0


def test_stockouts_are_where_stock_ends(small: Recording) -> None:
    """A pair with stock at a minute's end and none at the next one's was emptied in between; unsold stock was not."""
    for now in range(1, small.minutes):
        until = minutes_to_stockout(small, now)
        gone = (small.available[now - 1] > 0) & (small.available[now] == 0)
        assert (until[gone] <= 1).all()
        quiet = (small.available[now - 1] > 0) & (small.units[now] == 0)
        assert (until[quiet] > 1).all()


def test_the_same_rows_whatever_comes_later(small: Recording) -> None:
    """A forecast of minute 20 changes when minute 19 does, and not when the rest of the sale never happens."""
    calibration = Calibration(drift_limit=0.1)
    known = replay(small, calibration)
    units, available = small.units.copy(), small.available.copy()
    units[20:], available[20:] = 0, 1
    blind = replay(replace(small, units=units, available=available), calibration)
    for name in ("p", "eta", "short", "velocity_eta", "plan_aware"):
        one, other = (getattr(rows, name)[..., rows.minute <= 20] for rows in (known, blind))
        assert np.array_equal(one, other, equal_nan=True), name
    units[19] += 7
    changed = replay(replace(small, units=units, available=available), calibration)
    assert not np.array_equal(changed.p[:, changed.minute == 20], known.p[:, known.minute == 20])


def test_the_same_tallies_with_any_number_of_workers() -> None:
    cases = [replace(SMALL, seed=seed, minutes=6) for seed in (301, 302)]
    one, two = (backtest(cases, Calibration(), {}, workers) for workers in (1, 2))
    assert [s.case for s in one] == [s.case for s in two] == cases
    for left, right in zip(one, two, strict=True):
        for name in Tally.__slots__:
            assert np.array_equal(getattr(left.tally, name), getattr(right.tally, name), equal_nan=True), name


def test_training_and_test_seeds_never_mix(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FlashsaleError, match="seed 101: kept for tests"):
        fit([replace(SMALL, seed=1), replace(SMALL, seed=101)], 1, print)
    with pytest.raises(FlashsaleError, match="seed 3: calibrations are fitted on it"):
        backtest([replace(SMALL, seed=3)], Calibration(), {}, 1)
    with pytest.raises(FlashsaleError, match="seed 500"):
        backtest([replace(SMALL, seed=500)], Calibration(seeds=(500,)), {}, 1)
    assert main(["backtest", "--seeds", "4", "--calibration", "none"]) == 1
    assert capsys.readouterr().err.startswith("error: seed 4: ")


def test_without_plan_error_the_uncalibrated_forecast_says_what_happens(flat: Recording) -> None:
    """Within 0.1 in each fifth of the scale, 0.02 over all: rows of one pair are alike, so much is left to chance."""
    rows = replay(flat, Calibration(forgetting=1.0))
    for row in range(3):
        judged = rows.judged(row) & (rows.minute >= 10)
        stated, happened = rows.p[row, judged], rows.took_place(row)[judged]
        assert abs(stated.mean() - happened.mean()) < 0.02
        fifth = np.minimum((5 * stated).astype(int), 4)
        for number in range(5):
            mine = fifth == number
            assert mine.sum() > 20
            assert abs(stated[mine].mean() - happened[mine].mean()) < 0.1, (row, number)


def test_a_fit_beats_the_defaults_on_other_sales_and_can_be_read_again() -> None:
    cases = [replace(SMALL, seed=seed, minutes=40) for seed in (1, 2)]
    fitted = fit_on([simulate(case) for case in cases], 1, lambda _: None, passes=1)
    assert fitted.calibration.calibration_id == fitted.calibration.content_id()
    assert fitted.calibration.seeds == (1, 2)
    assert 0 < fitted.climatology["restock_rescue"][0] < fitted.climatology["restock_rescue"][2] < 1
    unseen = [simulate(replace(SMALL, seed=seed, minutes=40)) for seed in (201, 202)]
    before, after = (
        joined([replay(one, calibration) for one in unseen]) for calibration in (Calibration(), fitted.calibration)
    )
    for row in range(3):
        judged = before.judged(row)
        happened = before.took_place(row)[judged]
        errors = [float(((rows.p[row, judged] - happened) ** 2).mean()) for rows in (before, after)]
        assert errors[1] < errors[0]


def test_stock_over_velocity_and_its_horizons() -> None:
    eta = stock_over_velocity(np.array([10, 30, 5]), np.array([2.0, 2.0, 0.0]))
    assert eta.tolist() == [5.0, 15.0, np.inf]
    assert runs_out(eta).tolist() == [[True, False, False], [True, True, False], [True, True, False]]


def test_the_plan_aware_rival_runs_down_along_the_plan_and_counts_shipments() -> None:
    # Twice the demand from minute 4 on; a shipment of 100 in minute 6, too late for the second pair.
    plan = PlanAhead(np.concatenate([np.arange(5.0), 4 + 2 * np.arange(1.0, 41)])[:, None])
    group, rate, nobody = np.zeros(3, np.int64), np.array([1.0, 1.0, 0.0]), np.array([], np.int64)
    available = np.array([6, 40, 1])
    alone = plan_aware(available, rate, plan, group, Due(nobody, np.array([]), nobody))
    assert alone.tolist() == [[True, False, False], [True, False, False], [True, True, False]]
    due = Due(np.array([0, 1]), np.array([3.5, 6.0]), np.array([100, 100]))
    assert plan_aware(available, rate, plan, group, due).tolist() == [[False] * 3, [False] * 3, [False] * 3]
    # Empty for a minute and a half before the shipment came: that it was empty stays true.
    refilled = plan_aware(np.array([2, 40, 1]), rate, plan, group, due)
    assert refilled[:, 0].tolist() == [True, True, True]


def test_warnings_and_stockouts_by_hand(small: Recording) -> None:
    """Three stockouts of one pair: warned of 12 minutes before, 4 minutes before, and before the last one ended."""
    rows = replay(small, Calibration())
    pair = int(rows.pair[0])
    minutes = np.arange(1, small.minutes)
    units = np.zeros_like(small.units)
    units[0, pair] = 1
    ms = np.array([26, 34, 43], np.int64) * 60_000
    sale = replace(
        small,
        units=units,
        emptied=Moments(np.full(3, pair), ms),
        filled=Moments(np.full(2, pair), np.array([27, 35], np.int64) * 60_000),
    )
    until = np.array([minutes_to_stockout(sale, now)[pair] for now in minutes])
    one = replace(
        rows,
        minute=minutes,
        pair=np.full(len(minutes), pair),
        at_risk=np.isin(minutes, (2, 14, 30, 40)),
        outcome=until,
        left=(small.minutes - minutes).astype(np.float64),
    )
    scenario = scenario_of(SMALL)
    # Only the first one's shelf had stock ten minutes before, so that it alone could be warned of.
    assert stockouts_warned(sale, one, scenario).tolist() == [3, 1, 1, 1]
    assert warnings_true(sale, one).tolist() == [4, 4, 4, 4]
    quiet = replace(one, outcome=np.full(len(minutes), np.inf))
    # With minute 30 and 40 nobody knows what 30 more minutes would have brought.
    assert warnings_true(sale, quiet).tolist() == [2, 0, 2, 0]


def test_bursts_and_machines_are_left_out() -> None:
    case = Case("bot_burst", 301, 0.0, fraction=0.02, minutes=34)
    sale, scenario = simulate(case), scenario_of(case)
    rows = replay(sale, Calibration())
    calm = scenario.model_copy(update={"bursts": (), "bots": ()})
    within, without = (stockouts_warned(sale, rows, one)[0] for one in (scenario, calm))
    assert within < without


def test_summary_has_every_scenario_and_all_together() -> None:
    scored = backtest(
        [replace(case_of("cascade", seed, 0.3), fraction=0.02, minutes=6) for seed in (301, 302)], Calibration(), {}, 1
    )
    found = groups(scored)
    assert [(group.scenario, group.sigma, sorted(group.by_seed)) for group in found] == [
        ("all", 0.3, [301, 302]),
        ("cascade", 0.3, [301, 302]),
    ]
    assert "cascade, plan error 0.3, 2 seeds" in printed(found)
    assert SIGMAS == (0.0, 0.3, 0.6)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["backtest", "--seeds", "4-2"], "'4-2' is neither a seed nor a range"),
        (["backtest", "--sigma", "9"], "'9' is not a plan error"),
        (["fit", "--workers", "0"], "'0' is not a number of processes"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert told in error
    assert error.count("\n") == 1


def test_an_unknown_scenario_and_calibration_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--scenario", "nowhere", "--seeds", "301", "--calibration", "none", "--workers", "1"]) == 1
    assert "there is no nowhere.toml" in capsys.readouterr().err
    assert main(["backtest", "--calibration", "no/such.json"]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_results_come_in_the_order_of_their_items() -> None:
    assert list(results_of(abs, [-3, -1, 2], 2)) == list(results_of(abs, [-3, -1, 2], 1)) == [3, 1, 2]
