"""``python -m benchmarks.archive_pass``: one run of the archive job as a process of its own, with its time and memory.

Prints JSON: rows, seconds (of the job, without imports), peak_mb (resident, of this process), gave_way_seconds.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass

from embedded.config import StackConfig
from embedded.environment import settings_environment
from flashsale.errors import FlashsaleError, exit_with_one_line

_LONGEST_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Pass:
    """What a run did; `peak_mb` is the most memory its process held."""

    rows: int
    seconds: float
    peak_mb: float
    gave_way_seconds: float


def start_pass(
    config: StackConfig, sale_id: str, batch_rows: int, rows_per_second: int, age_minutes: int = 20
) -> "subprocess.Popen[str]":
    """Start the job over minutes older than `age_minutes`; `result_of` waits for it."""
    environment = {
        **os.environ,
        **settings_environment(config),
        "FLASHSALE_ARCHIVE_BATCH_ROWS": str(batch_rows),
        "FLASHSALE_ARCHIVE_ROWS_PER_SECOND": str(rows_per_second),
        "FLASHSALE_ARCHIVE_AGE_MINUTES": str(age_minutes),
        "FLASHSALE_ARCHIVE_HIGH_MB": "100000000",
    }
    command = [sys.executable, "-m", "benchmarks.archive_pass", sale_id]
    return subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def result_of(process: "subprocess.Popen[str]") -> Pass:
    """What the job told; raises FlashsaleError when it failed."""
    out, err = process.communicate(timeout=_LONGEST_SECONDS)
    if process.returncode:
        raise FlashsaleError(f"the archive run failed: {err.strip().splitlines()[-1][:200]}")
    return Pass(**json.loads(out))


def _main() -> int:
    from flashsale.settings import load_settings
    from spark_jobs import archive_facts

    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_pass", description=__doc__)
    parser.add_argument("sale")
    os.nice(19)  # as the DAG's task
    report = archive_facts.run(load_settings(), parser.parse_args().sale, seconds=_LONGEST_SECONDS)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = Pass(report.rows, report.seconds, peak_mb, report.gave_way_seconds)
    sys.stdout.write(json.dumps({name: getattr(told, name) for name in Pass.__slots__}))
    return 0


if __name__ == "__main__":
    sys.exit(exit_with_one_line(_main))
