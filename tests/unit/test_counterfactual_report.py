"""What the counterfactual tells: on the command line, in docs/decisions.md, and as a benchmark's figures."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks.counterfactual import figures
from evaluation.counterfactual import SCENARIOS, Comparison, Estimate
from evaluation.counterfactual_cli import add_command
from evaluation.counterfactual_report import SECTION, cost_rows, printed, result_rows, write_report
from evaluation.interventions_account import KINDS, Spent
from evaluation.policy import POLICIES, Hands
from flashsale.errors import FlashsaleError


def compared(scenario: str, policy: str, saved: float = 0.4, margin: float = 0.01) -> Comparison:
    """Two seeds."""

    def around(mean: float) -> Estimate:
        return Estimate(mean, mean - 0.1, mean + 0.1, mean - 0.05)

    return Comparison(
        scenario=scenario,
        policy=policy,
        seeds=(101, 102),
        turned_away=around(saved + 0.1),
        units=around(saved),
        value=around(saved),
        earning=around(saved),
        margin=around(margin),
        worth=around(margin),
        spent={kind: Spent(4, 100, 50.0) if kind == "restock" else Spent() for kind in KINDS},
        revenue=10_000,
        leftover_units=20,
        leftover_cost=5.0,
        kept_away=0,
        lost=np.arange(30.0),
        lost_waiting=2 * np.arange(30.0),
    )


FOUND = [compared(scenario, policy) for scenario in SCENARIOS for policy in POLICIES]


def parsed(*arguments: str) -> argparse.Namespace:
    """Options of the sub-command."""
    parser = argparse.ArgumentParser(exit_on_error=True)
    add_command(parser.add_subparsers(required=True))
    return parser.parse_args(["counterfactual", *arguments])


def test_tables_tell_percent_with_intervals_and_costs_per_sale() -> None:
    (row,) = result_rows([compared("demo", "table")])
    assert row[2:] == ["50 (40 … 60)", "40 (30 … 50)", "40 (30 … 50)", "40 (30 … 50)", *2 * ["+1.00 (-9.00 … +11.00)"]]
    costs = cost_rows([compared("demo", "table")])
    assert [one[2:] for one in costs] == [["restock", "2", "50", "0.50"], ["left over", "", "10", "0.05"]]
    assert "follows the table" in printed(FOUND)


def test_the_section_is_replaced_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "decisions.md"
    page.write_text("# Decisions\n\nBy hand.\n")
    write_report(FOUND, Hands(), "first", page)
    first = page.read_text()
    write_report(FOUND, Hands(attention=3), "second", page)
    again = page.read_text()
    assert first.startswith("# Decisions\n\nBy hand.\n")
    assert again.count(f"<!-- {SECTION}: start -->") == first.count(f"<!-- {SECTION}: end -->") == 1
    assert "`first`" in first
    assert "`second`" in again
    assert "`first`" not in again
    assert "at most 3 actions" in again
    assert (tmp_path / "pictures" / "counterfactual.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_that_is_missing_or_damaged_is_told_in_one_line(tmp_path: Path) -> None:
    page = tmp_path / "decisions.md"
    with pytest.raises(FlashsaleError, match="is not there"):
        write_report(FOUND, Hands(), "x", page)
    page.write_text(f"<!-- {SECTION}: start -->\n")
    with pytest.raises(FlashsaleError, match="put them back"):
        write_report(FOUND, Hands(), "x", page)


def test_result_figures_say_short_where_a_goal_is_missed() -> None:
    verdicts = {one.name: one.verdict for one in figures(FOUND)}
    assert set(verdicts.values()) == {"ok", "short"}
    assert {name for name, verdict in verdicts.items() if verdict == "short"} == {
        "counterfactual_demo_worth_change_low",
        "counterfactual_eleven_eleven_worth_change_low",
        "counterfactual_flat_margin_change_worst",
    }
    worse = [compared(one.scenario, one.policy, saved=0.09, margin=0.2) for one in FOUND]
    short = {one.name for one in figures(worse) if one.verdict == "short"}
    assert "counterfactual_demo_lost_units_down" in short
    assert "counterfactual_demo_lost_units_down_low" in short
    assert "counterfactual_demo_turned_away_down" in short
    assert "counterfactual_demo_worth_change_low" not in short


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seeds", "104-101"), "neither a seed nor a range"),
        (("--workers", "0"), "number of processes from 1 to 256"),
        (("--minutes", "0"), "number of minutes from 1"),
        (("--policy", "wish"), "invalid choice"),
    ],
)
def test_wrong_options_are_told(arguments: tuple[str, str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--reaction", "1"), "reaction of 1 minutes"),
        (("--attention", "0"), "attention 0"),
        (("--supply", "-1"), "supply share -1.0"),
        (("--scenario", "nowhere"), "scenario nowhere"),
        (("--decisions", "nowhere.toml"), "decision rules nowhere.toml"),
        (("--seeds", "7"), "seed 7: calibrations are fitted on it"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(arguments: tuple[str, str], told: str) -> None:
    options = parsed("--calibration", "none", "--workers", "1", *arguments)
    with pytest.raises(FlashsaleError, match=told):
        options.run(options)


def test_the_command_compares_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--scenario flat --seeds 101 --minutes 2 --policy velocity --workers 1 --calibration none"
    options = parsed(*arguments.split())
    assert options.run(options) == 0
    told = capsys.readouterr()
    assert "restocks at S/v" in told.out
    assert "2 of 2 sales: flat, seed 101, velocity" in told.err
