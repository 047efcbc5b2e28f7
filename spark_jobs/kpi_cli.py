"""`flashsale-kpi`: run the minute job by hand, compute past minutes again, or replay archived ones."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from flashsale.errors import exit_with_one_line
from flashsale.log_setup import configure_logging
from flashsale.minutes import utc_now
from flashsale.settings import load_settings
from spark_jobs.kpi_arguments import asked_for


class OneLineParser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; `{self.prog} --help` tells more\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 0 when done, 1 after a failure, 2 for unknown options, each told in one line."""
    options = _parser().parse_args(arguments)
    command = {"run": _run, "replay": _replay, "submit-conf": _submit_conf}[options.command]
    return exit_with_one_line(lambda: command(options))


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="flashsale-kpi", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="compute one minute and publish it, or a past range without publishing")
    run.add_argument("--at", metavar="T", help="end of the minute, such as 2026-11-11T09:00Z (default: the last one)")
    run.add_argument("--from", dest="start", metavar="T", help="first minute of a range to compute again")
    run.add_argument("--to", dest="end", metavar="T", help="end of the range (exclusive)")
    run.add_argument("--sale", metavar="ID", help="sale_id (default: the live sale)")
    replay = commands.add_parser(
        "replay", help="compute archived minutes again and compare them with what was published"
    )
    replay.add_argument("--from", dest="start", metavar="T", required=True, help="first minute, 2026-11-11T09:00Z")
    replay.add_argument("--to", dest="end", metavar="T", required=True, help="end of the range (exclusive)")
    replay.add_argument("--sale", metavar="ID", help="sale_id (default: the live sale)")
    conf = commands.add_parser("submit-conf", help="write the properties file with which spark-submit runs this job")
    conf.add_argument("--master", default="local[*]", help="spark://HOST:PORT, local[N], ... (default: local[*])")
    return parser


def _run(options: argparse.Namespace) -> int:
    asked = asked_for(options.at, options.start, options.end, utc_now())
    settings = load_settings()
    configure_logging("flashsale-kpi", "WARNING")

    # The Spark client is slow to import; --help and a wrong time should not wait for it.
    from spark_jobs import minute_kpis
    from spark_jobs.past_minutes import compute_range, find_sale_of

    sale = find_sale_of(settings, options.sale, asked)
    if asked.start is not None and asked.end is not None:
        count = compute_range(settings, sale, asked.start, asked.end)
        print(f"computed {count} minutes of sale {sale.sale_id}; the published snapshot is untouched")
        return 0
    print(minute_kpis.run(settings, asked.at, sale.sale_id).line())
    return 0


def _replay(options: argparse.Namespace) -> int:
    asked = asked_for(None, options.start, options.end, utc_now())
    settings = load_settings()
    configure_logging("flashsale-kpi", "WARNING")

    from spark_jobs.replay import Verdict, replay

    if asked.start is None or asked.end is None:
        raise ValueError("the parser lets no half range through")
    counts = dict.fromkeys(Verdict, 0)
    for minute in replay(settings, options.sale, asked.start, asked.end):
        counts[minute.verdict] += 1
        print(minute.line(), flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
    return 0 if counts[Verdict.OK] and not counts[Verdict.DIFFERS] else 1


def _submit_conf(options: argparse.Namespace) -> int:
    from spark_jobs.submit_properties import write_submit_properties
    from spark_jobs.submitted_session import SUBMITTED

    path = write_submit_properties(load_settings(), options.master)
    submit = Path(sys.executable).with_name("spark-submit")
    # The second variable is where spark-submit's own script finds Spark, outside an activated environment.
    variables = f"FLASHSALE_SPARK_REMOTE={SUBMITTED} PYSPARK_PYTHON={sys.executable}"
    print(f"{variables} {submit} --properties-file {path} {__file__} run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
