"""The minute job as a process of its own, and the death of it or of a service in the middle of a run."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from embedded.environment import settings_environment
from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.minutes import MINUTE, iso, utc_now
from flashsale.schema import KPI_HISTORY, ROLLUP_PW
from flashsale.snapshot import interval_end_of
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id
from spark_jobs.stage_times import read_stages
from tests.support.shop import Pipeline

Victim = Literal["task", "spark", "mongo", "redis"]
VICTIMS: tuple[Victim, ...] = ("task", "spark", "mongo", "redis")
_RUN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Course:
    """An uninterrupted run: seconds from the start of its process to the end of each stage, and to its own end."""

    stages: dict[str, float]
    ended: float

    @property
    def began(self) -> float:
        """When it had imported what it needs and began to work."""
        return self.stages["start"]

    def stage_at(self, seconds: float) -> str:
        """Where an equally fast run would be."""
        return next((name for name, until in self.stages.items() if seconds < until), "end")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended whose `victim` died `seconds` after its start."""

    victim: Victim
    seconds: float
    code: int
    out: str
    err: str


def start_job(stack: Stack, pipeline: Pipeline, end: datetime) -> subprocess.Popen[str]:
    """``flashsale-kpi run`` for the minute that ends at `end`."""
    command = (sys.executable, "-m", "spark_jobs.kpi_cli", "run", "--at", iso(end), "--sale", pipeline.sale.sale_id)
    environment = {**os.environ, **settings_environment(stack.config)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def measured_run(stack: Stack, pipeline: Pipeline, end: datetime) -> Course:
    """Run the minute undisturbed; raises AssertionError when it fails."""
    started, clock = utc_now(), time.monotonic()
    process = start_job(stack, pipeline, end)
    out, err = process.communicate(timeout=_RUN_SECONDS)
    ended = time.monotonic() - clock
    assert process.returncode == 0, err
    told = read_stages(out)
    assert told is not None, f"the run told no stages: {out}"
    until = (told.began - started).total_seconds()
    stages = {"start": until}
    for name, seconds in told.seconds.items():
        until += seconds
        stages[name] = until
    return Course(stages, ended)


def killed_run(stack: Stack, pipeline: Pipeline, end: datetime, victim: Victim, after: float) -> Outcome | float:
    """Run the minute and kill `victim` by SIGKILL `after` seconds; when the run had ended before, the seconds it took.

    A service that was killed is left dead: `revive` it.
    """
    clock = time.monotonic()
    process = start_job(stack, pipeline, end)
    try:
        process.wait(max(0.0, after - (time.monotonic() - clock)))
    except subprocess.TimeoutExpired:
        seconds = time.monotonic() - clock
        if victim == "task":
            process.kill()
        else:
            record = next(record for record in read_records(stack.config.run) if record.service == victim)
            os.killpg(record.process.pid, signal.SIGKILL)
        out, err = process.communicate(timeout=_RUN_SECONDS)
        return Outcome(victim, seconds, process.returncode, out, err)
    took = time.monotonic() - clock
    _, err = process.communicate()
    assert process.returncode == 0, err
    return took


def revive(stack: Stack, victim: Victim) -> None:
    """Start the service again; a task needs nothing."""
    if victim != "task":
        stack.stop_one(victim)
        stack.start(victim)


def left_by(pipeline: Pipeline, end: datetime) -> str:
    """How far the killed run of `end` had come, by what it left in the stores."""
    with redis_client(pipeline.settings, "dashboard_read") as client:
        current = current_snapshot_id(client, pipeline.sale.sale_id)
    if current is not None and interval_end_of(current) == end:
        return "published"
    if pipeline.database[KPI_HISTORY].find_one({"_id": end}, {"_id": 1}):
        return "computed, not published"
    if pipeline.database[ROLLUP_PW].find_one({"_id": end - MINUTE}, {"_id": 1}):
        return "rolled up, not computed"
    return "nothing of it stored"
