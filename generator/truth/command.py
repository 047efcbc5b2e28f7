"""``flashsale-generate truth``: `export` and `summary`."""

import argparse
from pathlib import Path
from typing import Any

from generator.option_types import moment, whole_number


def add_parser(commands: Any) -> None:
    """Add `truth` to the sub-commands."""
    parser = commands.add_parser(
        "truth",
        help="what no real shop has: lost demand and true stockouts, for evaluation only",
        description="Lost demand, true stockout times and actual intensity: for evaluation only. The sale is simulated "
        "again, from MongoDB only its identity is read.",
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="export|summary")
    export = parts.add_parser("export", help="write it as Parquet")
    export.add_argument(
        "--to", type=Path, metavar="DIR", help="folder (default: runs/<sale_id>/truth below FLASHSALE_HOME)"
    )
    export.add_argument(
        "--force", action="store_true", help="also when MongoDB holds another sale than this version simulates"
    )
    summary = parts.add_parser("summary", help="show the totals and the first stockouts")
    summary.add_argument(
        "--top", type=whole_number, default=10, metavar="N", help="how many stockouts to list (default: 10)"
    )
    summary.add_argument("--json", action="store_true", help="one line of JSON; money in minor units")
    for one in (export, summary):
        which = one.add_mutually_exclusive_group()
        which.add_argument("--sale", metavar="ID", help="sale_id (default: the live sale)")
        which.add_argument("--scenario", type=Path, metavar="FILE", help="without MongoDB: the sale of this scenario")
        one.add_argument(
            "--start", type=moment, metavar="T", help="with --scenario: start of the sale (summary: it ends now)"
        )
        one.add_argument(
            "--until", type=moment, metavar="T", help="up to this moment (default: now, or the end of the sale)"
        )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit code 0.  Raises FlashsaleError."""
    # Arrow takes 40 MB, which the other commands need not pay.
    from generator.truth.job import Request, run_export, run_summary

    request = Request(options.sale, options.scenario, options.start, options.until)
    if options.part == "export":
        return run_export(request, options.to, force=options.force)
    return run_summary(request, top=options.top, as_json=options.json)
