"""`flashsale-archive`: archive by hand, and look at, query, check, restore and compact what was archived."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from flashsale.errors import FlashsaleError, exit_with_one_line
from flashsale.log_setup import configure_logging
from flashsale.settings import load_settings
from spark_jobs.kpi_cli import OneLineParser

# What a command needs is imported when it runs: Spark's client and DuckDB are slow to import, and --help should not be.


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 0 when done, 1 after a failure or a finding, 2 for unknown options, each told in one line."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    return exit_with_one_line(lambda: _piped(command, options))


def _piped(command: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    configure_logging("flashsale-archive", "WARNING")
    try:
        code = command(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough (`... | head`); Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="flashsale-archive", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--sale", metavar="ID", help="sale_id (default: the live sale)")
        added.set_defaults(run=run)
        return added

    command("run", _run, "archive settled facts that are old enough")
    status = command("status", _status, "hours, states, sizes and compression; what is hot, and what is under way")
    status.add_argument("--json", action="store_true", help="the same as one JSON object")
    query = command("query", _query, "SQL over the archive; conditions on date and hour leave out the other files")
    query.add_argument("statement", metavar="SELECT", help="one SELECT over the archived tables, in DuckDB's SQL")
    form = query.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="rows as CSV with a header")
    form.add_argument("--json", action="store_true", help="rows as an array of JSON objects")
    verify = command("verify", _verify, "each acknowledged id exactly once, files as published; exit code 1 if not")
    verify.add_argument("--deep", action="store_true", help="read every file to its last byte: SHA-256 and sums too")
    restore = command("restore", _restore, "an archived hour back into MongoDB, beside the live collections")
    restore.add_argument("--date", metavar="YYYY-MM-DD", required=True, help="day of the hour, UTC")
    restore.add_argument("--hour", metavar="HH", required=True, help="hour of the day, UTC: 0 to 23")
    restore.add_argument("--table", metavar="NAME", help="one table (default: both facts; with --into orders_fact)")
    restore.add_argument("--into", metavar="COLLECTION", help="where to (default: <table>_restored)")
    restore.add_argument(
        "--force", action="store_true", help="even into the live collection: each id then stands twice"
    )
    command("compact", _compact, "make one file of the small ones of each closed hour")
    return parser


def _run(options: argparse.Namespace) -> int:
    from spark_jobs.archive_facts import run

    print(run(load_settings(), options.sale).line())
    return 0


def _status(options: argparse.Namespace) -> int:
    from spark_jobs.archive_tools.status import status

    found = status(load_settings(), options.sale)
    _print([json.dumps(found.plain(), indent=1)] if options.json else found.lines())
    return 0


def _query(options: argparse.Namespace) -> int:
    from spark_jobs.archive_tools.opened import opened
    from spark_jobs.archive_tools.rows_as_text import as_csv, as_json, as_table
    from spark_jobs.archive_tools.sql_views import select, sql_errors, sql_views

    write = as_csv if options.csv else as_json if options.json else as_table
    with opened(load_settings(), options.sale, "query") as archive, sql_views(archive) as connection:
        rows = select(connection, options.statement)
        with sql_errors():
            _print(write(rows))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from spark_jobs.archive_tools.verify import verify

    report = verify(load_settings(), options.sale, deep=options.deep)
    _print(f"finding: {line}" for line in report.findings)
    _print(f"note: {line}" for line in report.notes)
    print(report.line())
    return 1 if report.findings else 0


def _restore(options: argparse.Namespace) -> int:
    hour = _hour(options.date, options.hour)
    from spark_jobs.archive_tools.restore import restore

    done = restore(load_settings(), options.sale, hour, options.table, options.into, force=options.force)
    _print(one.line() for one in done)
    return 0


def _compact(options: argparse.Namespace) -> int:
    from spark_jobs.archive_tools.compact import compact

    hours = 0
    for done in compact(load_settings(), options.sale):
        hours += 1
        print(done.line(), flush=True)
    print(f"{hours:,} {'hour' if hours == 1 else 'hours'} compacted")
    return 0


def _hour(date: str, hour: str) -> datetime:
    try:
        day = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise FlashsaleError(f"--date {date!r}: must be a day such as 2026-11-11") from error
    if not hour.isdecimal() or int(hour) > 23:
        raise FlashsaleError(f"--hour {hour!r}: must be 0 to 23, an hour of the day in UTC")
    return day.replace(hour=int(hour))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
