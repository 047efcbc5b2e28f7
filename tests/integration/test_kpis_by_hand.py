"""The minute job on real MongoDB, Spark and Redis publishes exactly what was worked out by hand."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flashsale.minutes import MINUTE
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.snapshot import PARTS
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts
from spark_jobs import minute_kpis
from tests.support import by_hand
from tests.support.notified_sale import notified_sale
from tests.support.receivers import Webhook, until
from tests.support.shop import Pipeline, at


@pytest.fixture(scope="module")
def pipeline(
    spark_services: Settings, open_test_sale: Callable[..., SaleRun], tmp_path_factory: pytest.TempPathFactory
) -> Pipeline:
    settings = by_hand.remembering(spark_services, tmp_path_factory.mktemp("calibration"))
    sale = open_test_sale(settings, sale_start=at("09:00"), sale_end=at("11:00"))
    pipeline = Pipeline(settings, sale)
    pipeline.add(by_hand.ORDERS, by_hand.INVENTORY)
    pipeline.acked_through(by_hand.END)
    return pipeline


@pytest.fixture(scope="module")
def published(pipeline: Pipeline) -> dict[str, Any]:
    settings, sale = pipeline.settings, pipeline.sale
    report = minute_kpis.run(settings, at(by_hand.END), sale.sale_id)
    with redis_client(settings, "dashboard_read") as redis:
        assert current_snapshot_id(redis, sale.sale_id) == report.snapshot_id
        parts = read_parts(redis, sale.sale_id, report.snapshot_id, PARTS)
        found: Any = redis.hgetall(SaleKeys(sale.sale_id).snapshot_details(report.snapshot_id))
    parts_read = {name: json.loads(text or "null") for name, text in parts.items()}
    return {**parts_read, "details": {key: json.loads(text) for key, text in found.items()}}


def test_every_product_row_is_as_worked_out_by_hand(published: dict[str, Any]) -> None:
    assert published["products"] == by_hand.PRODUCTS


def test_headline_is_as_worked_out_by_hand(published: dict[str, Any]) -> None:
    score = published["headline"].pop("data_quality_score")
    assert published["headline"] == by_hand.HEADLINE
    assert score is None, "no writer kept a ledger, so nothing is known of what it received"


def test_warehouses_are_as_worked_out_by_hand(published: dict[str, Any]) -> None:
    assert published["warehouses"] == by_hand.WAREHOUSES


def test_risk_map_is_as_worked_out_by_hand(published: dict[str, Any]) -> None:
    assert published["cities"] == by_hand.CITIES
    assert published["city_warehouse"] == by_hand.CITY_WAREHOUSE


def test_actions_are_as_worked_out_by_hand(published: dict[str, Any]) -> None:
    rows = published["actions"]["rows"]
    assert published["actions"]["total"] == len(by_hand.ACTIONS)
    seen = [(r["severity"], r["product_id"], r["warehouse_id"], r["action"], r["qty"], r["velocities"]) for r in rows]
    assert seen == by_hand.ACTIONS


def test_each_row_has_what_is_behind_it(published: dict[str, Any]) -> None:
    rows = {f"{row['product_id']}:{row['warehouse_id']}": row for row in published["actions"]["rows"]}
    behind = {key: details for key, details in published["details"].items() if not key.startswith("warehouse:")}
    assert behind.keys() == rows.keys()
    for key, details in behind.items():
        assert details["available"] == rows[key]["available"]
        assert details["velocities"] == rows[key]["velocities"]
        assert details["history"] == [], "no alert rings yet"
        best = details["alternatives"][0]
        assert (best["action"], best["qty"]) == (rows[key]["action"], rows[key]["qty"])
        own = [p for p in published["products"] if p["product_id"] == rows[key]["product_id"]]
        assert {s["warehouse_id"] for s in details["siblings"]} == {
            p["warehouse_id"] for p in own if p["warehouse_id"] != rows[key]["warehouse_id"]
        }


def test_each_warehouse_has_what_is_behind_it(published: dict[str, Any]) -> None:
    actions, products = published["actions"]["rows"], published["products"]
    behind = {key: details for key, details in published["details"].items() if key.startswith("warehouse:")}
    assert behind.keys() == {f"warehouse:{row['warehouse_id']}" for row in published["warehouses"]}
    for row in published["warehouses"]:
        details = behind[f"warehouse:{row['warehouse_id']}"]
        own = [p for p in products if p["warehouse_id"] == row["warehouse_id"]]
        assert {name: details[name] for name in ("load", "overloaded", "mean_fulfillment_delay")} == {
            name: row[name] for name in ("load", "overloaded", "mean_fulfillment_delay")
        }
        assert details["available"] == sum(p["available"] or 0 for p in own)
        assert details["statuses"] == Counter(p["status"] for p in own)
        out = details["statuses"].get("sold_out", 0)
        still = [p for p in own if p["status"] != "sold_out"]
        assert details["fan"][0] == {"minute": 0, "low": out, "middle": out, "high": out}
        assert [(point["minute"], point["middle"] - out) for point in details["fan"][1:]] == [
            (minutes, sum((p[name] or 0) >= 0.5 for p in still))
            for minutes, name in ((5, "p5"), (15, "p15"), (30, "p30"))
        ]
        urgent = [a for a in actions if a["warehouse_id"] == row["warehouse_id"]]
        assert details["open_rows"] == len(urgent)
        assert [p["product_id"] for p in details["products"]] == [a["product_id"] for a in urgent]
        for product in details["products"]:
            everywhere = [p for p in products if p["product_id"] == product["product_id"]]
            others = sum(p["available"] or 0 for p in everywhere if p["warehouse_id"] != row["warehouse_id"])
            assert product["elsewhere"] == others
        assert details["history"] == [], "no alert rings yet"
    units = [details["units"] for details in behind.values()]
    assert sum(series[-1] for series in units) == published["headline"]["units_per_minute"]
    assert {len(series) for series in units} == {15}


def test_no_alert_rings_in_the_first_minute_that_is_looked_at(published: dict[str, Any]) -> None:
    assert published["alerts"] == []
    assert {row["alert_id"] for row in published["actions"]["rows"]} == {None}


def test_meta_says_complete_but_not_settled_when_the_watermark_is_just_there(published: dict[str, Any]) -> None:
    meta = published["meta"]
    assert (meta["complete"], meta["settled"], meta["watermark"]) == (True, False, "2026-11-11T09:12:00.000Z")


def test_ledger_residual_is_the_units_no_shelf_knew_of(published: dict[str, Any]) -> None:
    assert published["data_quality"]["ledger_residual_units"] == by_hand.LEDGER_RESIDUAL


def test_trend_has_a_row_for_each_minute_of_the_sale(published: dict[str, Any]) -> None:
    trend = published["trend"]
    assert [row["minute"][11:16] for row in trend] == [f"09:{m:02}" for m in range(1, 13)]
    assert [row["orders"] for row in trend] == [0, 0, 1, 1, 1, 1, 2, 1, 1, 2, 2, 3]


def test_no_pair_of_the_shop_is_a_phantom_stock_suspect(published: dict[str, Any]) -> None:
    """Nor product 6, whose stock nobody ever told."""
    assert published["data_quality"]["phantom_suspects"] == {"total": 0, "rows": []}


@pytest.mark.usefixtures("published")
def test_alert_that_the_second_bad_minute_raises_is_delivered_with_what_to_do(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """Last in this file: it publishes the next minute."""
    end = at(by_hand.END) + MINUTE
    pipeline.acked_through("09:13")
    minute_kpis.run(pipeline.settings, end, pipeline.sale.sale_id)
    hook = Webhook().open()
    with notified_sale(pipeline.settings, pipeline.sale, tmp_path, prepared=False) as watched:
        watched.targets(hook.url)
        with watched.watching(notify_severity="high"):
            until(lambda: any("Product 3" in message["title"] for message in hook.taken))
    hook.close()
    told = {message["title"]: message["message"] for message in hook.taken}
    with redis_client(pipeline.settings, "dashboard_read") as redis:
        identifier = current_snapshot_id(redis, pipeline.sale.sale_id)
        assert identifier is not None
        rows = json.loads(read_parts(redis, pipeline.sale.sale_id, identifier, ("alerts",))["alerts"] or "")
    (row,) = (row for row in rows if (row["product_id"], row["warehouse_id"]) == (3, 1))
    (body,) = (text for title, text in told.items() if title.startswith("SOLD OUT: Product 3 in Warehouse 1"))
    assert f"To do: {row['action'].replace('_', ' ')}" in body
    assert row["reason"][:60] in body
    # Nobody publishes any more, and it is long past the minute: that is told as well.
    assert "URGENT: The figures are stale" in told
