"""``flashsale-generate plan``."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from flashsale.scenario import load_scenario
from flashsale.settings import load_settings
from generator.option_types import whole_number
from generator.running.parquet_folder import UNFINISHED, file_errors, put_in_place

PNG, HTML = "plan.png", "plan.html"


def add_parser(commands: Any) -> None:
    """Add `plan` to the sub-commands."""
    parser = commands.add_parser(
        "plan",
        help="what to expect before the day: totals, peak, first stockouts, size on disk; needs no MongoDB",
        description="What to expect of a scenario if demand keeps to its plan and shipments to their announcement.",
    )
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="the scenario (default: FLASHSALE_SALE)")
    parser.add_argument("--to", type=Path, metavar="DIR", help=f"also draw it, into DIR/{PNG} and DIR/{HTML}")
    parser.add_argument(
        "--top", type=whole_number, default=10, metavar="N", help="how many stockouts to list (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="all figures as one line of JSON; money in minor units")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit code 0.  Raises ScenarioError, and FlashsaleError when the pictures cannot be written."""
    # What a running generator needs not load.
    from tqdm import tqdm

    from generator.planning.plan import Plan, plan_sale
    from generator.planning.report import as_json, lines

    settings = load_settings()
    scenario = load_scenario(options.scenario or settings.sale)
    bar = partial(tqdm, unit=" minutes", file=sys.stderr, disable=None, leave=False)
    plan: Plan = plan_sale(scenario, scenario.seed, watch=bar)
    if options.to is not None:
        draw(plan, settings.currency, options.to)
    if options.json:
        text = as_json(plan, settings, options.top)
    else:
        pictures = ["", f"pictures: {options.to / PNG}, {options.to / HTML}"] if options.to is not None else []
        text = "\n".join([*lines(plan, settings, options.top), *pictures])
    sys.stdout.write(f"{text}\n")
    return 0


def draw(plan: Any, currency: str, folder: Path) -> None:
    """Both pictures of `plan` into `folder`, each under its name only once it is whole."""
    from generator.planning.picture_frame import frame
    from generator.planning.picture_html import write_html
    from generator.planning.picture_png import write_png

    content = frame(plan, currency)
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in ((PNG, write_png), (HTML, write_html)):
            unfinished = folder / (name + UNFINISHED)
            write(content, unfinished)
            put_in_place(unfinished, folder / name)
