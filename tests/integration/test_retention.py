"""What leaves MongoDB by age, and from when on rollups and history are still needed, on a real MongoDB."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.collection import Collection

from flashsale.minutes import MINUTE, minutes_between
from flashsale.sale_run import SaleRun
from flashsale.schema import (
    KPI_HISTORY,
    KPI_STATE,
    ORDERS,
    ROLLUP_PW,
    ROLLUP_PWC,
    STATE_COLLECTIONS,
)
from flashsale.settings import Settings
from flashsale.stores.health import read_health
from flashsale.stores.redis_client import redis_client
from spark_jobs import retention, retention_documents
from spark_jobs.retention import RetentionReport
from spark_jobs.retention_needs import needed_from
from tests.support.shop import Pipeline, at, order

Open = Callable[..., SaleRun]
START, OPEN = "06:00", "09:00"  # the minutes that end by 09:00 are settled
NOW = at("09:02:30")
MINUTES = 180
WINDOW_FROM = at("09:01") - 19 * MINUTE  # window, lateness and two more before the oldest open minute's end


@pytest.fixture(scope="module")
def sale_of_all(data_services: Settings, open_test_sale: Open) -> Pipeline:
    return Pipeline(data_services, open_test_sale(data_services, sale_start=at(START), sale_end=at("12:00")))


@pytest.fixture
def shop(sale_of_all: Pipeline) -> Pipeline:
    """Three hours of minutes, computed as their minute ended and settled, with no fact left in MongoDB."""
    shop = sale_of_all
    for name in (*STATE_COLLECTIONS, ORDERS.name):
        shop.database[name].delete_many({})
    shop.mark_settled(START, OPEN)
    starts = list(minutes_between(at(START), at(OPEN)))
    for name in (ROLLUP_PW, ROLLUP_PWC):
        shop.database[name].insert_many(_minute(start, start + MINUTE) for start in starts)
    shop.database[KPI_HISTORY].insert_many(_minute(start + MINUTE, start + MINUTE) for start in starts)
    return shop


def _minute(key: datetime, computed_at: datetime) -> dict[str, Any]:
    return {"_id": key, "computed_at": computed_at, "watermark": computed_at, "rows": b"x"}


def _retain(shop: Pipeline) -> RetentionReport:
    return retention.run(shop.settings, shop.sale.sale_id, NOW)


def _keys(shop: Pipeline, name: str) -> list[datetime]:
    return [document["_id"] for document in shop.database[name].find({}, {"_id": 1}).sort("_id", 1)]


def test_fine_rollups_go_by_age_and_the_rest_stays_until_archived(shop: Pipeline) -> None:
    report = _retain(shop)
    assert _keys(shop, ROLLUP_PWC) == list(minutes_between(WINDOW_FROM, at(OPEN)))
    assert [len(_keys(shop, name)) for name in (ROLLUP_PW, KPI_HISTORY, KPI_STATE)] == [MINUTES] * 3
    line = report.line()
    assert line.startswith("dropped 162 kpi_rollup_pwc; 161 kpi_rollup_pw, 120 kpi_history wait for the archive; ")
    with redis_client(shop.settings, "publisher") as redis:
        health = read_health(redis, shop.sale.sale_id, {"retention": "retention"})["retention"]
    assert health is not None
    assert (health["state"], health["detail"]) == ("ok", line)
    assert _retain(shop).aged.dropped == 0


def test_fine_rollups_that_a_backfill_just_made_stay(shop: Pipeline) -> None:
    made = {at("07:00") + n * MINUTE for n in range(15)}
    shop.database[ROLLUP_PWC].update_many({"_id": {"$in": list(made)}}, {"$set": {"computed_at": NOW - 9 * MINUTE}})
    _retain(shop)
    assert set(_keys(shop, ROLLUP_PWC)) == made | set(minutes_between(WINDOW_FROM, at(OPEN)))


def test_rollups_and_history_are_needed_as_far_back_as_a_gap_and_a_trend_reach(shop: Pipeline) -> None:
    start, end = at(START), at("09:02")
    needed = needed_from(shop.database, start, end, shop.settings)
    # The minute before the window closes with the stock that the window's first one carries on.
    assert (needed.rollups, needed.history) == (WINDOW_FROM - MINUTE, at("08:01"))
    shop.database[KPI_STATE].delete_one({"_id": at("08:00")})
    needed = needed_from(shop.database, start, end, shop.settings)
    assert (needed.rollups, needed.history) == (at("08:00") - 20 * MINUTE, at("07:00"))
    shop.database[ORDERS.name].insert_one(order(1, "07:10:20", (1, 1), 1, 1, 100))
    assert needed_from(shop.database, start, end, shop.settings).rollups == at("07:09")


@pytest.mark.parametrize("deletions", [1, 2])
def test_a_run_that_dies_anywhere_is_finished_by_the_next(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, deletions: int
) -> None:
    done = 0
    delete_many = Collection.delete_many

    def die_at(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal done
        done += 1
        if done > deletions:
            raise KeyboardInterrupt
        return delete_many(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "delete_many", die_at)
        with pytest.raises(KeyboardInterrupt):
            _retain(shop)
    _retain(shop)
    assert _keys(shop, ROLLUP_PWC)[0] == WINDOW_FROM
    assert len(_keys(shop, ROLLUP_PW)) == MINUTES


def test_one_run_drops_a_bounded_number_and_says_that_more_are_left(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_documents, "MOST_PER_RUN", 70)
    monkeypatch.setattr(retention_documents, "CHUNK", 30)
    report = _retain(shop)
    assert report.aged.dropped == 70
    assert report.line().startswith("dropped 70 kpi_rollup_pwc, 92 are left for the next run; ")
    assert _keys(shop, ROLLUP_PWC)[0] == at(START) + timedelta(minutes=70)
