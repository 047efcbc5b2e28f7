"""``flashsale-evaluate``: how good the forecast is, on simulated sales that it was not fitted on."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from evaluation.backtest import SCENARIOS, SIGMAS, Scored, backtest, case_of
from evaluation.calibration_files import CALIBRATIONS, climatology, the_calibration, write
from evaluation.cases import Case
from evaluation.counterfactual_cli import add_command as add_counterfactual
from evaluation.fitting import fit
from evaluation.report import write_report
from evaluation.summary import groups, printed
from flashsale.calibration import Calibration
from flashsale.errors import FlashsaleError, exit_with_one_line

QUICK_SCENARIOS = ("demo", "restock_rescue", "cascade", "bot_burst")
TEST_SEEDS, FEW_SEEDS = tuple(range(201, 207)), (201, 202)
"""Unseen seeds at the usual plan error; the first ones at the others, and of a quick run."""
FIT_SEEDS = tuple(range(1, 5))
FIT_SIGMA = 0.3
_SEEDS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_MOST_SEEDS = 1000


class _OneLineParser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; `{self.prog} --help` tells more\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 0 when done, 1 after a failure, 2 for wrong options, each told in one line."""
    options = _parser().parse_args(arguments)
    return exit_with_one_line(lambda: options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="flashsale-evaluate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_OneLineParser)
    add_counterfactual(commands)
    for name, run, told in (
        ("backtest", _backtest, "forecast every minute of unseen sales and score it"),
        ("report", _report, "the same, with tables and pictures for docs/forecast.md"),
    ):
        command = commands.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
        _sales_options(command, f"{TEST_SEEDS[0]}-{TEST_SEEDS[-1]}")
        command.add_argument("--sigma", type=_sigma, nargs="+", metavar="S", help="plan errors (default: 0 0.3 0.6)")
        command.add_argument(
            "--calibration", metavar="FILE", help="file of configs/calibration, or none (default: the one there is)"
        )
        command.add_argument("--quick", action="store_true", help="two seeds and four scenarios: about 3 minutes")
        command.set_defaults(run=run)
    command = commands.add_parser(
        "fit", help="fit a calibration on training seeds", description="Fit a calibration on training sales."
    )
    _sales_options(command, f"{FIT_SEEDS[0]}-{FIT_SEEDS[-1]}")
    command.add_argument("--to", type=Path, default=CALIBRATIONS, metavar="DIR", help="default: configs/calibration")
    command.set_defaults(run=_fit)
    return parser


def _sales_options(command: Any, seeds: str) -> None:
    command.add_argument("--scenario", nargs="+", metavar="NAME", help=f"default: {' '.join(SCENARIOS)}")
    command.add_argument(
        "--seeds", type=_seeds, nargs="+", metavar="N", help=f"such as 3 or 101-104 (default: {seeds})"
    )
    command.add_argument(
        "--workers", type=_workers, default=os.cpu_count() or 1, metavar="N", help="processes (default: one per core)"
    )


def _backtest(options: argparse.Namespace) -> int:
    scored, _ = _scored(options)
    sys.stdout.write(printed(groups(scored)) + "\n")
    return 0


def _report(options: argparse.Namespace) -> int:
    scored, calibration = _scored(options)
    found = groups(scored)
    command = " ".join(["flashsale-evaluate", *sys.argv[1:]])
    write_report(found, command, calibration.calibration_id)
    sys.stdout.write(printed(found) + "\n")
    return 0


def _scored(options: argparse.Namespace) -> tuple[list[Scored], Calibration]:
    calibration = Calibration() if options.calibration == "none" else the_calibration(_path(options.calibration))
    scenarios = options.scenario or (QUICK_SCENARIOS if options.quick else SCENARIOS)
    cases = [
        case_of(scenario, seed, sigma)
        for sigma in options.sigma or SIGMAS
        for seed in _chosen(options.seeds, TEST_SEEDS if sigma == FIT_SIGMA and not options.quick else FEW_SEEDS)
        for scenario in scenarios
    ]
    return backtest(cases, calibration, climatology(), options.workers), calibration


def _fit(options: argparse.Namespace) -> int:
    cases: list[Case] = [
        case_of(scenario, seed, FIT_SIGMA)
        for seed in _chosen(options.seeds, FIT_SEEDS)
        for scenario in options.scenario or SCENARIOS
    ]
    fitted = fit(cases, options.workers, _say)
    sys.stdout.write(f"{write(fitted, options.to)}\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _path(named: str | None) -> Path | None:
    return None if named is None else Path(named)


def _chosen(ranges: list[range] | None, otherwise: Sequence[int]) -> list[int]:
    seeds = sorted({seed for one in ranges for seed in one}) if ranges else list(otherwise)
    if len(seeds) > _MOST_SEEDS:
        raise FlashsaleError(f"--seeds: {len(seeds)} of them; take at most {_MOST_SEEDS}")
    return seeds


def _seeds(text: str) -> range:
    match = _SEEDS.fullmatch(text)
    first = int(match[1]) if match else 0
    last = int(match[2] or match[1]) if match else -1
    if last < first:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a seed nor a range such as 101-104")
    return range(first, last + 1)


def _sigma(text: str) -> float:
    try:
        sigma = float(text)
    except ValueError:
        sigma = -1.0
    if not 0 <= sigma <= 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a plan error from 0 to 2")
    return sigma


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 256")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
