"""``python -m benchmarks.forecast``: how good forecast and actions are on unseen sales, and what the forecast costs."""

import argparse
import os
import sys

from benchmarks import counterfactual
from benchmarks.forecast_share import forecast_share
from benchmarks.report import Figure, print_figures
from evaluation.backtest import SCENARIOS, backtest, case_of
from evaluation.calibration_files import climatology, the_calibration
from evaluation.cli import FEW_SEEDS, QUICK_SCENARIOS, TEST_SEEDS
from evaluation.report import markdown_figures, replace_forecast_section
from evaluation.summary import ALL, Group, groups, skill
from flashsale.calibration import HORIZONS
from flashsale.errors import exit_with_one_line
from flashsale.minutes import utc_now

USUAL, NONE, LARGE = 0.3, 0.0, 0.6
_REFERENCES = {"velocity": ("sv", ">=0.30"), "plan_aware": ("plan_aware", ">=0.10"), "climatology": ("climatology", "")}


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{len(TEST_SEEDS)} seeds and all scenarios")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full))


def _run(full: bool) -> int:
    calibration = the_calibration(None)
    scenarios, seeds = (SCENARIOS, TEST_SEEDS) if full else (QUICK_SCENARIOS, FEW_SEEDS)
    cases = [
        case_of(scenario, seed, sigma) for sigma in (USUAL, NONE, LARGE) for seed in seeds for scenario in scenarios
    ]
    found = groups(backtest(cases, calibration, climatology(), os.cpu_count() or 1))
    quality = [figure for group in found if group.scenario == ALL for figure in figures_of(group)]
    figures = [*quality, *counterfactual.figures(counterfactual.measured(full)), *forecast_share()]
    print_figures(figures)
    replace_forecast_section(
        "bench-forecast",
        f"Command: `make bench-forecast{' FULL=1' if full else ''}`, {utc_now():%Y-%m-%d}. Calibration "
        f"`{calibration.calibration_id}`, backtest on seeds {', '.join(map(str, seeds))} of {', '.join(scenarios)}; "
        "the counterfactual's seeds and scenarios stand in decisions.md.",
        markdown_figures((f.meaning, f.told, f.name) for f in figures),
    )
    return 0


def figures_of(group: Group) -> list[Figure]:
    """What the forecast is held to, of all sales of one plan error; goals where there are any."""
    suffix = "" if group.sigma == USUAL else f"_sigma_{group.sigma}"
    held, tally, told = group.sigma == USUAL, group.tally, f"plan error {group.sigma}"
    found = []
    for name, (short, goal) in _REFERENCES.items():
        for row, horizon in enumerate(HORIZONS):
            measured = group.measured(skill(name, row))
            meaning = f"{told}: skill over {short} at {horizon} min [{measured.low:.2f}, {measured.high:.2f}]"
            figure = f"forecast_skill_{short}_{horizon}{suffix}"
            found.append(Figure(figure, measured.value, "", meaning, goal if held else ""))
    close = (group.sigma or 0.0) <= USUAL
    coverage = f"forecast_coverage{suffix}", tally.coverage
    return [
        *found,
        Figure(*coverage, "", f"{told}: coverage of the 80 % interval", ">=0.77" if close else ""),
        Figure(
            f"forecast_coverage_most{suffix}",
            tally.coverage,
            "",
            f"{told}: the same from above",
            "<=0.83" if close else "",
        ),
        Figure(
            f"forecast_warned{suffix}",
            tally.warned,
            "",
            f"{told}: stockouts warned of 10 min ahead",
            ">=0.90" if held else "",
        ),
        Figure(
            f"forecast_precision{suffix}",
            tally.alert_precision,
            "",
            f"{told}: alerts that came true within 30 min",
            ">=0.75" if held else "",
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
