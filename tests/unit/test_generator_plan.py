"""The plan: a fluid that the simulation keeps to where nothing is hidden, and what is told and drawn of it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario, load_scenario, parse_scenario
from flashsale.scenario_trouble import Uncertainty
from flashsale.settings import load_settings
from generator import checking, cli
from generator.demand import route, warehouse_draws
from generator.intensity import log_normal_ar1
from generator.planning import command as plan_command
from generator.planning import storage
from generator.planning.departures import Departures
from generator.planning.fluid import STEP_SECONDS, Fluid, expected_shares
from generator.planning.inventory_events import expected_events
from generator.planning.overload import overloads, warehouse_load
from generator.planning.plan import Plan, plan_sale
from generator.planning.planned_world import left_out, planned_world
from generator.planning.spread import relative_spread
from generator.truth.again import Replay
from generator.truth.log import Stockout, TruthLog
from tests.support.scenarios import SMALL

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 11, tzinfo=UTC)
MINUTES = 40


def as_planned(name: str) -> Scenario:
    """A scenario of the project in which demand keeps to the plan and shipments to their announcement.

    "crowded" is the demo with a rush for the last units, and three warehouses that can ship
    a fifth of what they are asked for, which few customers wait for.
    """
    crowded = name == "crowded"
    scenario = load_scenario(ROOT / "configs/sales" / f"{'demo' if crowded else name}.toml")
    changes: dict[str, Any] = {
        "uncertainty": Uncertainty(sigma=0.0, shift_minutes=0.0),
        "bursts": (),
        "inbound": scenario.inbound.model_copy(update={"delay_mean_minutes": 0.0, "short_share": 0.0}),
    }
    if crowded:
        changes["demand"] = scenario.demand.model_copy(update={"scarcity_boost": 4.0, "scarcity_units": 2_000.0})
        changes["fulfilment"] = scenario.fulfilment.model_copy(update={"impatience_per_hour": 8.0})
        small = [one.model_copy(update={"capacity_units_per_minute": 1_800}) for one in scenario.warehouses[:3]]
        changes["warehouses"] = (*small, *scenario.warehouses[3:])
    return scenario.model_copy(update=changes)


@dataclass(frozen=True)
class Both:
    """A plan, and a simulation of the same minutes; arrays by minute."""

    plan: Plan
    log: TruthLog
    orders: np.ndarray
    warehouse_units: np.ndarray
    delay: np.ndarray
    inventory_events: int
    sold_out_pairs: int

    @property
    def stockouts(self) -> list[Stockout]:
        return self.log.stockouts()


@pytest.fixture(scope="module", params=["flat", "demo", "crowded"])
def both(request: pytest.FixtureRequest) -> Both:
    scenario = as_planned(request.param)
    end = START + timedelta(minutes=scenario.duration_minutes)
    sale = SaleRun("x", scenario.name, scenario.text, scenario.seed, START, end)
    replay = Replay.of(sale, scenario)
    log, orders, events = TruthLog(replay.worlds), np.zeros(MINUTES), 0
    by_warehouse, delay = np.zeros((MINUTES, 7)), np.zeros((MINUTES, 7))
    for tick in replay.ticks(60 * MINUTES):
        log.add(tick)
        minute = tick[0].tick // 60
        for facts in tick:
            sold = facts.orders
            orders[minute] += len(sold.ts)
            events += len(facts.inventory.ts)
            by_warehouse[minute] += np.bincount(sold.warehouse_id - 1, sold.qty, 7)
            np.maximum.at(delay[minute], facts.inventory.warehouse_id - 1, facts.inventory.delay)
    log.finish()
    plan = plan_sale(scenario, scenario.seed, MINUTES)
    return Both(plan, log, orders, by_warehouse, delay, events, log.sold_out_pairs)


def test_totals_are_those_of_the_simulation_to_within_one_percent(both: Both) -> None:
    series, totals = both.plan.minutes, both.log.totals
    assert series.orders.sum() == pytest.approx(totals.orders, rel=0.01)
    assert series.units.sum() == pytest.approx(totals.units, rel=0.01)
    assert series.value.sum() == pytest.approx(totals.value, rel=0.01)
    assert series.inventory_events.sum() == pytest.approx(both.inventory_events, rel=0.02)


def test_lost_units_and_value_are_those_of_the_simulation_to_within_ten_percent(both: Both) -> None:
    assert both.log.totals.lost_units > 5_000
    assert both.plan.minutes.lost_units.sum() == pytest.approx(both.log.totals.lost_units, rel=0.1)
    assert both.plan.minutes.lost_value.sum() == pytest.approx(both.log.totals.lost_value, rel=0.1)


def test_the_peak_is_that_of_the_simulation(both: Both) -> None:
    """Five sigma of a minute's orders at the most, the largest of sixty included."""
    peak = both.plan.minutes.orders.max()
    assert abs(both.orders.max() - peak) < 5 * peak**0.5
    assert both.plan.minutes.orders[both.orders.argmax()] > 0.97 * peak


def test_every_minute_is_near_the_simulated_one(both: Both) -> None:
    """Where stock runs out luck decides a little; the first second has no orders."""
    assert both.plan.minutes.orders == pytest.approx(both.orders, rel=0.05)


def test_every_warehouse_is_as_busy_and_as_late_as_the_simulated_one(both: Both) -> None:
    assert both.plan.minutes.warehouse_units.sum(axis=0) == pytest.approx(both.warehouse_units.sum(axis=0), rel=0.02)
    assert both.plan.minutes.delay == pytest.approx(both.delay, abs=1.0)


def test_first_stockouts_come_when_the_plan_says(both: Both) -> None:
    found = both.plan.stockouts
    planned = {}
    for product, warehouse, minute in zip(found.product_id, found.warehouse_id, found.at, strict=True):
        planned.setdefault((int(product), int(warehouse)), float(minute))
    actual: dict[tuple[int, int], float] = {}
    start_ms = START.timestamp() * 1000
    for one in both.stockouts:
        actual.setdefault((one.product_id, one.warehouse_id), (one.sold_out_ms - start_ms) / 60_000)
    off = np.array([planned[pair] - minute for pair, minute in actual.items() if pair in planned])
    assert len(off) > 0.9 * len(actual)
    assert abs(np.median(off)) < 0.5
    assert np.quantile(np.abs(off), 0.9) < 3.0
    for pair in sorted(actual, key=actual.__getitem__)[:8]:
        assert abs(planned[pair] - actual[pair]) < 2.0, pair


def test_as_many_pairs_end_empty(both: Both) -> None:
    assert both.plan.ends_empty == pytest.approx(both.sold_out_pairs, abs=0.02 * both.plan.pairs)
    still = np.isnan(both.plan.stockouts.again).sum() + both.plan.opens_empty
    assert still == both.plan.ends_empty


def test_the_fluid_loses_no_unit() -> None:
    scenario = parse_scenario(SMALL, "x")
    world, market = planned_world(scenario, scenario.seed)
    fluid, sold = Fluid(world, market), np.zeros(world.shape)
    for _ in range(10 * 60 // STEP_SECONDS):
        step = fluid.step()
        sold += step.sold
        assert (step.available >= 0).all()
        assert (step.sold <= step.wanted).all()
    received = np.zeros(world.shape)
    shipments = market.shipments
    np.add.at(received, (shipments.product, shipments.warehouse), shipments.qty)
    assert (shipments.due_minute < 10).all()
    assert received.sum() > 0
    assert sold + step.available == pytest.approx(world.opening + received)


def test_shares_are_the_probabilities_of_the_route() -> None:
    """200,000 orders of each product; five standard deviations on each cell."""
    rng = np.random.default_rng(5)
    stocked = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1]], dtype=bool)
    sellable = np.array([[1, 0, 0], [1, 1, 1], [0, 0, 0]], dtype=bool)
    gravity, weight, count = rng.uniform(0.1, 1, (4, 3)), rng.dirichlet(np.ones(4)), 200_000
    for sold_out in (0.3, 0.0):
        shares = expected_shares(stocked, gravity, weight, sellable, sold_out)
        draws = warehouse_draws(stocked, sellable.astype(np.int64), sold_out)
        assert shares.sum(axis=1) == pytest.approx(1)
        for product in range(3):
            city = rng.choice(4, count, p=weight)
            sent = route(rng, gravity[city], np.tile(draws[product], (count, 1)), np.tile(stocked[product], (count, 1)))
            found = np.bincount(sent, minlength=3) / count
            sigma = np.sqrt(np.maximum(shares[product] * (1 - shares[product]), 0) / count)
            assert (np.abs(found - shares[product]) <= 5 * sigma + 1e-12).all()


def test_departures_wait_as_long_as_they_were_told_and_leave_at_capacity_at_most() -> None:
    queue = Departures(np.array([600, 600]), wave_seconds=30, step_seconds=10)
    delay, inflow = np.array([2.0, 2.0]), np.array([50.0, 150.0])
    left = [queue.step(inflow, delay) for _ in range(60)]
    backlogs = queue.backlog
    # Little's law below capacity: 5 units/s times 120 s and half of a wave.
    assert backlogs[0] == pytest.approx(5 * 135)
    assert np.max(left, axis=0) == pytest.approx([50, 100])
    # Beyond it: what came, without what has left since the first came through.
    assert backlogs[1] == pytest.approx(60 * 150 - sum(float(one[1]) for one in left))
    assert sum(float(one[1]) for one in left) == pytest.approx(100 * (60 - 13) - 25)


def test_events_are_at_most_one_per_key_and_second() -> None:
    scenario = parse_scenario(SMALL, "x")
    stocked = np.array([[True, True], [True, False]])
    silent = expected_events(np.zeros((2, 2)), stocked, scenario.fulfilment)
    assert (silent.now, silent.later.tolist()) == (pytest.approx(3 / 60), [0, 0])
    rush = expected_events(np.where(stocked, 1e3, 0.0), stocked, scenario.fulfilment)
    assert rush.now + rush.later.sum() == pytest.approx(3)


def test_spread_is_that_of_the_hidden_demand() -> None:
    """4,000 draws of the whole sale: the standard deviation of their spread is 1.1 %, five times that allowed."""
    rules, draws = Uncertainty(sigma=0.3, half_life_minutes=7.0), 4_000
    rate = np.random.default_rng(1).uniform(1, 10, (120, 3))
    rng = np.random.default_rng(2)
    factor = log_normal_ar1(rng, 3 * draws, 120, rules.sigma, rules.half_life_minutes).reshape(draws, 3, 120)
    totals = np.einsum("dgm,mg->d", factor, rate) / rate.sum()
    assert totals.mean() == pytest.approx(1, abs=5 * totals.std() / draws**0.5)
    assert relative_spread(rate, rules) == pytest.approx(totals.std(), rel=0.056)
    assert relative_spread(rate, Uncertainty(sigma=0.0)) == 0


def test_overload_is_the_mean_of_the_last_minutes_or_a_long_delay() -> None:
    units = np.array([[0.0], [100.0], [100.0], [100.0], [0.0]])
    assert warehouse_load(units, np.array([100.0]), 2)[:, 0].tolist() == [0, 0.5, 1, 1, 0.5]
    text = SMALL.replace("per_minute = 800", "per_minute = 300").replace("per_minute = 1_200", "per_minute = 99_000")
    plan = plan_sale(parse_scenario(text, "x"), 7)
    found = overloads(plan, load_settings(overload_delay_minutes=5.0))
    assert {one.warehouse_id for one in found} == {1}
    capacity = 300
    for one in found:
        over = range(one.first, one.after)
        recent = [plan.minutes.warehouse_units[max(0, m - 4) : m + 1, 0].mean() / capacity for m in over]
        assert all(load >= 0.9 or plan.minutes.delay[m, 0] >= 5 for load, m in zip(recent, over, strict=True))
        assert one.peak_load == pytest.approx(max(recent))


def test_a_plan_knows_nothing_of_what_nobody_plans() -> None:
    trouble = """
[[bursts]]
name = "b"
starts_at_minute = 0
duration_minutes = 10
multiplier = 9.0

[[outages]]
warehouse = "Lahore East"
starts_at_minute = 1
duration_minutes = 9

[phantom]
pairs_share = 1.0
"""
    calm, troubled = parse_scenario(SMALL, "x"), parse_scenario(SMALL + trouble, "x")
    assert np.array_equal(plan_sale(calm, 7).minutes.units, plan_sale(troubled, 7).minutes.units)
    assert left_out(troubled)[2:] == ["1 burst", "1 outage", "phantom stock"]


def test_bytes_on_disk_are_about_those_of_the_last_measurement() -> None:
    """The figures of docs/performance.md are written anew by each measurement; a quarter off is another fact."""
    text = (ROOT / "docs/performance.md").read_text()
    for name, used in (
        ("document_disk_bytes", storage.DATA_BYTES_PER_FACT),
        ("document_index_bytes", storage.INDEX_BYTES_PER_FACT),
    ):
        row = re.search(rf"\| ([\d.]+) bytes per document \| `{name}` \|", text)
        assert row is not None, name
        assert used == pytest.approx(float(row[1]), rel=0.25), f"take {name} over into planning/storage.py"


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """``command(*arguments)`` -> (exit code, stdout, stderr) of flashsale-generate."""
    monkeypatch.setattr(cli, "COMMANDS", (plan_command, checking))

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([str(one) for one in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_plan_as_json_is_one_line_that_adds_up(command: Command, small_file: Path) -> None:
    code, out, _ = command("plan", "--scenario", small_file, "--json", "--top", "3")
    assert (code, out.count("\n")) == (0, 1)
    facts = json.loads(out)
    assert sum(facts["by_minute"]["units"]) == pytest.approx(facts["units"], abs=1)
    assert len(facts["first_stockouts"]) == 3
    assert facts["records"] == pytest.approx(facts["orders"] + facts["inventory_events"], abs=1)
    assert facts["storage"]["seconds"] == round(facts["records"] / storage.FACTS_PER_SECOND)
    assert facts["storage"]["wire"] == pytest.approx(154 * facts["orders"] + 164 * facts["inventory_events"], rel=1e-3)


def test_plan_for_people_fits_the_screen(command: Command) -> None:
    code, out, _ = command("plan", "--scenario", ROOT / "configs/sales/demo.toml")
    assert code == 0
    assert all(len(line) <= 120 for line in out.splitlines())
    assert "PKR" in out


def test_pictures_are_whole_and_need_no_network(command: Command, small_file: Path, tmp_path: Path) -> None:
    code, _, _ = command("plan", "--scenario", small_file, "--to", tmp_path / "new" / "folder")
    assert code == 0
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["plan.html", "plan.png"]
    assert (folder / "plan.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    page = (folder / "plan.html").read_text()
    assert not re.search(r"<(script|link)[^>]*(src|href)=", page)
    assert "Plan of test_small" in page


def test_a_plan_without_demand_or_campaign_is_told_and_drawn(command: Command, tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("[[campaigns]]")] + '[[campaigns]]\nname = "$\\\\frac$ <b>"\ndiscount_pct = 0.0\n'
    text += "starts_at_minute = 0\nduration_minutes = 10\nintensity = [[0, 0]]\n"
    (tmp_path / "none.toml").write_text(text)
    code, out, err = command("plan", "--scenario", tmp_path / "none.toml", "--to", tmp_path)
    assert (code, err) == (0, "")
    assert "units lost        0" in out
    code, out, _ = command("plan", "--scenario", tmp_path / "none.toml", "--json")
    assert json.loads(out)["by_minute"]["cover_minutes_p50"] == [None] * 10


def test_plan_of_a_broken_file_is_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("seed = 1")
    code, out, err = command("plan", "--scenario", tmp_path / "x.toml")
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_check_tells_each_file_in_a_line_and_fails_at_the_end(command: Command, small_file: Path) -> None:
    broken = small_file.with_name("broken.toml")
    broken.write_text(SMALL.replace("count = 12", "count = 0"))
    small_file.write_text(SMALL[: SMALL.index("[[campaigns]]")])
    code, out, err = command("check", broken, small_file)
    assert (code, err) == (1, "")
    first, second = out.splitlines()
    assert first == f"scenario {broken}: products.count must be 1..1000000, got 0"
    assert second.startswith(f"{small_file}: ok, about 24 k orders wanted in 10 min, 12 products")
    assert command("check", small_file)[0] == 0
    code, out, err = command("check", small_file.parent / "nothing")
    assert (code, out.count("\n")) == (1, 1)


def test_check_of_a_folder_takes_all_of_it(command: Command, small_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_file.parent)
    assert command("check") == (
        1,
        "",
        f"error: {checking.SCENARIOS}: no such folder here; name the scenario files to check\n",
    )
    assert command("check", small_file.parent)[1].startswith(f"{small_file}: ok")


def test_every_scenario_of_the_project_is_valid(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code, out, _ = command("check")
    assert code == 0, out
    assert len(out.splitlines()) == len(list((ROOT / "configs/sales").glob("*.toml"))) >= 7
