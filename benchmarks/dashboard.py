"""``python -m benchmarks.dashboard``: what viewers of the page cost one Streamlit process.

The running demo's current snapshot is copied into a Redis of the benchmark's own, and a Streamlit process of its own
shows it: what is measured is the page alone, at the demo's size.  A new minute is published while viewers look.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.cpu_meter import CpuMeter
from benchmarks.dashboard_minutes import DemoMinutes
from benchmarks.dashboard_viewers import Refreshes, Viewer, hurry, watch
from benchmarks.report import Figure, print_figures, write_section
from embedded.config import Sizes, isolated_config
from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.errors import exit_with_one_line
from flashsale.settings import load_settings
from flashsale.stores.redis_client import redis_client, redis_errors

INTERVAL_SECONDS = 5.0
MINUTE_EVERY_SECONDS = 15.0
HOUR_REFRESHES = 720
FEW, MANY = 20, 50
HURRIED_PAGES = 4
PARTS_OF_THE_HOUR = 12


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--full", action="store_true", help="look for 5 minutes instead of one")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full))


def _run(full: bool) -> int:
    seconds = 300.0 if full else 60.0
    with (
        tempfile.TemporaryDirectory() as home,
        redis_errors("the demo's Redis"),
        redis_client(load_settings(), "dashboard_read") as demo,
        Stack(replace(isolated_config(Path(home)), sizes=Sizes()), _say) as stack,
    ):
        stack.start("redis")
        with redis_client(stack.config.settings, "publisher") as own:
            minutes = DemoMinutes(demo, own)
            # Without what it needs in a whole stack: there is no sale to open and nothing to seed.
            stack.services["dashboard"] = replace(stack.services["dashboard"], needs=())
            stack.start("dashboard")
            figures = _measure(stack, minutes, seconds)
    print_figures(figures)
    write_section(
        "dashboard",
        "Viewers of the page",
        f"make bench-dashboard{' FULL=1' if full else ''}",
        f"The demo's snapshot ({minutes.pairs:,} (product, warehouse) pairs) in a Redis of its own, one Streamlit "
        f"process, viewers as websocket clients of Streamlit's protocol on the same machine, each refreshing every "
        f"{INTERVAL_SECONDS:.0f} s for {seconds:.0f} s, a new minute every {MINUTE_EVERY_SECONDS:.0f} s. A refresh is "
        f"timed from asking to its last message. Memory: {HURRIED_PAGES} viewers of {HOUR_REFRESHES} refreshes each, "
        f"an hour's, one after the other, {PARTS_OF_THE_HOUR * 5} minutes published meanwhile.",
        [figures],
    )
    return 0


def _measure(stack: Stack, minutes: DemoMinutes, seconds: float) -> list[Figure]:
    port, meter = stack.config.ports.dashboard, CpuMeter(stack.config)
    asyncio.run(watch(port, 2, 10, 1))  # what is loaded and compiled once is no refresh's cost
    with meter.phase("few"), _minutes_pass(minutes):
        few = asyncio.run(watch(port, FEW, seconds, INTERVAL_SECONDS))
    with meter.phase("many"), _minutes_pass(minutes):
        many = asyncio.run(watch(port, MANY, seconds, INTERVAL_SECONDS))
    grown, memory = asyncio.run(_hour(stack, minutes, port))
    cpu_ms = 1000 * meter.seconds("few", "dashboard") / (len(few.seconds) + FEW)
    return [
        Figure("dashboard_refresh_p95_20_ms", _p95(few), "ms", f"refresh, p95, {FEW} viewers", "<=300"),
        Figure("dashboard_refresh_p95_50_ms", _p95(many), "ms", f"refresh, p95, {MANY} viewers", "<=800"),
        Figure("dashboard_refresh_p50_20_ms", _median(few), "ms", f"refresh, median, {FEW} viewers"),
        Figure("dashboard_refresh_p50_50_ms", _median(many), "ms", f"refresh, median, {MANY} viewers"),
        Figure("dashboard_refresh_cpu_ms", cpu_ms, "CPU ms", "CPU of the page per refresh", "<=40"),
        Figure("dashboard_memory_growth", grown, "", "memory after an hour's refreshes ÷ after a quarter", "<=1.05"),
        Figure("dashboard_memory_mb", memory, "MB", "memory of the process after it"),
        Figure("dashboard_first_screen_kb", minutes.first_screen_bytes() / 1e3, "kB", "first screen reads", "<=100"),
        Figure("dashboard_refresh_kb", few.received / len(few.seconds) / 1000, "kB", "sent to a viewer per refresh"),
    ]


async def _hour(stack: Stack, minutes: DemoMinutes, port: int) -> tuple[float, float]:
    """(memory at the end ÷ after a quarter, MB at the end) of an hour's refreshes of a few viewers."""
    leader = next(record.process for record in read_records(stack.config.run) if record.service == "dashboard")
    process = psutil.Process(leader.pid)
    pages = [await Viewer.open(port) for _ in range(HURRIED_PAGES)]
    sizes = []
    for _ in range(PARTS_OF_THE_HOUR):
        for _ in range(5):
            minutes.publish()
            await hurry(pages, HOUR_REFRESHES // PARTS_OF_THE_HOUR // 5)
        sizes.append(process.memory_info().rss)
    for page in pages:
        await page.close()
    return sizes[-1] / sizes[PARTS_OF_THE_HOUR // 4 - 1], sizes[-1] / 2**20


@contextmanager
def _minutes_pass(minutes: DemoMinutes) -> Iterator[None]:
    """A new minute every `MINUTE_EVERY_SECONDS` while the block runs."""
    over = threading.Event()

    def publish() -> None:
        while not over.wait(MINUTE_EVERY_SECONDS):
            minutes.publish()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _p95(found: Refreshes) -> float:
    return 1000 * statistics.quantiles(found.seconds, n=20)[-1]


def _median(found: Refreshes) -> float:
    return 1000 * statistics.median(found.seconds)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
