"""``python -m benchmarks.archive``: what archiving costs, against the least it can, on real MongoDB and HDFS.

End to end: seal, write, upload, read back, publish, read back, delete.  The floors are measured over rows of the
same sale, before and after.  A second part runs minutes of the KPI engine beside the archive.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.archive_beside import beside
from benchmarks.archive_floors import Floors, measure_floors
from benchmarks.archive_pass import Pass, result_of, start_pass
from benchmarks.bounded import bounded
from benchmarks.kpi_measures import say
from benchmarks.kpi_sale import BenchSale
from benchmarks.report import Figure, print_figures, write_section
from embedded.config import Sizes, isolated_config
from embedded.stack import Stack
from flashsale.errors import FlashsaleError, exit_with_one_line
from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import MINUTE, utc_now
from flashsale.schema import KPI_STATE, ORDERS
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore, hdfs_errors
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.redis_client import redis_errors
from spark_jobs.sweep import FactSweep, KnownIds

ROWS, FULL_ROWS = 5_000_000, 69_000_000
MINUTES = 20
FLOOR_MINUTES, FLOOR_ROWS = (30, 33), 1_000_000
SMALL_BATCH, LARGE_BATCH = 250_000, 4_000_000
TURNS, FULL_TURNS = 2, 5
LONGEST_SECONDS, LONGEST_FULL_SECONDS = 1_500, 7_200


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{FULL_ROWS:,} orders instead of {ROWS:,}")
    parser.add_argument("--floors", action="store_true", help="the first part alone, without the minutes by the clock")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full, options.floors))


def _run(full: bool, floors_alone: bool) -> int:
    rows = FULL_ROWS if full else ROWS
    with (
        tempfile.TemporaryDirectory(prefix="flashsale-bench-") as home,
        Stack(replace(isolated_config(Path(home)), sizes=Sizes()), say) as stack,
        bounded("benchmarks.archive", LONGEST_FULL_SECONDS if full else LONGEST_SECONDS),
        mongo_errors("benchmark"),
        redis_errors("benchmark"),
        hdfs_errors("benchmark"),
    ):
        settings = stack.config.settings
        stack.start("mongo", "redis", "datanode", "spark")
        with mongo_client(settings, "owner") as owner, mongo_client(settings, "generator") as writer:
            figures = _against_floors(stack, settings, owner, writer, rows)
            if not floors_alone:
                figures += beside(stack, settings, owner, writer, FULL_TURNS if full else TURNS)
    print_figures(figures)
    write_section(
        "archive",
        "Archiving",
        f"python -m benchmarks.archive{' --full' if full else ''}{' --floors' if floors_alone else ''}",
        f"{rows:,} orders in {MINUTES} minutes of an hour, as the generator stores them. The floors are one client "
        "that takes the raw documents and does nothing with them, pyarrow writing sorted rows that are in memory, and "
        f"one client deleting ids it knows; each over {FLOOR_ROWS:,} orders before and after, means. Memory is the "
        "most that the archive's process held."
        + ("" if floors_alone else " Beside the archive, minutes end by the clock with 30,000 orders each."),
        [figures],
    )
    return 0


def _against_floors(stack: Stack, settings: Settings, owner: Client, writer: Client, rows: int) -> list[Figure]:
    start = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    bench = BenchSale.open("bench_archive", start, settings, owner, writer)
    say(f"storing {rows:,} orders, and {2 * FLOOR_ROWS:,} for the floors")
    for minute in range(MINUTES):
        bench.add_orders(minute, rows // MINUTES)
    for minute in FLOOR_MINUTES:
        bench.add_orders(minute, FLOOR_ROWS)
    with mongo_client(settings, "jobs") as jobs:
        before = _floors(jobs, bench, FLOOR_MINUTES[0])
        say("archiving a tenth in small batches, then the rest in large ones")
        small = _archive(stack, bench, range(MINUTES // 10), SMALL_BATCH)
        large = _archive(stack, bench, range(MINUTES // 10, MINUTES), LARGE_BATCH)
        floors = before.mean(_floors(jobs, bench, FLOOR_MINUTES[1]))
    archived = small.rows + large.rows
    if archived != rows:
        raise FlashsaleError(f"{archived:,} of {rows:,} rows were archived")
    speed = large.rows / large.seconds
    say(f"{speed:,.0f} rows/s, of the floors' sum {speed * floors.total:.2f}; memory {large.peak_mb:.0f} MB")
    return [
        Figure(
            "archive_over_floors", speed * floors.total, "", "end to end ÷ the sum of the floors, in rows/s", ">=0.75"
        ),
        Figure(
            "archive_memory_growth",
            large.peak_mb / small.peak_mb,
            "",
            f"memory, batches of {LARGE_BATCH:,} ÷ of {SMALL_BATCH:,}",
            "<=1.25",
        ),
        Figure("archive_rows_per_s", speed, "rows/s", "end to end"),
        Figure("archive_drain_floor", 1 / floors.drain, "rows/s", "floor: taken over from MongoDB"),
        Figure("archive_write_floor", 1 / floors.write, "rows/s", "floor: written as Parquet"),
        Figure("archive_delete_floor", 1 / floors.delete, "rows/s", "floor: deleted by id"),
        Figure("archive_small_rows_per_s", small.rows / small.seconds, "rows/s", "end to end in small batches"),
        Figure("archive_peak_mb", large.peak_mb, "MB", "memory of the archive's process, large batches"),
        Figure("archive_order_bytes", _parquet_bytes(settings, bench) / rows, "bytes", "an order in the archive"),
    ]


def _floors(jobs: Client, bench: BenchSale, minute: int) -> Floors:
    database = jobs[bench.sale.database]
    ahead = timedelta(seconds=30)
    sweep = FactSweep(database, KnownIds.read(database), bench.sale.sale_start, utc_now() + ahead, ahead)
    return measure_floors(database, sweep, _start_of(bench, minute), bench.end_of(minute))


def _start_of(bench: BenchSale, minute: int) -> datetime:
    return bench.end_of(minute) - MINUTE


def _archive(stack: Stack, bench: BenchSale, minutes: range, batch_rows: int) -> Pass:
    bench.database[KPI_STATE].insert_many({"_id": bench.end_of(minute), "settled": True} for minute in minutes)
    return result_of(start_pass(stack.config, bench.sale.sale_id, batch_rows, 0))


def _parquet_bytes(settings: Settings, bench: BenchSale) -> int:
    hdfs = HdfsStore(settings)
    return sum(hdfs.size(path) for path in hdfs.walk_files(SalePaths(bench.sale.sale_id).table(ORDERS.name)))


if __name__ == "__main__":
    sys.exit(main())
