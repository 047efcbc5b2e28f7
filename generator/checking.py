"""``flashsale-generate check``."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flashsale.errors import FlashsaleError, ScenarioError, one_line
from flashsale.scenario import Scenario, load_scenario

SCENARIOS = Path("configs/sales")


def add_parser(commands: Any) -> None:
    """Add `check` to the sub-commands."""
    parser = commands.add_parser(
        "check",
        help="are scenario files valid? one line for each; needs no MongoDB",
        description="Are scenario files valid? One line for each: its size, or what is wrong with it.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help=f"scenarios, or folders of them (default: {SCENARIOS})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when all are valid, else 1.  Raises FlashsaleError when there is nothing to check."""
    failed = False
    for path in _scenario_files(options.files or [SCENARIOS]):
        try:
            sys.stdout.write(f"{path}: ok, {size(load_scenario(path))}\n")
        except ScenarioError as error:
            failed = True
            sys.stdout.write(f"{one_line(error)}\n")
        sys.stdout.flush()
    return 1 if failed else 0


def size(scenario: Scenario) -> str:
    """``about 5.86 M orders wanted in 180 min, 120 products, 471 pairs in 7 warehouses``."""
    from generator.planning.planned_world import planned_world
    from generator.wording import scaled

    world, _ = planned_world(scenario, scenario.seed)
    wanted = sum(60 * float(world.effects(60 * minute).rate.sum()) for minute in range(scenario.duration_minutes))
    return (
        f"about {scaled(wanted)} orders wanted in {scenario.duration_minutes} min, "
        f"{scenario.products.count:,} products, {int(world.stocked.sum()):,} pairs in "
        f"{len(scenario.warehouses)} warehouses"
    )


def _scenario_files(named: Iterable[Path]) -> Iterator[Path]:
    """The files, and the TOML files of the folders."""
    for path in named:
        if not path.is_dir():
            if path == SCENARIOS:
                raise FlashsaleError(f"{path}: no such folder here; name the scenario files to check")
            yield path
            continue
        found = sorted(path.glob("*.toml"))
        if not found:
            raise FlashsaleError(f"{path}: holds no scenario (*.toml)")
        yield from found
