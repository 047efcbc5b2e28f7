"""The last error of a DAG's tasks, from the files Airflow writes."""

import json
import os
from pathlib import Path

import pytest

from containers.dag_logs import last_error, log_folder

OURS = {"timestamp": "2026-11-21T12:01:05.5Z", "level": "error", "logger": "flashsale", "event": "HDFS is\n full"}
LATER = {"timestamp": "2026-11-21T12:01:06Z", "level": "error", "logger": "task", "event": "Process exited with 1"}
FINE = {"timestamp": "2026-11-21T12:01:04Z", "level": "info", "logger": "flashsale", "event": "read 5 facts"}
UNCAUGHT = {
    "timestamp": "2026-11-21T12:01:05Z",
    "level": "error",
    "logger": "task",
    "event": "Task failed with exception",
    "error_detail": [{"exc_type": "KeyError", "exc_value": "'minute'"}],
}


def _attempt(folder: Path, run: str, number: int, *entries: object, age: int = 0) -> None:
    path = folder / "dag_id=archive_facts" / f"run_id={run}" / "task_id=archive" / f"attempt={number}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + '{"cut')
    stamp = 1_790_000_000 - age
    os.utime(path, (stamp, stamp))
    os.utime(path.parents[1], (stamp, stamp))


def test_our_own_line_is_told_before_airflows(tmp_path: Path) -> None:
    _attempt(tmp_path, "scheduled__1", 1, FINE, OURS, LATER)
    found = last_error(tmp_path, "archive_facts")
    assert found is not None
    assert (found.line, found.of_newest_try) == ("HDFS is full", True)
    assert found.at.isoformat() == "2026-11-21T12:01:05.500000+00:00"


def test_uncaught_exception_is_told_with_its_type(tmp_path: Path) -> None:
    _attempt(tmp_path, "scheduled__1", 1, UNCAUGHT)
    found = last_error(tmp_path, "archive_facts")
    assert found is not None
    assert found.line == "Task failed with exception: KeyError: 'minute'"


def test_error_before_a_good_try_is_an_older_one(tmp_path: Path) -> None:
    _attempt(tmp_path, "scheduled__1", 1, OURS, age=60)
    _attempt(tmp_path, "scheduled__1", 2, FINE)
    found = last_error(tmp_path, "archive_facts")
    assert found is not None
    assert not found.of_newest_try


def test_nothing_logged_is_nothing_to_tell(tmp_path: Path) -> None:
    assert last_error(tmp_path, "archive_facts") is None
    _attempt(tmp_path, "scheduled__1", 1, FINE)
    assert last_error(tmp_path, "archive_facts") is None


def test_log_folder_is_the_setting_or_below_airflows_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", raising=False)
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    assert log_folder() is None
    monkeypatch.setenv("AIRFLOW_HOME", "/airflow")
    assert log_folder() == Path("/airflow/logs")
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", "/var/log/airflow")
    assert log_folder() == Path("/var/log/airflow")
