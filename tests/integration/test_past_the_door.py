"""Bad documents that got past the validator change no KPI, and are moved: none lost, none twice."""

from collections.abc import Callable
from typing import Any

import pytest
from bson import encode
from bson.errors import BSONError
from pymongo.errors import PyMongoError

from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, QUARANTINE_OF
from flashsale.settings import Settings
from flashsale.stores.quarantine import quarantine_counts
from spark_jobs import minute_kpis
from tests.support import by_hand
from tests.support.facts import bad_events, bad_orders, good_event, good_order
from tests.support.published import read_published
from tests.support.shop import Pipeline, at

UNKNOWN = {
    "orders_fact": {
        "unknown product": good_order(30_001, product_id=777),
        "unknown warehouse": good_order(30_002, warehouse_id=777),
        "unknown city": good_order(30_003, city_id=777),
        "before the sale": good_order(30_004, order_ts=at("08:59:59")),
    },
    "inventory_fact": {
        "unknown product": good_event(30_001, product_id=777),
        "time is missing": {k: v for k, v in good_event(30_005).items() if k != "inventory_ts"},
    },
}


@pytest.fixture(scope="module")
def pipeline(
    spark_services: Settings, open_test_sale: Callable[..., SaleRun], tmp_path_factory: pytest.TempPathFactory
) -> Pipeline:
    settings = by_hand.remembering(spark_services, tmp_path_factory.mktemp("calibration"))
    sale = open_test_sale(settings, sale_start=at("09:00"), sale_end=at("11:00"))
    shop = Pipeline(settings, sale)
    shop.add(by_hand.ORDERS, by_hand.INVENTORY)
    shop.acked_through(by_hand.END)
    return shop


@pytest.fixture(scope="module")
def slipped_in(pipeline: Pipeline) -> dict[str, int]:
    """Table -> number of bad documents MongoDB holds after they were written past its validator."""
    counts = {}
    for table, documents in (
        ("orders_fact", [*(d for d, _ in bad_orders().values()), *UNKNOWN["orders_fact"].values()]),
        ("inventory_fact", [*(d for d, _ in bad_events().values()), *UNKNOWN["inventory_fact"].values()]),
    ):
        before = pipeline.database[table].count_documents({})
        for document in documents:
            _insert_past_the_door(pipeline, table, document)
        counts[table] = pipeline.database[table].count_documents({}) - before
    assert counts["orders_fact"] >= 35
    return counts


def _insert_past_the_door(pipeline: Pipeline, table: str, document: Any) -> None:
    try:
        encode(document)
    except (BSONError, OverflowError, TypeError, ValueError, RecursionError):
        return  # no database could hold it
    try:
        pipeline.database[table].insert_one(dict(document), bypass_document_validation=True)
    except (PyMongoError, BSONError):
        return  # MongoDB itself refuses it, whatever the validator says


def test_bad_documents_change_no_kpi_and_are_each_moved_once(pipeline: Pipeline, slipped_in: dict[str, int]) -> None:
    minute_kpis.run(pipeline.settings, at(by_hand.END), pipeline.sale.sale_id)
    parts = read_published(pipeline)
    parts["headline"].pop("data_quality_score")
    assert parts["headline"] == by_hand.HEADLINE
    assert parts["products"] == by_hand.PRODUCTS
    assert parts["cities"] == by_hand.CITIES
    good = {"orders_fact": len(by_hand.ORDERS), "inventory_fact": len(by_hand.INVENTORY)}
    for table in FACTS:
        assert pipeline.database[table.name].count_documents({}) == good[table.name], "a bad fact stayed"
        quarantine = pipeline.database[QUARANTINE_OF[table.name]]
        assert quarantine.count_documents({"origin": "moved"}) == slipped_in[table.name]
    reasons = quarantine_counts(pipeline.database)
    assert reasons["moved:unknown:product_id"] == 2
    assert reasons["moved:outside_sale:order_ts"] >= 1
    assert reasons["moved:missing:order_ts"] == 1
    assert reasons["moved:type:order_qty"] >= 8


def test_the_next_run_finds_nothing_more_and_moves_nothing_twice(
    pipeline: Pipeline, slipped_in: dict[str, int]
) -> None:
    before = quarantine_counts(pipeline.database)
    pipeline.acked_through("09:13")
    minute_kpis.run(pipeline.settings, at(by_hand.END) + MINUTE, pipeline.sale.sale_id)
    assert quarantine_counts(pipeline.database) == before
    assert sum(before.values()) == sum(slipped_in.values())
