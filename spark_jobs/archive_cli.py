"""`flashsale-archive`: run the archive job by hand, and see what was archived."""

import argparse
import sys

from flashsale.errors import exit_with_one_line
from flashsale.log_setup import configure_logging
from flashsale.minutes import iso
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.sales import active_sale, find_sale


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_main)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="flashsale-archive", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("run", "archive settled facts that are old enough"), ("status", "one line per batch")):
        commands.add_parser(name, help=text).add_argument("--sale", help="sale_id (default: the live sale)")
    arguments = parser.parse_args()
    settings = load_settings()
    configure_logging("flashsale-archive", "WARNING")
    return _run(settings, arguments.sale) if arguments.command == "run" else _status(settings, arguments.sale)


def _run(settings: Settings, sale_id: str | None) -> int:
    from spark_jobs.archive_facts import run  # the Spark client is slow to import; --help should not be

    print(run(settings, sale_id).line())
    return 0


def _status(settings: Settings, sale_id: str | None) -> int:
    from spark_jobs.archive_batch import BatchStore

    with mongo_errors("archive status"), mongo_client(settings, "jobs") as mongo:
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        batches = BatchStore(mongo[sale.database]).all()
    for batch in batches:
        print(
            f"{batch.table:<15} {iso(batch.start)} to {iso(batch.end)}  "
            f"{batch.state.value:<9} {batch.seal.rows:>9,} facts"
        )
    print(f"sale {sale.sale_id}: {len(batches)} batches, {sum(b.seal.rows for b in batches):,} facts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
