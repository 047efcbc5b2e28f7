"""Facts move from real MongoDB to real HDFS: each acknowledged id stands exactly once, whatever interrupts."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.collection import Collection

from flashsale.errors import FlashsaleError, ReadBackError
from flashsale.hdfs_paths import SalePaths
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, ORDERS
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from spark_jobs import archive_facts, archive_steps, minute_kpis
from spark_jobs.session import spark_session
from tests.support.archive_files import archived_ids
from tests.support.archived_sale import NOW, START, acknowledged, drawn_facts, everywhere, hot_ids, settled_sale
from tests.support.shop import Pipeline, Shop, at, order

Open = Callable[..., SaleRun]


@pytest.fixture
def pipeline(spark_services: Settings, open_test_sale: Open) -> Pipeline:
    return settled_sale(spark_services, open_test_sale)


def _archived_ids_by_spark(pipeline: Pipeline) -> dict[str, Counter[int]]:
    paths = SalePaths(pipeline.sale.sale_id)
    with spark_session(pipeline.settings, "test") as spark:
        return {
            table.name: Counter(
                row[0]
                for row in spark.read.parquet(pipeline.settings.hdfs_rpc + paths.table(table.name))
                .select(table.key)
                .collect()
            )
            for table in FACTS
        }


def test_each_acknowledged_id_stands_exactly_once_for_spark_and_for_duckdb(pipeline: Pipeline, tmp_path: Path) -> None:
    report = archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    assert report.rows == sum(sum(ids.values()) for ids in acknowledged().values())
    assert archived_ids(pipeline.settings, pipeline.sale.sale_id, tmp_path) == acknowledged()
    assert _archived_ids_by_spark(pipeline) == acknowledged()
    assert hot_ids(pipeline) == {"orders_fact": Counter(), "inventory_fact": Counter()}


def test_the_manifest_tells_what_the_file_holds(pipeline: Pipeline) -> None:
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    hdfs, paths = HdfsStore(pipeline.settings), SalePaths(pipeline.sale.sale_id)
    manifests = [json.loads(hdfs.read_text(p)) for p in hdfs.walk_files(paths.metadata("orders_fact"))]
    orders, _ = drawn_facts()
    assert [m["end"][11:16] for m in manifests] == ["10:00", "10:10"], "a batch ends with its hour"
    assert sum(m["rows"] for m in manifests) == len(orders)
    assert sum(m["quantity"] for m in manifests) == sum(o["order_qty"] for o in orders)
    assert sum(m["value"] for m in manifests) == sum(o["order_value"] for o in orders)
    assert hdfs.walk_files(f"{paths.archive}/_staging") == []


def test_minutes_that_were_never_rolled_up_keep_their_facts(spark_services: Settings, open_test_sale: Open) -> None:
    sale = open_test_sale(spark_services, sale_start=at(START), sale_end=at("12:00"))
    shop = Pipeline(spark_services, sale, Shop(products=4, capacities=(20, 30, 1000)))
    shop.add(*drawn_facts())
    shop.acked_through("10:30")
    minute_kpis.backfill(spark_services, at(START), at("09:58"), sale.sale_id)
    report = archive_facts.run(spark_services, sale.sale_id, NOW)
    assert report.until == at("09:58")
    hot = [o["order_ts"] for o in shop.database[ORDERS.name].find()]
    assert hot
    assert min(hot) >= at("09:58")


def test_a_run_that_dies_in_the_middle_of_deleting_loses_nothing(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = 0
    delete_many = Collection.delete_many

    def die_at_the_third(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal deleted
        deleted += 1
        if deleted == 3:
            raise KeyboardInterrupt
        return delete_many(self, *args, **kwargs)

    monkeypatch.setattr(archive_steps, "DELETE_CHUNK", 10)
    with monkeypatch.context() as patch:
        patch.setattr(Collection, "delete_many", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    assert deleted == 3
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    assert everywhere(pipeline) == acknowledged()


def test_a_damaged_staged_file_is_never_published_and_deletes_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = archive_steps.ArchiveSteps.stage

    def stage_without_some(self: Any, table: Any, batch: Any) -> None:
        hidden = list(pipeline.database[table.name].find().limit(3))
        pipeline.database[table.name].delete_many({"_id": {"$in": [d["_id"] for d in hidden]}})
        stage(self, table, batch)
        pipeline.database[table.name].insert_many(hidden)

    with monkeypatch.context() as patch:
        patch.setattr(archive_steps.ArchiveSteps, "stage", stage_without_some)
        with pytest.raises(ReadBackError, match="nothing was deleted"):
            archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    assert hot_ids(pipeline) == acknowledged()
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    assert sum(hot_ids(pipeline)["orders_fact"].values()) == 0


def test_a_fact_that_arrives_after_sealing_goes_with_the_next_batch(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = archive_steps.ArchiveSteps.stage
    waiting = [{**order(999_999, "09:55", (1, 1), 1, 1, 100), "arrived_at": at("10:29")}]

    def insert_then_stage(self: Any, table: Any, batch: Any) -> None:
        if waiting:
            pipeline.database[ORDERS.name].insert_one(waiting.pop())
        stage(self, table, batch)

    monkeypatch.setattr(archive_steps.ArchiveSteps, "stage", insert_then_stage)
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    expected = acknowledged()
    expected["orders_fact"][999_999] = 1
    assert everywhere(pipeline) == expected


def test_a_fact_that_arrives_between_publishing_and_deleting_is_not_deleted(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = archive_steps.ArchiveSteps.publish
    waiting = [{**order(999_998, "09:55", (1, 1), 1, 1, 100), "arrived_at": at("10:29")}]

    def publish_then_insert(self: Any, table: Any, batch: Any) -> str:
        digest: str = publish(self, table, batch)
        if waiting:
            pipeline.database[ORDERS.name].insert_one(waiting.pop())
        return digest

    monkeypatch.setattr(archive_steps.ArchiveSteps, "publish", publish_then_insert)
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    expected = acknowledged()
    expected["orders_fact"][999_998] = 1
    assert everywhere(pipeline) == expected


def test_archived_minutes_cannot_be_counted_again(pipeline: Pipeline) -> None:
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)
    with pytest.raises(FlashsaleError, match="are archived"):
        minute_kpis.backfill(pipeline.settings, at(START), at(START) + timedelta(minutes=3), pipeline.sale.sale_id)
