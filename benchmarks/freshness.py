"""``python -m benchmarks.freshness``: seconds from a minute's boundary until its KPIs are readable in Redis.

The whole embedded stack under the demo's load on two cores.  Airflow runs the minute job as it does
in a demo; a process beside it polls Redis as the page's user.  The split is told by Airflow's API
and by the job itself.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from benchmarks.bounded import bounded
from benchmarks.freshness_airflow import task_times
from benchmarks.freshness_figures import MISSED_SECONDS, Minute, figures, minute_of, table
from benchmarks.freshness_watch import Watcher, watching
from benchmarks.report import print_figures, write_section
from embedded.config import ROOT, Sizes, StackConfig, isolated_config
from embedded.stack import Stack
from flashsale.errors import FlashsaleError, exit_with_one_line
from flashsale.minutes import MINUTE, floor_minute, minutes_between, utc_now
from flashsale.stores.context import active_sale_id
from flashsale.stores.redis_client import redis_client, redis_errors

SCENARIO = ROOT / "configs" / "sales" / "demo.toml"
CORES = 2
WARM_UP_MINUTES, MINUTES, FULL_MINUTES = 2, 6, 30
LONGEST_SECONDS, LONGEST_FULL_SECONDS = 840, 2400


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freshness", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"measure {FULL_MINUTES} minutes instead of {MINUTES}")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full))


def _run(full: bool) -> int:
    minutes = _measure(FULL_MINUTES if full else MINUTES, LONGEST_FULL_SECONDS if full else LONGEST_SECONDS)
    sys.stdout.write(table(minutes) + "\n\n")
    goals, split = figures(minutes)
    print_figures([*goals, *split])
    write_section(
        "freshness",
        "From the minute's boundary to readable KPIs",
        f"python -m benchmarks.freshness{' --full' if full else ''}",
        f"The whole embedded stack on {CORES} cores under the load of `{SCENARIO.name}`; the first {WARM_UP_MINUTES} "
        f"minutes after its start are not counted, a minute without a snapshot counts as {MISSED_SECONDS:.0f} s. "
        "Readable: the pointer named the minute's snapshot and all its parts were read, as the page's user, polled "
        "every 20 ms. The second table has the medians of each stage on the way; they need not add up to the median "
        "of the whole.",
        [goals, split],
    )
    return 0


def _measure(count: int, longest_seconds: int) -> list[Minute]:
    # Inherited by every service: the figure is that of the smallest machine the pipeline is meant for.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with (
        tempfile.TemporaryDirectory(prefix="flashsale-bench-") as home,
        # Caches and heaps of a deployment: a test's small ones would be measured instead of the work.
        Stack(replace(isolated_config(Path(home), sale=SCENARIO), sizes=Sizes()), _say) as stack,
        bounded("benchmarks.freshness", longest_seconds),
        redis_errors("benchmark"),
    ):
        stack.start_all()
        first = floor_minute(utc_now()) + (1 + WARM_UP_MINUTES) * MINUTE
        ends = list(minutes_between(first, first + count * MINUTE))
        _say(f"measuring the minutes that end from {ends[0]:%H:%M} to {ends[-1]:%H:%M} UTC")
        settings = stack.config.settings
        with redis_client(settings, "dashboard_read") as redis:
            sale_id = active_sale_id(redis)
        if sale_id is None:
            raise FlashsaleError("no sale is open although the stack has started")
        with watching(settings, sale_id, stack.config.home) as watcher:
            _wait_for(watcher, ends)
            return _minutes(stack.config, watcher, ends)


def _wait_for(watcher: Watcher, ends: list[datetime]) -> None:
    """Until the last minute was seen, or is missed; says each as it comes."""
    said: set[datetime] = set()
    while True:
        now, seen = utc_now(), watcher.first_sightings()
        for end in sorted(set(seen) - said):
            _say(f"{end:%H:%M}  {(seen[end].readable - end).total_seconds():.2f} s")
        said |= set(seen)
        last = seen.get(ends[-1])
        if (last is not None and last.stages is not None) or (now - ends[-1]).total_seconds() > MISSED_SECONDS:
            return
        time.sleep(1)


def _minutes(config: StackConfig, watcher: Watcher, ends: list[datetime]) -> list[Minute]:
    seen, tasks = watcher.first_sightings(), task_times(config)
    return [minute_of(end, seen.get(end), tasks.get(end)) for end in ends]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
