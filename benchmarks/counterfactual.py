"""``python -m benchmarks.counterfactual``: what following the action table is worth, on sales nobody was fitted on."""

import argparse
import os
import sys

from benchmarks.report import Figure, print_figures
from evaluation.counterfactual import QUICK_SEEDS, SCENARIOS, SEEDS, Comparison, compare, counterfactual_case
from evaluation.counterfactual_cli import chosen_calibration, progress
from evaluation.counterfactual_report import printed, write_report
from evaluation.policy import Hands
from flashsale.errors import exit_with_one_line

CAMPAIGNS = ("demo", "eleven_eleven")
LEAST_SAVED = 0.30


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counterfactual", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{len(SEEDS)} seeds instead of {len(QUICK_SEEDS)}")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full))


def _run(full: bool) -> int:
    found = measured(full)
    sys.stdout.write(printed(found) + "\n\n")
    print_figures(figures(found))
    return 0


def measured(full: bool, workers: int | None = None) -> list[Comparison]:
    """Simulate and compare, and write the section and the picture of docs/decisions.md; raises FlashsaleError."""
    hands = Hands(calibration=chosen_calibration(None))
    cases = [counterfactual_case(name, seed) for name in SCENARIOS for seed in (SEEDS if full else QUICK_SEEDS)]
    found = compare(cases, hands, workers or os.cpu_count() or 1, progress())
    write_report(found, hands, "make bench-forecast" + (" FULL=1" if full else ""))
    return found


def figures(found: list[Comparison]) -> list[Figure]:
    """RESULT figures: the table's followers against waiting, and against the rival; shares, not percent."""
    of = {(one.scenario, one.policy): one for one in found}
    told: list[Figure] = []
    for name in CAMPAIGNS:
        told += _campaign(name, of[name, "table"], of[name, "velocity"])
    flat, rival = of["flat", "table"], of["flat", "velocity"]
    return [
        *told,
        _figure("flat", "lost_units_down_worst", flat.units.least, "lost units down, worst seed", ">=0"),
        _figure(
            "flat", "margin_change_worst", flat.margin.least, "change of margin, share of revenue, worst seed", ">=0"
        ),
        _figure("flat", "rival_margin_change", rival.margin.mean, "the rival's change of margin, mean"),
    ]


def _campaign(name: str, table: Comparison, rival: Comparison) -> list[Figure]:
    return [
        _figure(name, "turned_away_down", table.turned_away.mean, "units turned away down, mean", f">={LEAST_SAVED}"),
        _figure(name, "turned_away_down_low", table.turned_away.low, "its interval's lower end", ">=0"),
        _figure(
            name,
            "lost_units_down",
            table.units.mean,
            "turned away or kept away by paused ads, down, mean",
            f">={LEAST_SAVED}",
        ),
        _figure(name, "lost_units_down_low", table.units.low, "its interval's lower end", ">=0"),
        _figure(name, "lost_value_down", table.value.mean, "lost sales in money down, mean", f">={LEAST_SAVED}"),
        _figure(name, "lost_value_down_low", table.value.low, "its interval's lower end", ">=0"),
        _figure(name, "lost_margin_down", table.earning.mean, "margin of lost sales that earn any down, mean"),
        _figure(name, "margin_change", table.margin.mean, "change of margin, share of revenue, mean"),
        _figure(name, "margin_change_low", table.margin.low, "its interval's lower end"),
        _figure(name, "worth_change", table.worth.mean, "change of margin and goodwill, share of revenue, mean"),
        _figure(name, "worth_change_low", table.worth.low, "its interval's lower end", ">=0"),
        _figure(name, "rival_lost_units_down", rival.units.mean, "the same for who restocks at S/v <= 15 min"),
        _figure(name, "rival_margin_change", rival.margin.mean, "and that one's change of margin"),
    ]


def _figure(scenario: str, name: str, value: float, meaning: str, goal: str = "") -> Figure:
    return Figure(f"counterfactual_{scenario}_{name}", value, "", f"{scenario}: {meaning}", goal)


if __name__ == "__main__":
    sys.exit(main())
