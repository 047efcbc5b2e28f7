"""Faults of the pipeline are told once when they begin and once when they are over, also with Airflow or Redis down."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from embedded.stack import Stack
from flashsale.minutes import MINUTE, floor_minute, utc_now
from flashsale.stores.context import write_sale
from notifier import service, worker
from tests.support.notified_sale import NotifiedSale
from tests.support.receivers import Webhook, until


def test_failed_dag_is_told_once_and_its_recovery_once(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    watched.health("dag:minute_kpis", "ok")
    watched.health("kpi", "ok")
    with watched.watching():
        watched.health("dag:minute_kpis", "failed", "task_failure")
        until(lambda: len(hook.taken) == 1)
        watched.health("dag:minute_kpis", "failed", "again")
        watched.wait_for_a_look()
        watched.wait_for_a_look()
    with watched.watching():
        watched.wait_for_a_look()
        assert watched.outbox.count_documents({}) == 1
        watched.health("dag:minute_kpis", "ok")
        until(lambda: len(hook.taken) == 2)
        watched.health("dag:minute_kpis", "failed", "another time")
        until(lambda: len(hook.taken) == 3)
    dag = "The DAG minute_kpis failed"
    assert hook.subjects() == [dag, f"Over: {dag}", dag]
    assert "task_failure" in hook.taken[0]["message"]
    assert 'section "A DAG fails"' in hook.taken[0]["message"]


def test_dag_that_failed_and_fell_silent_has_not_recovered(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    watched.health("dag:archive_facts", "failed")
    with watched.watching():
        until(lambda: len(hook.taken) == 1)
        watched.publisher.delete(watched.keys.health_dag("archive_facts"))
        time.sleep(1.2)
    assert hook.subjects() == ["The DAG archive_facts failed"]


def test_failed_verification_of_the_archive_is_told_with_its_reason(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    watched.health("archive", "failed", "batch 20261111T0900Z-orders_fact: read back 41 rows, sealed 42")
    with watched.watching():
        until(lambda: hook.taken)
    assert hook.subjects() == ["The archive job fails"]
    assert "read back 41 rows, sealed 42" in hook.taken[0]["message"]


def test_kpi_job_that_the_retry_heals_is_not_told(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    with watched.watching(notify_settle_seconds=2.0):
        watched.health("kpi", "failed", "Spark does not answer")
        time.sleep(1)
        watched.health("kpi", "ok")
        time.sleep(1.5)
        assert hook.taken == []
        watched.health("kpi", "failed", "Spark does not answer")
        until(lambda: hook.taken)
    assert hook.subjects() == ["URGENT: The kpi job fails"]


def test_stale_figures_are_told_though_nothing_writes(watched: NotifiedSale, hook: Webhook) -> None:
    """Nobody writes any key: neither Airflow nor a job runs."""
    watched.targets(hook.url)
    end = floor_minute(utc_now())
    watched.publish(end)
    age = (utc_now() - end).total_seconds()
    with watched.watching(live_seconds=1, late_seconds=int(age) + 8):
        watched.wait_for_a_look()
        assert watched.outbox.count_documents({}) == 0
        until(lambda: len(hook.taken) == 1)
        watched.publish()
        until(lambda: len(hook.taken) == 2)
    assert hook.subjects() == ["URGENT: The figures are stale", "Over: The figures are stale"]
    assert "No word from kpi and dag:minute_kpis." in hook.taken[0]["message"]


def test_writer_that_is_behind_is_told(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    ahead = floor_minute(utc_now()) + 10 * MINUTE
    watched.publish(ahead, watermark=ahead - 5 * MINUTE)
    with watched.watching():
        until(lambda: hook.taken)
    assert hook.subjects() == ["URGENT: The generator is behind"]


def test_live_sale_without_figures_is_told_and_an_ended_one_is_not(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    watched.publisher.delete(watched.keys.current)
    with watched.watching():
        until(lambda: hook.taken)
    assert hook.subjects() == ["URGENT: No figures of the live sale"]
    watched.outbox.delete_many({})
    watched.publish(watched.sale.sale_start)
    ended = timedelta(minutes=20)
    sale = {"phase": "ended", "sale_end": watched.sale.sale_start}
    watched.owner["flashsale_registry"].sales.update_one({"_id": watched.sale.sale_id}, {"$set": sale})
    write_sale(watched.publisher, type(watched.sale)(**{**_fields(watched), **sale}), [])
    assert utc_now() - watched.sale.sale_start > ended
    with watched.watching():
        watched.wait_for_a_look()
        watched.wait_for_a_look()
    assert watched.outbox.count_documents({}) == 0


def _fields(watched: NotifiedSale) -> dict[str, object]:
    return {name: getattr(watched.sale, name) for name in watched.sale.__dataclass_fields__}


def test_low_quality_is_told(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    watched.publish(quality=0.91)
    with watched.watching():
        until(lambda: hook.taken)
    assert hook.subjects() == ["The data quality is low"]
    assert "91.0%" in hook.taken[0]["message"]


def test_damaged_figures_are_told_and_end_nobody(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    for rubbish in ("{", "[1]", '{"data_interval_end": 7}', '"text"'):
        identifier = str(watched.publisher.get(watched.keys.current))
        watched.publisher.set(watched.keys.snapshot(identifier, "meta"), rubbish)
        with watched.watching():
            until(lambda: len(hook.taken) % 2 == 1)
            watched.publish()
            until(lambda: len(hook.taken) % 2 == 0)
    subject = "The published figures cannot be read"
    assert hook.subjects() == [f"URGENT: {subject}", f"Over: {subject}"] * 4


def test_redis_that_is_away_is_told_and_alerts_meanwhile_too(
    watched: NotifiedSale, hook: Webhook, stack: Stack
) -> None:
    watched.targets(hook.url)
    watched.health("dag:minute_kpis", "failed")
    with watched.watching():
        until(lambda: len(hook.taken) == 1)
        stack.stop_one("redis")
        try:
            until(lambda: len(hook.taken) == 2)
            watched.raise_alerts((7, 2))
            until(lambda: len(hook.taken) == 3)
            time.sleep(0.6)
        finally:
            stack.start("redis")
        until(lambda: len(hook.taken) == 4)
    assert hook.subjects() == [
        "The DAG minute_kpis failed",
        "URGENT: Redis does not answer",
        "CRITICAL: product 7 in warehouse 2",
        "Over: Redis does not answer",
    ]


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """MongoDB is waited for half a second at a time."""
    monkeypatch.setattr(service, "MONGO_SECONDS", 0.5)
    monkeypatch.setattr(worker, "MONGO_SECONDS", 0.5)


@pytest.mark.usefixtures("short_waits")
def test_mongodb_that_is_away_is_told_directly_and_its_return_by_the_outbox(
    watched: NotifiedSale, hook: Webhook, stack: Stack
) -> None:
    watched.targets(hook.url)
    with watched.watching():
        until(lambda: watched.own_health())
        stack.stop_one("mongo")
        try:
            until(lambda: len(hook.taken) == 1, 30)
            time.sleep(1)
        finally:
            stack.start("mongo")
        until(lambda: len(hook.taken) == 2, 30)
    assert hook.subjects() == ["URGENT: MongoDB does not answer", "Over: MongoDB does not answer"]


@pytest.mark.usefixtures("short_waits")
def test_heartbeat_moves_only_while_the_outbox_can_be_reached(
    watched: NotifiedSale, stack: Stack, tmp_path: Path
) -> None:
    heartbeat = tmp_path / "alive"
    with watched.watching(heartbeat_file=heartbeat):
        until(heartbeat.exists)
        stack.stop_one("mongo")
        try:
            time.sleep(0.8)
            before = heartbeat.stat().st_mtime
            time.sleep(1.6)
            assert heartbeat.stat().st_mtime == before
        finally:
            stack.start("mongo")
        until(lambda: heartbeat.stat().st_mtime > before, 30)
