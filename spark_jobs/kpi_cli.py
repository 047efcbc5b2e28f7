"""`flashsale-kpi`: run the minute job by hand, or compute past minutes again."""

import argparse
import sys
from datetime import datetime

from flashsale.errors import FlashsaleError, exit_with_one_line
from flashsale.log_setup import configure_logging
from flashsale.minutes import floor_minute, parse_iso
from flashsale.settings import load_settings


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_main)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="flashsale-kpi", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="compute one minute and publish it, or a past range without publishing")
    run.add_argument("--at", help="end of the minute, ISO 8601 UTC (default: the last whole minute)")
    run.add_argument("--from", dest="start", help="first minute of a range to compute again")
    run.add_argument("--to", dest="end", help="end of the range (exclusive)")
    run.add_argument("--sale", help="sale_id (default: the live sale)")
    arguments = parser.parse_args()

    from spark_jobs import minute_kpis  # the Spark client is slow to import; --help should not be

    settings = load_settings()
    configure_logging("flashsale-kpi", "WARNING")
    if (arguments.start is None) != (arguments.end is None):
        raise FlashsaleError("flashsale-kpi run: --from and --to go together")
    if arguments.start is not None:
        start, end = _moment("--from", arguments.start), _moment("--to", arguments.end)
        count = minute_kpis.backfill(settings, start, end, arguments.sale)
        print(f"computed {count} minutes; the published snapshot is untouched")
        return 0
    at = floor_minute(_moment("--at", arguments.at)) if arguments.at else None
    print(minute_kpis.run(settings, at, arguments.sale).line())
    return 0


def _moment(option: str, text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise FlashsaleError(f"{option} {text!r}: should be ISO 8601, such as 2026-11-11T09:00Z") from error


if __name__ == "__main__":
    sys.exit(main())
