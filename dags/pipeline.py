"""What the DAGs share: owner, minute schedule, and health keys written by Airflow's callbacks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from airflow.sdk import CronDataIntervalTimetable

OWNER = "data-engineering"
START = datetime(2026, 1, 1, tzinfo=UTC)


def every_minute() -> CronDataIntervalTimetable:
    """Runs at each minute's end for the interval ``[M, M + 1)``."""
    return CronDataIntervalTimetable("* * * * *", timezone="UTC")


def defaults(timeout: timedelta, retries: int, retry_delay: timedelta) -> dict[str, Any]:
    """Task defaults: the timeout bounds one try."""
    return {
        "owner": OWNER,
        "execution_timeout": timeout,
        "retries": retries,
        "retry_delay": retry_delay,
    }


def health_callbacks(period: timedelta) -> dict[str, Any]:
    """DAG callbacks that tell the page how the last run ended; `period` is how often it runs."""

    def tell(state: Literal["ok", "failed"]) -> Any:
        def callback(context: dict[str, Any]) -> None:
            from spark_jobs.health import dag_health

            dag_health(context["dag"].dag_id, state, str(context.get("reason") or ""), period)

        return callback

    return {"on_success_callback": tell("ok"), "on_failure_callback": tell("failed")}


def interval_end(context: dict[str, Any]) -> datetime | None:
    """End of the run's data interval; a run triggered by hand may have none."""
    end = context.get("data_interval_end")
    return None if end is None else datetime.fromtimestamp(end.timestamp(), UTC)


@contextmanager
def lowest_priority() -> Iterator[None]:
    """The processor first goes to whoever else wants it; a task is a process of its own, which ends after the block."""
    os.nice(19)
    yield
