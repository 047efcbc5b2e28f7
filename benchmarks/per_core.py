"""``python -m benchmarks.per_core``: CPU seconds and bytes per million facts, part by part, on real services.

The demo's shop, `--scale` times as large, is written, rolled up, published and archived by the
pipeline's own code.  What counts is the CPU time of each process, so the figures are those of one
core, whatever else the machine does meanwhile.  They are the input of docs/scaling.md.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.bounded import bounded
from benchmarks.cpu_meter import CpuMeter
from benchmarks.per_core_figures import figures
from benchmarks.pipeline_phases import run_jobs
from benchmarks.projection import projection
from benchmarks.report import print_figures, write_section
from benchmarks.scaled_sale import open_sale, scaled_scenario, write_minutes
from embedded.config import Sizes, isolated_config
from embedded.stack import Stack
from flashsale.errors import exit_with_one_line
from flashsale.stores.hdfs import hdfs_errors
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.redis_client import redis_errors
from spark_jobs.seed_dimensions import seed

LONGEST_SECONDS = 480
SERVICES = ("mongo", "redis", "namenode", "datanode", "spark")


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.per_core", description=__doc__)
    parser.add_argument("--scale", type=int, choices=range(1, 33), default=8, metavar="1..32", help="default: 8")
    parser.add_argument("--minutes", type=int, choices=range(2, 6), default=2, metavar="2..5", help="default: 2")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.scale, options.minutes))


def _run(scale: int, minutes: int) -> int:
    scenario = scaled_scenario(scale)
    with (
        tempfile.TemporaryDirectory(prefix="flashsale-bench-") as home,
        # Caches and heaps of a deployment: a test's small ones would be measured instead of the work.
        Stack(replace(isolated_config(Path(home)), sizes=Sizes()), _say) as stack,
        bounded("benchmarks.per_core", LONGEST_SECONDS),
        mongo_errors("benchmark"),
        redis_errors("benchmark"),
        hdfs_errors("benchmark"),
    ):
        settings = stack.config.settings
        stack.start(*SERVICES)
        meter = CpuMeter(stack.config)
        with mongo_client(settings, "owner") as owner, mongo_client(settings, "generator") as generator:
            sale = open_sale(owner, settings, scenario)
            seed(settings)
            _say(f"writing {minutes} minutes of {scenario.demand.orders_per_second:.0f} orders/s")
            written = write_minutes(generator, settings, sale, scenario, minutes, meter)
            with meter.phase("write"):
                # What the server still owes to the disk is part of what the inserts cost.
                owner.admin.command("fsync")
        with mongo_client(settings, "jobs") as jobs:
            measured = run_jobs(jobs, settings, sale, minutes, meter, _say)
    found = figures(written, measured, meter)
    carried = projection(found, written)
    print_figures([*found, *carried])
    write_section(
        "per_core",
        "CPU and bytes per million facts",
        "python -m benchmarks.per_core",
        f"The demo's shop times {scale}: {written.orders:,} orders and {written.events:,} inventory events in "
        f"{minutes} minutes of the sale, {written.pairs:,} stocked (product, warehouse) pairs. CPU seconds are user "
        "and system time of the process named, so other work on the machine hardly changes them. The second table "
        "carries them to 1 M orders/s on paper: docs/scaling.md has the formulas and says where they end.",
        [found, carried],
    )
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
