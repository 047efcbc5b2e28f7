"""What leaves MongoDB and when: fine rollups by age, rollups and history only once archived, on a real MongoDB."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.collection import Collection

from flashsale.minutes import MINUTE, minutes_between
from flashsale.sale_run import SaleRun
from flashsale.schema import (
    ARCHIVE_BATCHES,
    KPI_HISTORY,
    KPI_STATE,
    ORDERS,
    QUARANTINE_OF,
    ROLLUP_PW,
    ROLLUP_PWC,
    STATE_COLLECTIONS,
)
from flashsale.settings import Settings
from flashsale.stores.health import read_health
from flashsale.stores.redis_client import redis_client
from spark_jobs import retention, retention_documents
from spark_jobs.retention import RetentionReport
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


def _archive(shop: Pipeline, name: str, start: str, end: str, **fields: Any) -> None:
    """A batch that holds what MongoDB has of the range now."""
    spans = {"_id": {"$gte": at(start), "$lt": at(end)}}
    rows = shop.database[name].count_documents(spans)
    batch = {"table": name, "start": at(start), "end": at(end), "state": "PUBLISHED", "sealed_at": NOW - 5 * MINUTE}
    shop.database[ARCHIVE_BATCHES].insert_one({"_id": f"{name}-{start}", "seal": {"rows": rows}, **batch, **fields})


def _retain(shop: Pipeline) -> RetentionReport:
    return retention.run(shop.settings, shop.sale.sale_id, NOW)


def _keys(shop: Pipeline, name: str) -> list[datetime]:
    return [document["_id"] for document in shop.database[name].find({}, {"_id": 1}).sort("_id", 1)]


def test_fine_rollups_go_by_age_and_the_rest_stays_until_archived(shop: Pipeline) -> None:
    report = _retain(shop)
    assert _keys(shop, ROLLUP_PWC) == list(minutes_between(WINDOW_FROM, at(OPEN)))
    assert [len(_keys(shop, name)) for name in (ROLLUP_PW, KPI_HISTORY, KPI_STATE)] == [MINUTES] * 3
    line = report.line()
    assert line.startswith("dropped 162 kpi_rollup_pwc, 0 kpi_rollup_pw, 0 kpi_history; kept 161 kpi_rollup_pw: not")
    assert "kept 120 kpi_history: not archived yet" in line
    with redis_client(shop.settings, "publisher") as redis:
        health = read_health(redis, shop.sale.sale_id, {"retention": "retention"})["retention"]
    assert health is not None
    assert (health["state"], health["detail"]) == ("ok", line)
    assert _retain(shop).aged.dropped == 0


def test_a_gap_keeps_the_window_before_it(shop: Pipeline) -> None:
    shop.database[KPI_STATE].delete_one({"_id": at("08:00")})
    _archive(shop, ROLLUP_PW, START, OPEN)
    _archive(shop, KPI_HISTORY, START, OPEN)
    _retain(shop)
    assert _keys(shop, ROLLUP_PWC)[0] == at("08:00") - 19 * MINUTE
    assert _keys(shop, ROLLUP_PW)[0] == at("08:00") - 20 * MINUTE
    assert _keys(shop, KPI_HISTORY)[0] == at("07:00")


def test_fine_rollups_that_a_backfill_just_made_stay(shop: Pipeline) -> None:
    made = {at("07:00") + n * MINUTE for n in range(15)}
    shop.database[ROLLUP_PWC].update_many({"_id": {"$in": list(made)}}, {"$set": {"computed_at": NOW - 9 * MINUTE}})
    _retain(shop)
    assert set(_keys(shop, ROLLUP_PWC)) == made | set(minutes_between(WINDOW_FROM, at(OPEN)))


@pytest.mark.parametrize("state", ["PUBLISHED", "PRUNING", "PRUNED"])
def test_what_a_published_batch_holds_goes_and_nothing_else(shop: Pipeline, state: str) -> None:
    _archive(shop, ROLLUP_PW, "07:00", "08:00", state=state)
    _archive(shop, KPI_HISTORY, START, "12:00", state=state)
    report = _retain(shop)
    gone = set(minutes_between(at("07:00"), at("08:00")))
    assert set(_keys(shop, ROLLUP_PW)) == set(minutes_between(at(START), at(OPEN))) - gone
    assert _keys(shop, KPI_HISTORY) == list(minutes_between(at("08:01"), at("09:01"))), "the trend stays"
    assert [(each.dropped, each.kept) for each in report.archived] == [(60, 101), (120, 0)]


@pytest.mark.parametrize(
    "fields", [{"state": "SEALED"}, {"state": "STAGED"}, {"state": "VERIFIED"}, {"table": "other"}]
)
def test_a_batch_that_is_not_published_or_of_another_table_frees_nothing(
    shop: Pipeline, fields: dict[str, str]
) -> None:
    _archive(shop, ROLLUP_PW, START, OPEN, **fields)
    assert _retain(shop).archived[0].dropped == 0
    assert len(_keys(shop, ROLLUP_PW)) == MINUTES


def test_a_minute_computed_again_after_sealing_stays(shop: Pipeline) -> None:
    again = at("07:30")
    shop.database[ROLLUP_PW].update_one({"_id": again}, {"$set": {"computed_at": NOW}})
    _archive(shop, ROLLUP_PW, "07:00", "08:00")
    _retain(shop)
    assert [key for key in _keys(shop, ROLLUP_PW) if at("07:00") <= key < at("08:00")] == [again]


def test_a_minute_replaced_between_choice_and_deletion_stays(shop: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    _archive(shop, ROLLUP_PW, "07:00", "08:00")
    delete_many = Collection.delete_many

    def replace_then_delete(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.name == ROLLUP_PW:
            shop.database[ROLLUP_PW].replace_one({"_id": at("07:01")}, _minute(at("07:01"), NOW))
        return delete_many(self, *args, **kwargs)

    monkeypatch.setattr(Collection, "delete_many", replace_then_delete)
    _retain(shop)
    assert [key for key in _keys(shop, ROLLUP_PW) if at("07:00") <= key < at("08:00")] == [at("07:01")]


def test_a_batch_that_cannot_hold_all_documents_frees_none(shop: Pipeline) -> None:
    _archive(shop, ROLLUP_PW, "07:00", "08:00", seal={"rows": 59})
    assert _retain(shop).archived[0].dropped == 0


def test_the_stock_that_the_oldest_fact_carries_on_stays(shop: Pipeline) -> None:
    _archive(shop, ROLLUP_PW, START, OPEN)
    shop.database[ORDERS.name].insert_one(order(1, "07:10:20", (1, 1), 1, 1, 100))
    _retain(shop)
    assert _keys(shop, ROLLUP_PW)[0] == at("07:09")


def test_state_and_quarantine_stay_whatever_is_archived(shop: Pipeline) -> None:
    for number, name in enumerate(QUARANTINE_OF.values()):
        shop.database[name].insert_one({"_id": str(number), "quarantined_at": at("07:10"), "origin": "refused"})
    for table in (*QUARANTINE_OF.values(), KPI_STATE):
        _archive(shop, table, START, OPEN)
    report = _retain(shop)
    assert report.quarantined == 2
    assert [shop.database[name].count_documents({}) for name in QUARANTINE_OF.values()] == [1, 1]
    assert len(_keys(shop, KPI_STATE)) == MINUTES


@pytest.mark.parametrize("deletions", [1, 2, 4])
def test_a_run_that_dies_anywhere_is_finished_by_the_next(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, deletions: int
) -> None:
    _archive(shop, ROLLUP_PW, START, OPEN)
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
    assert _keys(shop, ROLLUP_PW) == list(minutes_between(WINDOW_FROM - MINUTE, at(OPEN)))


def test_one_run_drops_a_bounded_number_and_says_that_more_are_left(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    _archive(shop, ROLLUP_PW, START, OPEN)
    monkeypatch.setattr(retention_documents, "MOST_PER_RUN", 70)
    monkeypatch.setattr(retention_documents, "CHUNK", 30)
    report = _retain(shop)
    assert (report.aged.dropped, report.archived[0].dropped) == (70, 70)
    assert "kept 91 kpi_rollup_pw: the next run goes on" in report.line()
    assert _keys(shop, ROLLUP_PWC)[0] == at(START) + timedelta(minutes=70)
