"""`flashsale-kpi run` on real services: what is refused, and a range computed again in stretches."""

import re
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from flashsale.minutes import MINUTE, iso
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, KPI_HISTORY, ORDERS
from flashsale.settings import Settings
from flashsale.stores.ingest import put_checkpoint
from spark_jobs import kpi_cli, minute_kpis
from spark_jobs.past_minutes import compute_range
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at

AGO = timedelta(days=3650)
"""So long before the day of hand-made sales that no clock calls these minutes the future."""
MINUTES = 5
START, END = at("09:00") - AGO, at("09:00") - AGO + MINUTES * MINUTE
FROM_TO = ("--from", iso(START), "--to", iso(END))

Open = Callable[..., SaleRun]


@pytest.fixture
def run(data_services: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`flashsale-kpi run` in an environment that leads to the test's services; its exit code."""
    for name, value in data_services:
        if value is not None:
            monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(value))
    return lambda *arguments: kpi_cli.main(["run", *arguments])


def filled(settings: Settings, open_test_sale: Open, acked_minutes: int = MINUTES + 5) -> Pipeline:
    pipeline = Pipeline(settings, open_test_sale(settings, sale_start=START, sale_end=END), Shop(4, (20, 30, 1000)))
    pipeline.add(
        *(
            [{k: v - AGO if hasattr(v, "hour") else v for k, v in fact.items()} for fact in facts]
            for facts in draw(13, "09:00", MINUTES)
        )
    )
    put_checkpoint(pipeline.database, 0, START + acked_minutes * MINUTE, 0, None)
    return pipeline


def test_what_the_stores_cannot_answer_is_one_line(
    run: Callable[..., int], data_services: Settings, open_test_sale: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = filled(data_services, open_test_sale, acked_minutes=3)
    sale = ("--sale", pipeline.sale.sale_id)
    asked = [
        (("--sale", "nobodys"), "no sale is called nobodys"),
        ((*sale, "--at", iso(START)), f"--at {START:%Y-%m-%dT%H:%MZ}: sale {pipeline.sale.sale_id} runs from"),
        ((*sale, "--at", iso(END + MINUTE)), f"give a time from {START + MINUTE:%Y-%m-%dT%H:%MZ} to"),
        ((*sale, *FROM_TO), "facts are complete up to"),
    ]
    for arguments, words in asked:
        assert run(*arguments) == 1
        assert words in one_error(capsys)
    batch = {"_id": "b1", "table": ORDERS.name, "start": START + MINUTE, "end": START + 2 * MINUTE}
    pipeline.database[ARCHIVE_BATCHES].insert_one(batch)
    assert run(*sale, *FROM_TO) == 1
    assert "are archived (batch b1)" in one_error(capsys)


def test_a_range_is_computed_in_stretches_with_the_bytes_of_a_run_and_a_line_after_each(
    spark_services: Settings,
    open_test_sale: Open,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipeline = filled(spark_services, open_test_sale)
    minute_kpis.run(spark_services, END, pipeline.sale.sale_id)
    at_once = digests(pipeline)
    assert len(at_once) == MINUTES
    pipeline.database[KPI_HISTORY].delete_many({})
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    stretches = spark_services.model_copy(update={"rebuild_limit_minutes": 3})
    assert compute_range(stretches, pipeline.sale, START, END) == MINUTES
    assert digests(pipeline) == at_once
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(r"[\d.]+ s each, [\d.]+ min", "_", line) for line in lines] == [
        f"3 of 5 minutes, up to {iso(START + 3 * MINUTE)}; _ left",
        f"5 of 5 minutes, up to {iso(END)}; _ left",
    ]


def digests(pipeline: Pipeline) -> dict[object, str]:
    return {document["_id"]: document["digest"] for document in pipeline.database[KPI_HISTORY].find({"settled": True})}


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error
