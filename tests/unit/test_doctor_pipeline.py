"""Doctor and status on the pipeline: figures, watermark, archive, DAGs."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from containers.host.checks_pipeline import check_pipeline
from containers.host.engine import Docker, EngineError
from containers.host.findings import Finding
from containers.host.pipeline import Dag, Pulse, ask_pulse, made_good, parse_pulse
from containers.host.status_pipeline import pipeline_lines
from tests.support.engine_answers import container, containers

NOW = datetime(2026, 11, 11, 10, 0, 30, tzinfo=UTC)
OK_DAG = Dag("ok", "2026-11-11T10:00:06.000Z", "", False)
WELL = Pulse(
    troubles={},
    sale_id="demo_1",
    phase="live",
    sale_start="2026-11-11T09:00:00.000Z",
    snapshot_id="20261111T1000Z-0123abcd",
    snapshot_age=30.0,
    complete=True,
    watermark_age=1.5,
    archive={"state": "ok", "at": "2026-11-11T10:00:10.000Z", "detail": "2 batches"},
    dags={"minute_kpis": OK_DAG, "archive_facts": OK_DAG, "backfill_kpis": Dag(None, None, "", False)},
)


def _check(pulse: Pulse) -> list[Finding]:
    return check_pipeline(pulse, NOW, lambda name: f" (because of {name}'s needs)")


def _unwell(pulse: Pulse) -> dict[str, Finding]:
    return {finding.subject: finding for finding in _check(pulse) if finding.mark != "ok"}


def test_well_pipeline_has_no_finding_but_ok() -> None:
    assert not _unwell(WELL)
    assert all(row.well for row in pipeline_lines(WELL, NOW))


def test_stale_figures_are_a_problem_unless_the_sale_has_ended() -> None:
    stale = replace(WELL, snapshot_age=181.0)
    found = _unwell(stale)["minute KPIs"]
    assert found.mark == "problem"
    assert found.text.startswith("stale: 181 s old (20261111T1000Z-0123abcd), 180 s are allowed (because of")
    assert not _unwell(replace(WELL, snapshot_age=180.0))
    assert not _unwell(replace(stale, phase="ended", watermark_age=900.0))
    assert pipeline_lines(stale, NOW)[0].state == "STALE"
    final = pipeline_lines(replace(stale, phase="ended"), NOW)[0]
    assert (final.state, final.well) == ("final", True)


def test_first_minutes_without_figures_are_a_warning_later_ones_a_problem() -> None:
    none = replace(WELL, snapshot_age=None, snapshot_id=None)
    assert _unwell(none)["minute KPIs"].mark == "problem"
    assert _unwell(replace(none, sale_start="2026-11-11T09:59:00.000Z"))["minute KPIs"].mark == "warning"
    assert not _unwell(replace(none, phase="planned"))
    assert _unwell(replace(none, sale_id=None, phase=None))["minute KPIs"].text == "no sale is open"


def test_figures_without_all_their_facts_are_warned_of() -> None:
    assert _unwell(replace(WELL, complete=False))["minute KPIs"].mark == "warning"


def test_watermark_in_the_future_is_the_clocks_fault_and_a_late_one_the_generators() -> None:
    ahead = _unwell(replace(WELL, watermark_age=-6.0))
    assert (ahead["clock"].mark, "6 s in the future" in ahead["clock"].text) == ("problem", True)
    late = _unwell(replace(WELL, watermark_age=31.0))
    assert (late["watermark"].mark, "in the last 31 s" in late["watermark"].text) == ("problem", True)
    # A finished simulated sale closes its last minutes ahead of the clock.
    assert not _unwell(replace(WELL, phase="ended", watermark_age=-170.0))


def test_failed_paused_and_broken_dags() -> None:
    failed = Dag("failed", "2026-11-11T10:00:06.000Z", "rollups: MongoDB does not answer", False)
    paused = replace(OK_DAG, paused=True)
    pulse = replace(
        WELL,
        dags={"minute_kpis": failed, "archive_facts": paused, "backfill_kpis": failed},
        import_errors=["seed.py: SyntaxError: x"],
    )
    found = _unwell(pulse)
    assert found["minute_kpis"].text.startswith("the DAG failed: rollups: MongoDB does not answer (because of")
    assert (found["archive_facts"].mark, found["archive_facts"].text) == ("problem", "the DAG is paused")
    assert found["backfill_kpis"].mark == "warning"
    assert found["DAG file"].mark == "problem"
    rows = {row.name: row for row in pipeline_lines(pulse, NOW)}
    assert (rows["DAG minute_kpis"].state, rows["DAG minute_kpis"].well) == ("FAILED", False)
    assert rows["DAG minute_kpis"].result == "24 s old (rollups: MongoDB does not answer)"
    assert rows["DAG archive_facts"].state == "PAUSED"


def test_store_that_does_not_answer_the_jobs_is_a_problem() -> None:
    away = replace(WELL, troubles={"redis": "published KPIs: Redis does not answer", "airflow": "no answer"})
    found = _unwell(away)
    assert {"redis", "postgres", "minute KPIs"} <= set(found)
    assert "Redis does not answer" in found["redis"].text
    assert {row.name: row.state for row in pipeline_lines(away, NOW)}["minute KPIs"] == "unknown"


def test_messages_that_do_not_get_through_are_a_problem() -> None:
    failed = {"state": "failed", "at": "2026-11-11T10:00:20.000Z", "detail": "2 targets, 1 given up in the last hour"}
    ill = replace(WELL, notifier=failed)
    found = _unwell(ill)["messages"]
    assert (found.mark, found.text) == (
        "problem", "not all are delivered: 2 targets, 1 given up in the last hour",
    )  # fmt: skip
    rows = {row.name: row for row in pipeline_lines(ill, NOW)}
    assert (rows["messages"].state, rows["messages"].well) == ("FAILED", False)
    assert rows["messages"].result == "10 s old (2 targets, 1 given up in the last hour)"
    well = replace(WELL, notifier={**failed, "state": "ok"})
    assert not _unwell(well)
    assert all(row.well for row in pipeline_lines(well, NOW))


def test_failed_archive_is_not_well() -> None:
    rows = pipeline_lines(replace(WELL, archive={"state": "failed", "at": "", "detail": "HDFS is full"}), NOW)
    assert ("archive", "FAILED", "HDFS is full", False) in [(r.name, r.state, r.result, r.well) for r in rows]


def test_answer_is_the_last_line() -> None:
    answer: dict[str, Any] = {
        "troubles": {},
        "sale_id": "demo_1",
        "parts": {"archive": None},
        "dags": {"minute_kpis": {"state": "ok", "at": None, "error": "", "paused": True}},
    }
    pulse = parse_pulse(f"a library says hello\n{json.dumps(answer)}\n")
    assert (pulse.sale_id, pulse.dags["minute_kpis"].paused, pulse.snapshot_age) == ("demo_1", True, None)
    with pytest.raises((ValueError, KeyError)):
        parse_pulse("")


def test_pipeline_cannot_be_asked_without_its_scheduler(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="airflow-scheduler is not running"):
        ask_pulse(Docker(tmp_path), containers())


def test_start_of_the_stack_makes_good_what_the_daily_dag_failed_at() -> None:
    failed = Dag("failed", "2026-11-11T09:00:00.000Z", "another validator", False)
    pulse = replace(WELL, dags={"seed_dimensions": failed, "archive_facts": failed})
    seed = replace(container("ok"), service="seed")
    after = made_good(pulse, [replace(seed, finished_at=datetime(2026, 11, 11, 9, 1, tzinfo=UTC))])
    assert (after.dags["seed_dimensions"].state, after.dags["archive_facts"].state) == (None, "failed")
    before = replace(seed, finished_at=datetime(2026, 11, 11, 8, 59, tzinfo=UTC))
    unsuccessful = replace(seed, finished_at=datetime(2026, 11, 11, 9, 1, tzinfo=UTC), exit_code=1)
    assert made_good(pulse, [before, unsuccessful]) == pulse
