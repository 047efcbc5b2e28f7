"""When Airflow started the minute job's tasks, by its own API."""

import json
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedded.airflow import USER, airflow_url
from embedded.config import StackConfig
from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import parse_iso

DAG_ID = "minute_kpis"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_SECONDS = 20
_MOST = 100


@dataclass(frozen=True, slots=True)
class TaskTimes:
    """One task of the minute job: handed to the executor, its process started; `tries` counts attempts."""

    queued: datetime
    started: datetime
    tries: int


def task_times(config: StackConfig) -> dict[datetime, TaskTimes]:
    """Data interval end -> its scheduled run's task, of the last 100 runs; those that never started are left out."""
    login = {"username": USER, "password": config.settings.secret("airflow_admin")}
    token = _ask(config, "/auth/token", body=login)["access_token"]
    runs = _ask(config, f"/api/v2/dags/{DAG_ID}/dagRuns?limit={_MOST}&order_by=-run_after", token)["dag_runs"]
    query = f"/api/v2/dags/{DAG_ID}/dagRuns/~/taskInstances?limit={_MOST}&order_by=-start_date"
    tasks = {task["dag_run_id"]: task for task in _ask(config, query, token)["task_instances"]}
    found = {}
    for run in runs:
        task = tasks.get(run["dag_run_id"])
        if run["run_type"] == "scheduled" and task and task["start_date"] and task["queued_when"]:
            found[parse_iso(run["data_interval_end"])] = TaskTimes(
                parse_iso(task["queued_when"]), parse_iso(task["start_date"]), task["try_number"]
            )
    return found


def _ask(config: StackConfig, path: str, token: str | None = None, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(airflow_url(config) + path, data, headers)  # noqa: S310
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise FlashsaleError(f"Airflow at {airflow_url(config)}{path}: {one_line(error)}") from error
