"""``flashsale-evaluate counterfactual``: what following the action table is worth on unseen sales."""

import argparse
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.calibration_files import the_calibration
from evaluation.counterfactual import QUICK_SEEDS, SCENARIOS, SEEDS, compare, counterfactual_case
from evaluation.counterfactual_report import DOCUMENT, printed, write_report
from evaluation.policy import DECISIONS, POLICIES, Hands
from flashsale.calibration import Calibration
from flashsale.decisions.rules import load_decision_rules
from flashsale.errors import FlashsaleError

_SEEDS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_MOST_SEEDS = 1000


def add_command(commands: Any) -> None:
    """Add the sub-command to ``commands``, what ``ArgumentParser.add_subparsers`` gives."""
    told = "simulate sales with and without following the action table, and compare them"
    command = commands.add_parser("counterfactual", help=told, description=f"{told[0].upper()}{told[1:]}.")
    usual = Hands()
    command.add_argument("--scenario", nargs="+", default=SCENARIOS, metavar="NAME", help=" ".join(SCENARIOS))
    command.add_argument("--seeds", type=_seeds, nargs="+", metavar="N", help=f"default: {SEEDS[0]}-{SEEDS[-1]}")
    command.add_argument("--quick", action="store_true", help=f"seeds {QUICK_SEEDS[0]}-{QUICK_SEEDS[-1]}")
    command.add_argument("--policy", nargs="+", choices=tuple(POLICIES), default=tuple(POLICIES), help="who acts")
    command.add_argument(
        "--reaction", type=int, default=usual.reaction_minutes, metavar="MIN", help="minutes until people act"
    )
    command.add_argument(
        "--attention", type=int, default=usual.attention, metavar="N", help="actions a minute, at most"
    )
    command.add_argument(
        "--supply",
        type=float,
        default=usual.supply_share,
        metavar="SHARE",
        help="budget for the supplier's units, share of what the opening stock cost",
    )
    command.add_argument("--minutes", type=_minutes, default=0, metavar="N", help="end the sales early")
    command.add_argument("--decisions", type=Path, default=DECISIONS, metavar="FILE", help="costs and lead times")
    command.add_argument(
        "--calibration", metavar="FILE", help="file of configs/calibration, or none (default: the one there is)"
    )
    command.add_argument("--workers", type=_workers, default=os.cpu_count() or 1, metavar="N", help="processes")
    command.add_argument("--write", action="store_true", help=f"figures and picture into {DOCUMENT.name}")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare, print, and with --write update docs/decisions.md; raises FlashsaleError."""
    hands = Hands(
        reaction_minutes=options.reaction,
        attention=options.attention,
        supply_share=options.supply,
        rules=load_decision_rules(options.decisions),
    )
    hands = replace(hands, calibration=chosen_calibration(options.calibration))
    cases = [
        counterfactual_case(scenario, seed, options.minutes)
        for scenario in dict.fromkeys(options.scenario)
        for seed in _chosen(options)
    ]
    found = compare(cases, hands, options.workers, progress(), tuple(dict.fromkeys(options.policy)))
    sys.stdout.write(printed(found) + "\n")
    if options.write:
        write_report(found, hands, "flashsale-evaluate counterfactual --write" + (" --quick" * options.quick))
    return 0


def chosen_calibration(named: str | None) -> Calibration:
    """That of the file `named`; ``none`` or None while nothing is fitted: uncalibrated.  Raises FlashsaleError."""
    return Calibration() if named == "none" else the_calibration(None if named is None else Path(named))


def progress() -> "Any":
    """Says each line on stderr with the seconds since the start."""
    begin = time.monotonic()

    def say(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begin:5.0f} s  {line}\n")

    return say


def _chosen(options: argparse.Namespace) -> list[int]:
    if options.seeds is None:
        return list(QUICK_SEEDS if options.quick else SEEDS)
    seeds = sorted({seed for one in options.seeds for seed in one})
    if len(seeds) > _MOST_SEEDS:
        raise FlashsaleError(f"--seeds: {len(seeds)} of them; take at most {_MOST_SEEDS}")
    return seeds


def _seeds(text: str) -> range:
    match = _SEEDS.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
    if last < first or last - first >= _MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a seed nor a range such as 101-104")
    return range(first, last + 1)


def _workers(text: str) -> int:
    return _number(text, 1, 256, "a number of processes")


def _minutes(text: str) -> int:
    return _number(text, 1, 10_080, "a number of minutes")


def _number(text: str, least: int, most: int, what: str) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {least} to {most}")
    return int(text)
