"""``flashsale-generate import``: a file of real orders becomes a sale of its own, replayed at any speed."""

import argparse
import math
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add ``import`` to the sub-commands."""
    parser = commands.add_parser(
        "import", help="store the orders of a CSV or Parquet file as a sale of its own, at any speed"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV (first line: titles) or Parquet")
    parser.add_argument("--mapping", type=Path, required=True, metavar="FILE.toml", help="what its columns mean")
    parser.add_argument(
        "--speed",
        type=_speed,
        metavar="N",
        help="max (default): at their own times, as fast as MongoDB stores them; or N >= 1: N times as fast as they "
        "came, moved in time to meet the clock at the end, as the live sale",
    )
    parser.add_argument(
        "--rejects", type=Path, metavar="PATH", help="where rejected rows go (default: FILE's name.rejected.csv)"
    )
    parser.add_argument("--switch", action="store_true", help="with --speed N: end a sale that is live now")
    parser.add_argument("--dry-run", action="store_true", help="read and check only; needs no MongoDB")
    parser.add_argument("--json", action="store_true", help="tell progress and result as JSON lines on stdout")
    parser.set_defaults(run=run)


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 1 <= speed < math.inf:
        raise argparse.ArgumentTypeError(f"must be max or a number of at least 1, got {text!r}")
    return speed


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when all good rows are stored, 130 when told to stop before.  Raises FlashsaleError."""
    # Arrow takes 40 MB, which the other commands need not pay.
    from generator.importing.import_job import run_import

    rejects = options.rejects or options.file.with_name(f"{options.file.stem}.rejected.csv")
    return run_import(
        options.file,
        options.mapping,
        options.speed,
        rejects,
        dry_run=options.dry_run,
        switch=options.switch,
        as_json=options.json,
    )
