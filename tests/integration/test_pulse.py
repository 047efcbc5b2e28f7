"""What the pipeline says of itself, asked of real stores and of a real database of Airflow."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from containers.host.checks_pipeline import check_pipeline
from containers.host.pipeline import Pulse, parse_pulse
from embedded.catalog import catalog
from embedded.config import ROOT
from embedded.stack import Stack
from flashsale.minutes import floor_minute, iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.snapshot import PARTS, Snapshot, canonical_json, snapshot_id
from flashsale.stores.context import write_sale
from flashsale.stores.health import write_health
from flashsale.stores.ingest import put_checkpoint
from flashsale.stores.mongo import mongo_client
from flashsale.stores.redis_client import redis_client
from flashsale.stores.sales import set_phase
from flashsale.stores.snapshots import publish_snapshot

DAG = """
from airflow.sdk import dag, task
from pendulum import datetime

@dag(dag_id="{dag_id}", schedule=None, start_date=datetime(2026, 1, 1))
def made():
    @task
    def nothing(): ...
    nothing()

made()
"""


def _environment(stack: Stack, **changes: str) -> dict[str, str]:
    """That of the scheduler, in whose container the question is asked."""
    env = catalog(stack.config)["airflow-scheduler"].env
    return {**os.environ, **env, "PYTHONPATH": str(ROOT), **changes}


def _ask(stack: Stack, **changes: str) -> Pulse:
    done = subprocess.run(
        [sys.executable, "-m", "containers.pulse"],
        env=_environment(stack, **changes),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return parse_pulse(done.stdout)


def _airflow(stack: Stack, *arguments: str, **changes: str) -> None:
    program = Path(sys.executable).with_name("airflow")
    done = subprocess.run(
        [program, *arguments],
        env=_environment(stack, **changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def sale(data_services: Settings, open_test_sale: Callable[..., SaleRun]) -> SaleRun:
    """A live sale whose minute ended 40 to 100 s ago and was published; its writer is 3 s behind the clock."""
    now = utc_now()
    sale = open_test_sale(data_services, sale_start=now - timedelta(minutes=9), sale_end=now + timedelta(minutes=9))
    end = floor_minute(now - timedelta(seconds=40))
    meta: dict[str, Any] = {"data_interval_end": iso(end), "watermark": iso(end), "complete": False}
    parts = {name: meta if name == "meta" else {} for name in PARTS}
    texts = {name: canonical_json(part) for name, part in parts.items()}
    with mongo_client(data_services, "generator") as writer:
        set_phase(writer, sale.sale_id, "live")
        put_checkpoint(writer[sale.database], 0, now - timedelta(seconds=3), 1, b"")
    live = SaleRun(**{**_fields(sale), "phase": "live"})
    with redis_client(data_services, "publisher") as redis:
        write_sale(redis, live, [])
        publish_snapshot(redis, sale.sale_id, Snapshot(snapshot_id(end, parts), end, texts, {}), end, 30)
        write_health(redis, SaleKeys(sale.sale_id).health_dag("minute_kpis"), "ok", "", 60)
        write_health(redis, SaleKeys(sale.sale_id).health_dag("archive_facts"), "failed", "task_failure", 300)
        write_health(redis, SaleKeys(sale.sale_id).health("archive"), "ok", "2 batches", 300)
    return live


def _fields(sale: SaleRun) -> dict[str, Any]:
    return {name: getattr(sale, name) for name in SaleRun.__dataclass_fields__}


def _log(folder: Path, dag_id: str, **entry: str) -> None:
    path = folder / f"dag_id={dag_id}" / "run_id=scheduled__1" / "task_id=t" / "attempt=1.log"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"level": "error", "logger": "flashsale", "timestamp": iso(utc_now()), **entry}) + "\n")


def test_sale_figures_facts_and_dags_are_told_without_airflows_database(
    stack: Stack, sale: SaleRun, tmp_path: Path
) -> None:
    _log(tmp_path, "archive_facts", event="archive: HDFS does not answer")
    nowhere = "postgresql+psycopg2://airflow@127.0.0.1:1/airflow"
    pulse = _ask(stack, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=nowhere, AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(tmp_path))
    assert list(pulse.troubles) == ["airflow"]
    assert (pulse.sale_id, pulse.phase, pulse.complete) == (sale.sale_id, "live", False)
    assert pulse.snapshot_age is not None
    assert 40 <= pulse.snapshot_age < 160
    assert pulse.watermark_age is not None
    assert 3 <= pulse.watermark_age < 60
    assert pulse.dags["minute_kpis"].state == "ok"
    # The callback knows only that a task failed; the task's log says why.
    assert (pulse.dags["archive_facts"].state, pulse.dags["archive_facts"].error) == (
        "failed",
        "archive: HDFS does not answer",
    )
    assert pulse.archive is not None
    assert pulse.archive["detail"] == "2 batches"


def test_try_that_failed_after_the_last_good_run_counts(stack: Stack, sale: SaleRun, tmp_path: Path) -> None:
    _log(tmp_path, "minute_kpis", event="published KPIs: Redis refused")
    pulse = _ask(stack, AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(tmp_path))
    assert (pulse.dags["minute_kpis"].state, pulse.dags["minute_kpis"].error) == (
        "failed",
        "published KPIs: Redis refused",
    )
    (tmp_path / "old").mkdir()
    _log(tmp_path / "old", "minute_kpis", event="long ago", timestamp="2026-01-01T00:00:00Z")
    assert _ask(stack, AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(tmp_path / "old")).dags["minute_kpis"].state == "ok"


def test_stores_that_do_not_answer_are_named_and_the_rest_is_told(stack: Stack, sale: SaleRun) -> None:
    without_redis = _ask(stack, FLASHSALE_REDIS_PORT="1")
    assert "Redis does not answer" in without_redis.troubles["redis"]
    assert without_redis.watermark_age is not None
    without_mongo = _ask(stack, FLASHSALE_MONGO_PORT="1")
    assert "MongoDB does not answer" in without_mongo.troubles["mongo"]
    assert without_mongo.snapshot_age is not None
    found = check_pipeline(without_mongo, utc_now(), lambda name: "")
    assert next(finding.subject for finding in found if finding.mark == "problem") == "mongo"


def test_paused_dags_and_files_that_cannot_be_loaded_are_told(stack: Stack, sale: SaleRun, tmp_path: Path) -> None:
    stack.start("airflow-db")
    folder = {"AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    (tmp_path / "good.py").write_text(DAG.format(dag_id="minute_kpis"))
    (tmp_path / "other.py").write_text(DAG.format(dag_id="archive_facts"))
    (tmp_path / "broken.py").write_text("from airflow.sdk import dag\nimport no_such_module\n")
    _airflow(stack, "dag-processor", "--num-runs", "1", **folder)
    _airflow(stack, "dags", "unpause", "--yes", "archive_facts", **folder)
    pulse = _ask(stack, **folder)
    assert not pulse.troubles
    assert pulse.dags["minute_kpis"].paused
    assert not pulse.dags["archive_facts"].paused
    (error,) = pulse.import_errors
    assert error.startswith("broken.py: ")
    assert "no_such_module" in error
