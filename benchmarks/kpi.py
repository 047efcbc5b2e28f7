"""``python -m benchmarks.kpi``: what a run of the minute engine costs, against floors and rivals in the same run.

The whole job is measured, from reading the sale to the snapshot read back from Redis, on real
services, warm; every figure is a ratio of medians of measurements taken in turns.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from benchmarks.bounded import bounded
from benchmarks.kpi_measures import Series, cold_scan, drain, on_cores, run_minute, say, warm_scan
from benchmarks.kpi_sale import PAIRS, BenchSale
from benchmarks.report import Figure, print_figures, write_section
from embedded.config import Sizes, isolated_config
from embedded.stack import Stack
from flashsale.errors import exit_with_one_line
from flashsale.minutes import MINUTE, floor_minute, utc_now
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.redis_client import redis_errors
from spark_jobs import minute_kpis

Measure = Callable[[], float]

LARGE_MINUTE, QUIET_MINUTE, CHANGES = 1_000_000, 50_000, 20_000
WINDOW, WINDOW_ORDERS = 15, 300_000
NEW_ORDERS = 100_000
STORED = (1_000_000, 5_000_000)
FULL_STORED = (1_000_000, 69_000_000)
STORED_MINUTES = 20
WARM_UPS, REPEATS = 3, 5
LONGEST_SECONDS, LONGEST_FULL_SECONDS = 900, 3600


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kpi", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"store {FULL_STORED[1]:,} orders instead of {STORED[1]:,}")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full))


def _run(full: bool) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="flashsale-bench-") as home,
        Stack(replace(isolated_config(Path(home)), sizes=Sizes()), say) as stack,
        bounded("benchmarks.kpi", LONGEST_FULL_SECONDS if full else LONGEST_SECONDS),
        mongo_errors("benchmark"),
        redis_errors("benchmark"),
    ):
        settings = stack.config.settings
        stack.start("mongo", "redis", "spark")
        start = floor_minute(utc_now()) - 200 * MINUTE
        with mongo_client(settings, "owner") as owner, mongo_client(settings, "generator") as writer:
            figures = [
                *_large_minute(stack, settings, owner, writer, start),
                *_against_scans(settings, owner, writer, start),
                *_stored(settings, owner, writer, start, FULL_STORED if full else STORED),
            ]
    print_figures(figures)
    write_section(
        "kpi",
        "A run of the minute engine",
        f"python -m benchmarks.kpi{' --full' if full else ''}",
        f"5,000 SKUs, 10 warehouses ({PAIRS:,} pairs), 50 cities. The whole job, warm, from reading the sale to the "
        f"snapshot read back; medians of {REPEATS} after {WARM_UPS} runs that are not counted, each in turns with what "
        "it is compared with. The drain takes over exactly the facts that the run has to read, as raw documents, and "
        "does nothing with them. The scans read the whole window and compute stock ÷ velocity alone.",
        [figures],
    )
    return 0


def _large_minute(stack: Stack, settings: Settings, owner: Client, writer: Client, start: datetime) -> list[Figure]:
    """(a) against the drain of what it must read, (d) on two cores against one."""
    bench = BenchSale.open("bench_large", start, settings, owner, writer)
    say(f"storing {LARGE_MINUTE:,} orders in one minute")
    bench.write(0, QUIET_MINUTE, PAIRS)
    bench.write(1, QUIET_MINUTE, CHANGES)
    bench.write(2, LARGE_MINUTE, PAIRS)
    bench.acked_through(2)
    minute_kpis.backfill(settings, start, bench.end_of(1), bench.sale.sale_id)
    span = bench.end_of(1), bench.end_of(2)
    with mongo_client(settings, "jobs") as jobs:
        database = jobs[bench.sale.database]
        say("runs and drains in turns")
        runs, drains = _in_turns(
            lambda: run_minute(bench, settings, 2, LARGE_MINUTE), lambda: drain(database, *span), REPEATS
        )
    say("the same on one core")
    with on_cores(stack.config, 1):
        one, _ = _in_turns(lambda: run_minute(bench, settings, 2, LARGE_MINUTE), lambda: 0.0, 3, warm_ups=1)
    say("and on two")
    with on_cores(stack.config, 2):
        two, _ = _in_turns(lambda: run_minute(bench, settings, 2, LARGE_MINUTE), lambda: 0.0, 3, warm_ups=1)
    owner.drop_database(bench.sale.database)
    return [
        Figure(
            "kpi_run_over_drain", runs.median / drains.median, "", "run with 1 M new orders ÷ drain of them", "<=3.0"
        ),
        Figure("kpi_cores", one.median / two.median, "", "the same run on 1 core ÷ on 2", ">=1.5"),
        Figure("kpi_run_seconds", runs.median, "s", "the run"),
        Figure("kpi_drain_seconds", drains.median, "s", "the drain"),
    ]


def _against_scans(settings: Settings, owner: Client, writer: Client, start: datetime) -> list[Figure]:
    """(c) against scans of the window, warm and cold."""
    bench = BenchSale.open("bench_window", start, settings, owner, writer)
    say(f"storing a window of {WINDOW_ORDERS:,} orders")
    per_minute, last = WINDOW_ORDERS // WINDOW, WINDOW - 1
    for minute in range(WINDOW):
        bench.write(minute, per_minute, PAIRS if minute == 0 else CHANGES)
    bench.acked_through(last)
    minute_kpis.backfill(settings, start, bench.end_of(last - 1), bench.sale.sale_id)
    say("runs and warm scans in turns")
    runs, warm = _in_turns(
        lambda: run_minute(bench, settings, last, per_minute),
        lambda: warm_scan(bench, settings, bench.end_of(last)),
        REPEATS,
    )
    say("cold scans")
    cold = Series(tuple(cold_scan(bench, settings, bench.end_of(last)) for _ in range(3)))
    return [
        Figure("kpi_warm_scan", warm.median / runs.median, "", "warm scan of the window ÷ run", ">=2"),
        Figure("kpi_cold_scan", cold.median / runs.median, "", "cold spark-submit of the scan ÷ run", ">=6"),
        Figure("kpi_window_run_seconds", runs.median, "s", "the run, 20,000 new orders"),
        Figure("kpi_warm_scan_seconds", warm.median, "s", "the warm scan, 300,000 orders"),
        Figure("kpi_cold_scan_seconds", cold.median, "s", "the cold scan"),
    ]


def _stored(settings: Settings, owner: Client, writer: Client, start: datetime, sizes: tuple[int, int]) -> list[Figure]:
    """(b) a run with more stored against one with less."""
    bench = BenchSale.open("bench_stored", start, settings, owner, writer)
    last = STORED_MINUTES + WINDOW
    say(f"storing {sizes[0]:,} orders")
    for minute in range(STORED_MINUTES):
        bench.write(minute, sizes[0] // STORED_MINUTES, PAIRS if minute == 0 else CHANGES)
    for minute in range(STORED_MINUTES, last):
        bench.write(minute, 0, CHANGES)
    bench.write(last, NEW_ORDERS, CHANGES)
    bench.acked_through(last)
    minute_kpis.backfill(settings, start, bench.end_of(last - 1), bench.sale.sale_id)
    less, _ = _in_turns(lambda: run_minute(bench, settings, last, NEW_ORDERS), lambda: 0.0, REPEATS)
    say(f"storing {sizes[1]:,} orders")
    more_orders = (sizes[1] - sizes[0]) // STORED_MINUTES
    for minute in range(STORED_MINUTES):
        bench.add_orders(minute, more_orders)
    more, _ = _in_turns(lambda: run_minute(bench, settings, last, NEW_ORDERS), lambda: 0.0, REPEATS)
    return [
        Figure(
            "kpi_stored",
            more.median / less.median,
            "",
            f"run with {sizes[1] / 1e6:.0f} M orders stored ÷ with {sizes[0] / 1e6:.0f} M",
            "<=1.1",
        ),
        Figure("kpi_less_stored_seconds", less.median, "s", f"the run with {sizes[0] / 1e6:.0f} M stored"),
    ]


def _in_turns(one: Measure, other: Measure, repeats: int, warm_ups: int = WARM_UPS) -> tuple[Series, Series]:
    for _ in range(warm_ups):
        one()
        other()
    pairs = [(one(), other()) for _ in range(repeats)]
    say("  " + ", ".join(f"{first:.2f} / {second:.2f} s" for first, second in pairs))
    return Series(tuple(first for first, _ in pairs)), Series(tuple(second for _, second in pairs))


if __name__ == "__main__":
    sys.exit(main())
