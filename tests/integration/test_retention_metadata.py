"""Rows of Airflow's old runs leave its real database, as a task would have it done, and nothing else does."""

import os
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from embedded import postgres
from embedded.catalog import catalog
from embedded.stack import Stack
from flashsale.errors import FlashsaleError
from flashsale.minutes import utc_now
from flashsale.settings import load_settings
from spark_jobs import retention_airflow
from spark_jobs.retention_airflow import STAMP

NOW = utc_now()
OLD, YOUNG = NOW - timedelta(days=8), NOW - timedelta(days=6)
CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
Rows = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def address(stack: Stack) -> Iterator[str]:
    """That of the database; the environment is a task's, from which Airflow has taken it."""
    stack.start("airflow-db")
    environment = catalog(stack.config)["airflow-scheduler"].env
    withheld = dict.fromkeys((CONNECTION, "AIRFLOW__CORE__SQL_ALCHEMY_CONN"), "airflow-db-not-allowed:///")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment, **withheld, "_AIRFLOW_PROCESS_CONTEXT": "client"}.items():
            patch.setenv(name, value)
        yield environment[CONNECTION]


@pytest.fixture
def rows(stack: Stack, address: str) -> Iterator[Rows]:
    with psycopg.connect(
        host="127.0.0.1",
        port=stack.config.ports.postgres,
        user=postgres.USER,
        dbname=postgres.DATABASE,
        password=stack.config.settings.secret("postgres_airflow"),
        autocommit=True,
    ) as connection:
        yield connection


def _add_run(rows: Rows, dag_id: str, run_id: str, started: datetime) -> None:
    rows.execute(
        "INSERT INTO dag_run (dag_id, run_id, run_type, run_after, start_date) VALUES (%s, %s, 'scheduled', %s, %s)",
        (dag_id, run_id, started, started),
    )
    rows.execute(
        "INSERT INTO task_instance (id, task_id, dag_id, run_id, try_number, pool, pool_slots, start_date)"
        " VALUES (%s, 't', %s, %s, 1, 'default_pool', 1, %s)",
        (uuid.uuid4(), dag_id, run_id, started),
    )


def _runs(rows: Rows, table: str) -> set[tuple[str, str]]:
    query = f"SELECT dag_id, run_id FROM {table} WHERE dag_id LIKE 'retained_%'"
    return {(dag_id, run_id) for dag_id, run_id in rows.execute(query.encode()).fetchall()}


def test_old_rows_go_and_the_last_run_of_each_dag_stays(rows: Rows, address: str, tmp_path: Path) -> None:
    for dag_id, run_id, started in (("a", "1", OLD), ("a", "2", OLD), ("a", "3", YOUNG), ("b", "1", OLD)):
        _add_run(rows, f"retained_{dag_id}", run_id, started)
    for moment, event in ((OLD, "retained_old"), (YOUNG, "retained_young")):
        rows.execute("INSERT INTO log (dttm, event) VALUES (%s, %s)", (moment, event))
    # What a clean-up that was killed leaves.
    rows.execute("CREATE TABLE _airflow_deleted__log__20260101000000 AS SELECT * FROM log")
    stamp = tmp_path / STAMP
    stamp.touch()
    os.utime(stamp, (OLD.timestamp(), OLD.timestamp()))
    settings = load_settings(airflow_database=address, airflow_keep_days=7)
    line = retention_airflow.run(settings, tmp_path, NOW)
    # Of the old: both runs and the task of each of a's, the task of b's, and one event.
    assert "dropped 6 of Airflow's rows" in line
    assert _runs(rows, "dag_run") == {("retained_a", "3"), ("retained_b", "1")}
    assert ("retained_a", "3") in _runs(rows, "task_instance")
    events = rows.execute("SELECT event FROM log WHERE event LIKE 'retained_%'").fetchall()
    assert events == [("retained_young",)]
    left = rows.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE '\\_airflow\\_deleted%'").fetchall()
    assert left == []
    assert "are next cleaned at" in retention_airflow.run(settings, tmp_path, NOW)


def test_a_database_that_does_not_answer_is_told_in_one_line(address: str, tmp_path: Path) -> None:
    nowhere = address.replace(address.rsplit(":", 1)[1].split("/")[0], "1")
    with pytest.raises(FlashsaleError, match="airflow db clean failed with exit code 1: ") as failed:
        retention_airflow.clean_metadata(nowhere, NOW)
    assert "Connection refused" in str(failed.value)
