"""Three real Airflow minutes carry known orders from the generator to the page and to HDFS.

One stack for the whole file, everything as `make demo` starts it, on own ports; the tests
follow each other as the minutes do.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from embedded.config import isolated_config
from embedded.stack import Stack
from flashsale.minutes import MINUTE, floor_minute, iso, parse_iso, utc_now
from flashsale.schema import FACTS, KPI_HISTORY, QUARANTINE_OF
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import mongo_client
from spark_jobs.minute_store import MinuteStore
from tests.e2e.war_room import WarRoom
from tests.support.archive_files import archived_ids
from tests.support.dashboard_server import chromium
from tests.support.known_orders import known_ids, known_minutes
from tests.support.scenarios import SMALL
from tests.support.stacks import temporary_home

MINUTES = 3
ARCHIVE_AGE_MINUTES = 5
LATE_SECONDS = 75

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def war_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarRoom]:
    scenario = tmp_path_factory.mktemp("scenario") / "e2e.toml"
    scenario.write_text(SMALL.replace("duration_minutes = 10", "duration_minutes = 30"))
    with temporary_home() as home:
        config = isolated_config(
            home,
            sale=scenario,
            archive_age_minutes=ARCHIVE_AGE_MINUTES,
            live_seconds=LATE_SECONDS - 5,
            late_seconds=LATE_SECONDS,
        )
        with Stack(config) as stack:
            stack.start_all()
            with mongo_client(config.settings, "owner") as mongo:
                yield WarRoom(stack, mongo)


@pytest.fixture(scope="module")
def third_minute(war_room: WarRoom) -> dict[str, Any]:
    """The snapshot three whole minutes of orders after the first run."""
    first = war_room.wait_for_minute(war_room.sale.sale_start, 240)
    return war_room.wait_for_minute(parse_iso(first["meta"]["data_interval_end"]) + MINUTES * MINUTE, 300)


def test_three_minutes_carry_exactly_the_orders_the_generator_made(
    war_room: WarRoom, third_minute: dict[str, Any]
) -> None:
    end = parse_iso(third_minute["meta"]["data_interval_end"])
    assert third_minute["meta"]["complete"]
    expected = known_minutes(war_room.sale, end)
    published = {parse_iso(row["minute"]) - MINUTE: row["orders"] for row in third_minute["trend"]}
    minutes = [minute for minute in sorted(published) if minute >= war_room.sale.sale_start.replace(second=0)]
    assert len(minutes) >= MINUTES
    assert {m: published[m] for m in minutes} == {m: expected[m].orders for m in minutes}
    last = expected[end - MINUTE]
    headline = third_minute["headline"]
    assert headline["units_per_minute"] == last.units
    assert headline["value_per_minute"] == last.value
    assert headline["data_quality_score"] == 1.0
    assert third_minute["data_quality"]["ledger_residual_units"] == 0


def test_the_forecast_counts_from_the_first_second_on(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    """The sale starts within a minute of the clock: its first seconds are planned time, and not a whole minute."""
    store = MinuteStore(war_room.mongo[war_room.sale.database])
    first = war_room.sale.sale_start.replace(second=0, microsecond=0) + MINUTE
    seconds = (first - war_room.sale.sale_start).total_seconds()
    exposure = max(store.load_state(first).pairs["demand_exposure"].to_pylist())
    # The plan of the first minute lies between half and twice the base demand.
    assert 0.5 * seconds / 60 <= exposure <= 2.5 * seconds / 60
    assert third_minute["meta"]["calibration_id"]
    assert third_minute["forecast_quality"]["minutes"] >= MINUTES - 1
    rows = third_minute["actions"]["rows"]
    assert all(row["p15"] is not None and row["value_saved"] >= 0 and row["reason"] for row in rows)


def test_every_green_run_left_a_minute_that_can_be_read(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    assert third_minute
    green = [run for run in war_room.airflow.runs("minute_kpis") if run["state"] == "success"]
    assert len(green) >= MINUTES
    history = {d["_id"] for d in war_room.mongo[war_room.sale.database][KPI_HISTORY].find({}, {"_id": 1})}
    for run in green:
        tasks = war_room.airflow.get(f"/dags/minute_kpis/dagRuns/{run['dag_run_id']}/taskInstances")["task_instances"]
        if all(task["state"] == "success" for task in tasks):
            assert parse_iso(run["data_interval_end"]) in history, f"{run['dag_run_id']} is green over nothing"


def test_no_run_failed(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    assert third_minute
    for dag_id in ("minute_kpis", "archive_facts", "archive_maintenance", "retention", "seed_dimensions"):
        states = Counter(run["state"] for run in war_room.airflow.runs(dag_id))
        assert states["failed"] == 0, f"{dag_id}: {states}"


def test_the_page_shows_the_headline_that_redis_holds(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    assert third_minute
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(war_room.page)
        expect(page.get_by_text("LIVE", exact=False).first).to_be_visible(timeout=60_000)
        for _ in range(60):
            before = war_room.published()
            text = page.locator("body").inner_text()
            after = war_room.published()
            assert before is not None
            # The page refreshes every 5 s: compare when nothing was published meanwhile.
            if before == after and f"{before['headline']['orders_per_minute']:,}" in text:
                break
            time.sleep(1)
        else:
            raise AssertionError(f"the page never showed {before['headline']['orders_per_minute']:,}: {text[:500]}")
        assert "Traceback" not in text


def test_a_backfill_from_airflow_leaves_the_same_bytes(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    history = war_room.mongo[war_room.sale.database][KPI_HISTORY]
    before = {d["_id"]: d["digest"] for d in history.find({"settled": True})}
    pointer = war_room.published()
    assert before, "no minute is settled yet"
    # The archive DAG runs every five minutes, whenever that is: older minutes it may have taken, or take meanwhile.
    kept = floor_minute(utc_now() - (ARCHIVE_AGE_MINUTES - 1) * MINUTE)
    start, end = min(max(before) - MINUTE, max(min(before) - MINUTE, kept)), max(before)
    state = war_room.airflow.trigger("backfill_kpis", {"from": iso(start), "to": iso(end)})
    assert state == "success", war_room.airflow.last_log("backfill_kpis", "compute")
    after = {d["_id"]: (d["digest"], d["computed_at"]) for d in history.find({"_id": {"$in": list(before)}})}
    assert {minute: digest for minute, (digest, _) in after.items()} == before
    assert max(computed for _, computed in after.values()) > parse_iso(third_minute["meta"]["published_at"])
    assert pointer is not None


def test_the_retention_dag_is_green_and_says_what_it_kept(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    assert third_minute
    assert war_room.airflow.trigger("retention") == "success"
    run_id = war_room.airflow.runs("retention")[-1]["dag_run_id"]
    log = war_room.airflow.log("retention", run_id, "drop_rollups")
    assert re.search(r"kpi_rollup_pw, [\d,]+ kpi_history wait for the archive", log)
    assert "kept Airflow's rows: FLASHSALE_AIRFLOW_DATABASE is not set" in war_room.airflow.log(
        "retention", run_id, "clean_airflow"
    )


def test_with_redis_down_the_task_is_red_and_says_why_in_one_line(war_room: WarRoom) -> None:
    war_room.stack.stop_one("redis")
    try:
        assert war_room.airflow.trigger("minute_kpis") == "failed"
    finally:
        war_room.stack.start("redis")
    failed = [run for run in war_room.airflow.runs("minute_kpis") if run["state"] == "failed"]
    log = war_room.airflow.log("minute_kpis", failed[-1]["dag_run_id"], "publish")
    assert "Redis does not answer" in log
    assert "Traceback" not in log
    war_room.wait_for_minute(utc_now() - MINUTE, 240)


def test_the_page_says_stale_once_the_kpi_job_stopped(war_room: WarRoom, third_minute: dict[str, Any]) -> None:
    assert third_minute
    war_room.airflow.pause("minute_kpis")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(war_room.page)
        wait = timedelta(seconds=LATE_SECONDS + 60 + 90)
        expect(page.get_by_text("STALE", exact=False).first).to_be_visible(timeout=wait.total_seconds() * 1000)
    war_room.airflow.pause("minute_kpis", paused=False)
    recovered = war_room.wait_for_minute(utc_now() - MINUTE, 240)
    assert recovered["meta"]["complete"]
    expected = known_minutes(war_room.sale, parse_iso(recovered["meta"]["data_interval_end"]))
    published = {parse_iso(row["minute"]) - MINUTE: row["orders"] for row in recovered["trend"]}
    assert {m: published[m] for m in expected} == {m: totals.orders for m, totals in expected.items()}


def test_the_archive_dag_moves_aged_facts_and_loses_none(
    war_room: WarRoom, third_minute: dict[str, Any], tmp_path: Path
) -> None:
    # Until the first minute is older than the age, the archive DAG has nothing to do.
    aged = parse_iso(third_minute["meta"]["data_interval_end"]) + (ARCHIVE_AGE_MINUTES - MINUTES + 1) * MINUTE
    time.sleep(max(0.0, (aged - utc_now()).total_seconds()))
    state = war_room.airflow.trigger("archive_facts")
    assert state == "success", war_room.airflow.last_log("archive_facts", "archive")
    archived = archived_ids(war_room.settings, war_room.sale.sale_id, tmp_path)
    assert sum(archived["orders_fact"].values()) > 0
    database = war_room.mongo[war_room.sale.database]
    watermark = read_watermark(database)
    assert watermark is not None
    expected = known_ids(war_room.sale, watermark)
    for table in FACTS:
        hot = Counter(int(d["_id"]) for d in database[table.name].find({}, {"_id": 1}))
        assert not set(hot) & set(archived[table.name]), "a fact stands in both places"
        everywhere = hot + archived[table.name]
        # What the writer has sent since the watermark was read is not expected yet.
        assert Counter({i: n for i, n in everywhere.items() if i in expected[table.name]}) == expected[table.name]
        assert database[QUARANTINE_OF[table.name]].count_documents({}) == 0
