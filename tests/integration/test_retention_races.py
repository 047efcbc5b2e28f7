"""Retention beside a real minute job and a real backfill: neither misses what it needs; the figures stay the same."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from flashsale.sale_run import SaleRun
from flashsale.schema import KPI_HISTORY, KPI_STATE, ROLLUP_PW, ROLLUP_PWC
from flashsale.settings import Settings
from spark_jobs import minute_kpis, retention
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at

Open = Callable[..., SaleRun]
START, END = "09:00", "09:10"
COMPUTED = (ROLLUP_PW, KPI_STATE, KPI_HISTORY)


@pytest.fixture
def shop(spark_services: Settings, open_test_sale: Open) -> Pipeline:
    # A window of three minutes: the fine rollups of the first ones are soon free to go.
    settings = spark_services.model_copy(update={"window_minutes": 3})
    sale = open_test_sale(settings, sale_start=at(START), sale_end=at("12:00"))
    shop = Pipeline(settings, sale, Shop(products=4, capacities=(20, 30, 1000)))
    shop.add(*draw(5, START, 10, orders_per_minute=6))
    shop.acked_through("09:15")
    return shop


def _digests(shop: Pipeline) -> dict[str, dict[str, str]]:
    return {name: {str(d["_id"]): d["digest"] for d in shop.database[name].find()} for name in COMPUTED}


@contextmanager
def _retaining(shop: Pipeline) -> Iterator[list[int]]:
    """Retention run after run, as at 10:00; the fine rollups that each dropped."""
    over = threading.Event()
    dropped: list[int] = []

    def retain() -> None:
        while not over.wait(0.3):
            dropped.append(retention.run(shop.settings, shop.sale.sale_id, at("10:00")).aged.dropped)

    thread = threading.Thread(target=retain)
    thread.start()
    try:
        yield dropped
    finally:
        over.set()
        thread.join()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_backfill_and_minute_job_come_to_the_same_digests_beside_retention(shop: Pipeline) -> None:
    minute_kpis.backfill(shop.settings, at(START), at(END), shop.sale.sale_id)
    before = _digests(shop)
    # Computed long ago: free to go, were it not for what the open minutes need.
    shop.database[ROLLUP_PWC].update_many({}, {"$set": {"computed_at": at("09:00")}})
    with _retaining(shop) as dropped:
        minute_kpis.backfill(shop.settings, at(START), at(END), shop.sale.sale_id)
        report = minute_kpis.run(shop.settings, at("09:11"), shop.sale.sale_id)
    assert sum(dropped) > 0, "retention had nothing to do"
    after = _digests(shop)
    assert {name: {key: after[name][key] for key in before[name]} for name in before} == before
    assert report.complete
