"""A service that goes away makes the minute job fail in one clear line, and come back by itself."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.errors import FlashsaleError, ServiceUnavailableError
from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from spark_jobs import minute_kpis
from tests.support import by_hand
from tests.support.published import read_published
from tests.support.shop import Pipeline, at


@pytest.fixture(scope="module")
def pipeline(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Iterator[Pipeline]:
    sale = open_test_sale(spark_services, sale_start=at("09:00"), sale_end=at("11:00"))
    shop = Pipeline(spark_services, sale)
    shop.add(by_hand.ORDERS, by_hand.INVENTORY)
    shop.acked_through(by_hand.END)
    minute_kpis.run(spark_services, at(by_hand.END), sale.sale_id)
    shop.acked_through("09:20")
    yield shop
    shop.client.close()


def _kill(stack: Stack, name: str) -> None:
    record = next(record for record in read_records(stack.config.run) if record.service == name)
    os.killpg(record.process.pid, signal.SIGKILL)
    stack.stop_one(name)


def _assert_one_line(error: BaseException, *words: str) -> None:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 400
    for word in words:
        assert word in text


def _next_minute(pipeline: Pipeline) -> datetime:
    return interval_end_of(read_published(pipeline)["meta"]["snapshot_id"]) + MINUTE


def _run_next(pipeline: Pipeline, end: datetime) -> None:
    minute_kpis.run(pipeline.settings, end, pipeline.sale.sale_id)


def _assert_next_minute_succeeds(pipeline: Pipeline) -> None:
    end = _next_minute(pipeline)
    _run_next(pipeline, end)
    parts = read_published(pipeline)
    assert interval_end_of(parts["meta"]["snapshot_id"]) == end
    by_minute = {row["minute"][11:16]: row["orders"] for row in parts["trend"]}
    assert by_minute["09:12"] == 3
    assert by_minute["09:13"] == 1, "order 17 is that minute's only one"


def test_redis_down_fails_in_one_line_and_recovers(pipeline: Pipeline, stack: Stack) -> None:
    before = read_published(pipeline)["meta"]["snapshot_id"]
    end = _next_minute(pipeline)
    stack.stop_one("redis")
    try:
        with pytest.raises(ServiceUnavailableError) as failure:
            _run_next(pipeline, end)
        _assert_one_line(failure.value, "Redis does not answer")
    finally:
        stack.start("redis")
    assert read_published(pipeline)["meta"]["snapshot_id"] == before, "the last good snapshot was kept on disk"
    _assert_next_minute_succeeds(pipeline)


def test_spark_killed_fails_in_one_line_and_the_next_minute_succeeds(pipeline: Pipeline, stack: Stack) -> None:
    before = read_published(pipeline)["meta"]["snapshot_id"]
    end = _next_minute(pipeline)
    _kill(stack, "spark")
    try:
        with pytest.raises(FlashsaleError) as failure:
            _run_next(pipeline, end)
        _assert_one_line(failure.value, "Spark")
    finally:
        stack.start("spark")
    assert read_published(pipeline)["meta"]["snapshot_id"] == before
    _assert_next_minute_succeeds(pipeline)


def test_mongodb_killed_fails_in_one_line_and_loses_nothing(pipeline: Pipeline, stack: Stack) -> None:
    before = read_published(pipeline)
    end = _next_minute(pipeline)
    _kill(stack, "mongo")
    try:
        with pytest.raises(ServiceUnavailableError) as failure:
            _run_next(pipeline, end)
        _assert_one_line(failure.value, "MongoDB does not answer")
    finally:
        stack.start("mongo")
    assert pipeline.database["orders_fact"].count_documents({}) == len(by_hand.ORDERS)
    assert read_published(pipeline) == before
    _assert_next_minute_succeeds(pipeline)
