"""What the real writer acknowledged is all found: in MongoDB, in the archive, and in quarantine, archived or not."""

from datetime import timedelta

import pytest

from flashsale.minutes import MINUTE, floor_minute, minutes_between, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import INGEST_LEDGER, KPI_STATE, ORDERS, PRODUCTS, QUARANTINE_OF
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client
from spark_jobs import archive_facts
from spark_jobs.archive_tools.verify import VerifyReport, verify
from spark_jobs.seed_dimensions import seed
from tests.support.generator_runs import run_in_process
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

TICKS = 130
"""Two minutes and ten seconds, in two shards."""


@pytest.fixture(scope="module")
def sale(spark_services: Settings) -> SaleRun:
    """A sale of the generator half an hour ago, its minutes marked settled, and a product that no dimension knows."""
    sale = open_sale(spark_services, SMALL, floor_minute(utc_now()) - timedelta(hours=3))
    seed(spark_services)
    with mongo_client(spark_services, "generator") as client:
        run_in_process(client, spark_services, sale, TICKS)
    with mongo_client(spark_services, "owner") as owner:
        database = owner[sale.database]
        ordered = database[ORDERS.name].aggregate([{"$sortByCount": "$product_id"}]).next()
        database[PRODUCTS.name].delete_one({"_id": ordered["_id"]})
        ends = minutes_between(sale.sale_start + MINUTE, sale.sale_start + 100 * MINUTE)
        database[KPI_STATE].insert_many({"_id": end, "settled": True} for end in ends)
    return sale


def test_each_fact_is_found_at_every_stage_of_its_way(spark_services: Settings, sale: SaleRun) -> None:
    def found() -> VerifyReport:
        report = verify(spark_services, sale.sale_id, deep=True)
        assert report.findings == ()
        assert report.notes == ()
        assert report.ledger_minutes == 2
        return report

    hot = found()
    assert (hot.archived, hot.moved) == (0, 0)
    archive_facts.run(spark_services, sale.sale_id)
    gone = found()
    assert gone.archived > 0 < gone.moved
    assert gone.hot + gone.archived + gone.moved == hot.hot
    # Quarantine is archived too, in its time.
    archive_facts.run(spark_services, sale.sale_id, utc_now() + timedelta(hours=2))
    with mongo_client(spark_services, "jobs") as jobs:
        assert jobs[sale.database][QUARANTINE_OF[ORDERS.name]].count_documents({}) == 0
    later = found()
    assert (later.archived, later.moved) == (gone.archived, gone.moved)


def test_a_loss_of_any_kind_is_told_by_its_minute(spark_services: Settings, sale: SaleRun) -> None:
    with mongo_client(spark_services, "owner") as owner:
        ledger = owner[sale.database][INGEST_LEDGER]
        ledger.update_one({"_id": {"minute": sale.sale_start, "shard": 0}}, {"$inc": {"acked": 3}})
        report = verify(spark_services, sale.sale_id)
        ledger.update_one({"_id": {"minute": sale.sale_start, "shard": 0}}, {"$inc": {"acked": -3}})
    assert len(report.findings) == 1
    assert "3 of them are nowhere" in report.findings[0]
