"""Airflow as a data engineer uses it: through its API, with the generated password."""

import json
import time
import urllib.request
from typing import Any

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class AirflowApi:
    """A logged-in client of one Airflow."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        answer = self._send("POST", "/auth/token", {"username": user, "password": password}, token=None)
        self._token: str = answer["access_token"]

    def get(self, path: str) -> Any:
        return self._send("GET", f"/api/v2{path}", None, self._token)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """All runs of a DAG, oldest first."""
        runs: list[dict[str, Any]] = self.get(f"/dags/{dag_id}/dagRuns?limit=100&order_by=run_after")["dag_runs"]
        return runs

    def pause(self, dag_id: str, *, paused: bool = True) -> None:
        self._send("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": paused}, self._token)

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """Text of one try's log, as the UI shows it."""
        answer = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}?full_content=true")
        return json.dumps(answer["content"])

    def last_log(self, dag_id: str, task_id: str) -> str:
        """Text of the first try of the task in the latest run: why it failed."""
        return self.log(dag_id, self.runs(dag_id)[-1]["dag_run_id"], task_id)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None, seconds: float = 240) -> str:
        """Start a run and wait until it ends; returns its state."""
        body = {"logical_date": None, "conf": conf or {}}
        run = self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, self._token)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state: str = self.get(f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}")["state"]
            if state in ("success", "failed"):
                return state
            time.sleep(1)
        return "still running"

    def _send(self, method: str, path: str, body: Any, token: str | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with _OPENER.open(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")
