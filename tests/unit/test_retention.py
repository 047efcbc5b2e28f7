"""How far back rollups and history are needed, and which of Airflow's log files stay."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale.errors import FlashsaleError, SettingsError
from flashsale.minutes import MINUTE, minutes_between
from flashsale.settings import load_settings
from spark_jobs import publication, retention_airflow
from spark_jobs.minute_store import first_open_end
from spark_jobs.retention_airflow import clean_logs
from spark_jobs.retention_bounds import (
    HISTORY_MINUTES,
    city_rollups_from,
    history_from,
    rollups_edge,
)

SETTINGS = load_settings()
START = datetime(2026, 11, 11, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
WEEK = timedelta(days=7)
minutes = st.integers(0, 300).map(lambda n: START + n * MINUTE)


@given(st.sets(minutes), minutes)
def test_every_minute_before_the_oldest_open_one_is_settled(settled: set[datetime], before: datetime) -> None:
    end = first_open_end(settled, START, before)
    assert end <= before
    assert all(minute_end in settled for minute_end in minutes_between(START + MINUTE, end))
    assert end == before or end not in settled


@given(minutes)
def test_fine_rollups_cover_the_window_of_every_minute_that_may_be_computed(open_end: datetime) -> None:
    # A late fact changes a minute up to the lateness before; a gap is filled from the minute before it.
    first_computed = open_end - SETTINGS.lateness - MINUTE
    assert city_rollups_from(open_end, SETTINGS) <= first_computed - SETTINGS.window


@given(minutes, st.none() | minutes)
def test_rollups_reach_back_to_the_oldest_fact_that_can_be_counted_again(
    open_end: datetime, oldest_fact: datetime | None
) -> None:
    edge = rollups_edge(open_end, oldest_fact, SETTINGS)
    assert edge <= city_rollups_from(open_end, SETTINGS)
    assert oldest_fact is None or edge <= oldest_fact


def test_history_covers_the_published_trend() -> None:
    assert HISTORY_MINUTES == publication.TREND_MINUTES
    oldest_shown = START - (publication.TREND_MINUTES - 1) * MINUTE
    assert history_from(START) <= oldest_shown


def _log(folder: Path, name: str, age: timedelta, size: int = 100) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    _age(path, age)
    return path


def _age(path: Path, age: timedelta) -> None:
    written = (NOW - age).timestamp()
    os.utime(path, (written, written), follow_symlinks=False)


def test_logs_older_than_the_age_go_and_other_files_stay(tmp_path: Path) -> None:
    old = _log(tmp_path, "dag_id=a/run_id=1/task_id=t/attempt=1.log", timedelta(days=8))
    young = _log(tmp_path, "dag_id=a/run_id=2/task_id=t/attempt=1.log", timedelta(days=6))
    parsed = _log(tmp_path, "dag_processor/2026-11-10/dags-folder/a.py.log", timedelta(days=10))
    stranger = _log(tmp_path, "notes.txt", timedelta(days=99))
    report = clean_logs(tmp_path, NOW, WEEK, 10**9)
    assert not old.exists()
    assert not parsed.exists()
    assert young.exists()
    assert stranger.exists()
    assert report.line() == "dropped 2 logs (0.0 MB), kept 1 (0.0 MB)"


def test_beyond_the_size_the_oldest_go_first_but_none_in_use(tmp_path: Path) -> None:
    logs = [_log(tmp_path, f"{hours}.log", timedelta(hours=hours), 1000) for hours in (30, 20, 10)]
    in_use = _log(tmp_path, "now.log", timedelta(minutes=5), 5000)
    report = clean_logs(tmp_path, NOW, WEEK, 7_500)
    assert [path.exists() for path in (*logs, in_use)] == [False, True, True, True]
    assert (report.dropped, report.dropped_bytes, report.kept_bytes) == (1, 1000, 7000)
    clean_logs(tmp_path, NOW, WEEK, 10)
    assert [path.exists() for path in (*logs, in_use)] == [False, False, False, True]


def test_a_link_is_neither_dropped_nor_followed(tmp_path: Path) -> None:
    outside = _log(tmp_path, "outside/other.log", timedelta(days=30))
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, target in (("latest", outside.parent), ("one.log", outside)):
        (folder / name).symlink_to(target)
        _age(folder / name, timedelta(days=30))
    clean_logs(folder, NOW, WEEK, 0)
    assert outside.exists()
    assert (folder / "one.log").is_symlink()


def test_empty_folders_of_runs_go_once_they_are_old_and_those_of_dags_stay(tmp_path: Path) -> None:
    old, fresh = tmp_path / "dag_id=a" / "run_id=1", tmp_path / "dag_id=a" / "run_id=2"
    dag = tmp_path / "dag_id=b"
    for path in (old, fresh, dag):
        path.mkdir(parents=True)
    for path, age in ((old, 2), (dag, 200)):
        _age(path, timedelta(hours=age))
    _age(fresh, timedelta(minutes=1))
    clean_logs(tmp_path, NOW, WEEK, 10**9)
    assert not old.exists()
    assert fresh.exists()
    assert dag.exists()


def test_a_missing_log_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FlashsaleError, match="base_log_folder"):
        clean_logs(tmp_path / "nowhere", NOW, WEEK, 0)


def test_rows_are_kept_where_the_database_is_not_named(tmp_path: Path) -> None:
    line = retention_airflow.run(load_settings(airflow_database=""), tmp_path, NOW)
    assert line.endswith("kept Airflow's rows: FLASHSALE_AIRFLOW_DATABASE is not set")


def test_rows_wait_a_period_after_the_first_run(tmp_path: Path) -> None:
    # Nobody listens there: asking would fail.
    settings = load_settings(airflow_database="postgresql+psycopg2://airflow@127.0.0.1:1/airflow")
    assert "are next cleaned at" in retention_airflow.run(settings, tmp_path)
    assert "are next cleaned at" in retention_airflow.run(settings, tmp_path)


def test_a_password_in_the_databases_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="FLASHSALE_AIRFLOW_DATABASE"):
        load_settings(airflow_database="postgresql+psycopg2://airflow:secret@postgres:5432/airflow")
