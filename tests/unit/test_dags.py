"""Rules every DAG keeps, and the intervals they run for."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flashsale.airflow_pools import ARCHIVE_POOL, POOLS

os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
DAGS = Path(__file__).parents[2] / "dags"
PERIODS = {
    "minute_kpis": timedelta(minutes=1),
    "archive_facts": timedelta(minutes=5),
    "archive_maintenance": timedelta(days=1),
    "retention": timedelta(minutes=10),
    "seed_dimensions": timedelta(days=1),
}


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    os.environ["AIRFLOW_HOME"] = str(tmp_path_factory.mktemp("airflow"))
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(DAGS))


def test_all_dags_load_and_there_are_no_others(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {*PERIODS, "backfill_kpis"}


@pytest.mark.parametrize("dag_id", [*PERIODS, "backfill_kpis"])
def test_every_dag_keeps_the_house_rules(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.is_paused_upon_creation is False
    assert dag.doc_md
    assert "flashsale" in dag.tags
    for task in dag.tasks:
        assert task.owner == "data-engineering"
        assert task.retries >= 1
        assert task.execution_timeout is not None


@pytest.mark.parametrize(("dag_id", "period"), PERIODS.items())
def test_a_stuck_run_makes_way_before_the_next_is_due(bag: Any, dag_id: str, period: timedelta) -> None:
    dag = bag.dags[dag_id]
    assert dag.dagrun_timeout < period
    assert all(task.execution_timeout < dag.dagrun_timeout for task in dag.tasks)


@pytest.mark.parametrize("dag_id", [dag for dag in PERIODS if dag.startswith("archive_")])
def test_whatever_works_at_the_archive_has_its_pool_and_none_of_the_minutes_slots(bag: Any, dag_id: str) -> None:
    assert {task.pool for task in bag.dags[dag_id].tasks} == {ARCHIVE_POOL}
    assert POOLS[ARCHIVE_POOL][0] == 1
    assert all(task.pool in {"default_pool", *POOLS} for dag in bag.dags.values() for task in dag.tasks)


def test_backfill_has_no_schedule_and_asks_for_its_range(bag: Any) -> None:
    dag = bag.dags["backfill_kpis"]
    assert not dag.timetable.can_be_scheduled
    assert {"from", "to"} <= set(dag.params)


def test_dag_files_hold_no_work_of_their_own() -> None:
    """A DAG file is a schedule, a doc string and calls."""
    for path in DAGS.glob("*.py"):
        assert len(path.read_text().splitlines()) < 80, f"{path.name} does more than schedule"
