"""The settled minutes of equal facts have equal bytes, however the facts came and however often runs are repeated."""

import random
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from flashsale.errors import SupersededRunError
from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.schema import KPI_HISTORY, ORDERS, REGISTRY_DATABASE, SALES
from flashsale.settings import Settings
from flashsale.snapshot import SETTLED_PARTS
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts
from spark_jobs import minute_kpis
from tests.support.random_sale import Facts, arrived_before, draw
from tests.support.shop import Pipeline, Shop, at

MINUTES = 14
START, LAST, SETTLED_AT = "09:00", "09:14", "09:20"
SHOP = Shop(products=4, capacities=(20, 30, 1000))

Open = Callable[..., SaleRun]

# The fixture that follows each minute counts as part of the first test that asks for it.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return draw(7, START, MINUTES)


@pytest.fixture(scope="module")
def uninterrupted(spark_services: Settings, open_test_sale: Open, facts: Facts) -> dict[str, str]:
    """Digests when a run follows each minute while the facts arrive one after the other."""
    pipeline = _open(spark_services, open_test_sale)
    known: set[tuple[str, int]] = set()
    for minute in range(1, MINUTES + 4):
        clock = f"09:{minute:02}"
        orders, inventory = arrived_before(facts, clock)
        pipeline.add(
            [o for o in orders if ("o", o["_id"]) not in known], [e for e in inventory if ("e", e["_id"]) not in known]
        )
        known |= {("o", o["_id"]) for o in orders} | {("e", e["_id"]) for e in inventory}
        pipeline.acked_through(clock)
        minute_kpis.run(spark_services, at(clock), pipeline.sale.sale_id)
    digests = _settled(pipeline)
    assert len(digests) >= MINUTES
    return digests


def test_facts_in_any_order_with_duplicates_give_the_same_bytes(
    spark_services: Settings, open_test_sale: Open, facts: Facts, uninterrupted: dict[str, str]
) -> None:
    pipeline = _open(spark_services, open_test_sale)
    orders, inventory = list(facts[0]), list(facts[1])
    random.Random(3).shuffle(orders)
    random.Random(4).shuffle(inventory)
    first = min(o["order_ts"] for o in orders)
    for chunk in range(0, len(orders), 20):
        pipeline.add(orders[chunk : chunk + 20], [])
    pipeline.add([], inventory)
    with pytest.raises(BulkWriteError):
        pipeline.database[ORDERS.name].insert_many(orders[:50], ordered=False)
    assert pipeline.database[ORDERS.name].count_documents({}) == len(orders)
    _set_first_order(pipeline, first)
    pipeline.acked_through(SETTLED_AT)
    minute_kpis.backfill(spark_services, at(START), at(LAST), pipeline.sale.sale_id)
    assert _common(_settled(pipeline), uninterrupted) == MINUTES


def test_a_rerun_publishes_the_same_bytes(spark_services: Settings, open_test_sale: Open, facts: Facts) -> None:
    pipeline = _filled(spark_services, open_test_sale, facts)
    texts = []
    for _ in range(2):
        report = minute_kpis.run(spark_services, at(LAST), pipeline.sale.sale_id)
        texts.append((report.snapshot_id, _settled_texts(spark_services, pipeline, report.snapshot_id)))
    assert texts[0] == texts[1]


def test_two_overlapping_runs_of_one_minute_leave_one_and_the_same_snapshot(
    spark_services: Settings, open_test_sale: Open, facts: Facts
) -> None:
    pipeline = _filled(spark_services, open_test_sale, facts)
    outcomes: list[Any] = []

    def run() -> None:
        try:
            outcomes.append(minute_kpis.run(spark_services, at(LAST), pipeline.sale.sale_id).snapshot_id)
        except SupersededRunError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    published = {outcome for outcome in outcomes if isinstance(outcome, str)}
    with redis_client(spark_services, "dashboard_read") as redis:
        assert published == {current_snapshot_id(redis, pipeline.sale.sale_id)}
    assert len(outcomes) == 2


def test_an_older_run_never_replaces_a_newer_snapshot(
    spark_services: Settings, open_test_sale: Open, facts: Facts
) -> None:
    pipeline = _filled(spark_services, open_test_sale, facts)
    newest = minute_kpis.run(spark_services, at(LAST), pipeline.sale.sale_id).snapshot_id
    with pytest.raises(SupersededRunError):
        minute_kpis.run(spark_services, at(LAST) - MINUTE, pipeline.sale.sale_id)
    minute_kpis.backfill(spark_services, at(START), at(LAST) - MINUTE, pipeline.sale.sale_id)
    with redis_client(spark_services, "dashboard_read") as redis:
        assert current_snapshot_id(redis, pipeline.sale.sale_id) == newest


def test_the_first_snapshot_after_ten_minutes_without_runs_equals_the_uninterrupted_one(
    spark_services: Settings, open_test_sale: Open, facts: Facts, uninterrupted: dict[str, str]
) -> None:
    pipeline = _open(spark_services, open_test_sale)
    pipeline.add(*arrived_before(facts, "09:03"))
    pipeline.acked_through("09:03")
    minute_kpis.run(spark_services, at("09:03"), pipeline.sale.sale_id)
    orders, inventory = facts
    pipeline.add(
        [o for o in orders if o["arrived_at"] >= at("09:03")], [e for e in inventory if e["arrived_at"] >= at("09:03")]
    )
    pipeline.acked_through(SETTLED_AT)
    report = minute_kpis.run(spark_services, at(LAST), pipeline.sale.sale_id)
    assert report.complete
    assert report.rebuilt_minutes >= 10
    assert _common(_settled(pipeline), uninterrupted) == MINUTES


def test_a_gap_longer_than_a_run_rebuilds_is_filled_by_the_runs_that_follow(
    spark_services: Settings, open_test_sale: Open, facts: Facts, uninterrupted: dict[str, str]
) -> None:
    settings = spark_services.model_copy(update={"rebuild_limit_minutes": 20, "window_minutes": 15})
    pipeline = _filled(spark_services, open_test_sale, facts, watermark="09:50")
    late_start = minute_kpis.run(settings, at("09:40"), pipeline.sale.sale_id)
    assert not late_start.complete, "twenty minutes before the rebuilt ones were never computed"
    for minute in (1, 2):
        last = minute_kpis.run(settings, at("09:40") + minute * MINUTE, pipeline.sale.sale_id)
    assert last.complete
    assert _common(_settled(pipeline), uninterrupted) == MINUTES


def _open(settings: Settings, open_test_sale: Open) -> Pipeline:
    return Pipeline(settings, open_test_sale(settings, sale_start=at(START), sale_end=at("12:00")), SHOP)


def _filled(settings: Settings, open_test_sale: Open, facts: Facts, watermark: str = SETTLED_AT) -> Pipeline:
    pipeline = _open(settings, open_test_sale)
    pipeline.add(*facts)
    pipeline.acked_through(watermark)
    return pipeline


def _set_first_order(pipeline: Pipeline, first: datetime) -> None:
    """Shuffled chunks name another order first; a writer sends them in the order of time."""
    sales = pipeline.client[REGISTRY_DATABASE][SALES]
    sales.update_one({"_id": pipeline.sale.sale_id}, {"$set": {"first_order_ts": first}})


def _settled(pipeline: Pipeline) -> dict[str, str]:
    """Clock -> digest of the settled minutes up to the last one with facts."""
    cursor = pipeline.database[KPI_HISTORY].find({"settled": True, "_id": {"$lte": at(LAST)}})
    return {f"{document['_id']:%H:%M}": document["digest"] for document in cursor}


def _common(one: dict[str, str], other: dict[str, str]) -> int:
    """Minutes both settled, all of which must have equal digests."""
    both = set(one) & set(other)
    assert {clock: one[clock] for clock in both} == {clock: other[clock] for clock in both}
    return len(both)


def _settled_texts(settings: Settings, pipeline: Pipeline, snapshot_id: str) -> dict[str, str | None]:
    with redis_client(settings, "dashboard_read") as redis:
        return read_parts(redis, pipeline.sale.sale_id, snapshot_id, SETTLED_PARTS)
