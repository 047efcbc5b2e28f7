"""`flashsale-archive status` states what stands on HDFS, what is hot and what is under way, as it is."""

import json
from collections.abc import Callable

import pytest

from flashsale.hdfs_paths import SalePaths
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, ORDERS
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from tests.support.archive_command import ArchiveCommand, archived_sale, in_hour
from tests.support.archived_sale import drawn_facts
from tests.support.shop import Pipeline, at, order


@pytest.fixture(scope="module")
def pipeline(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Pipeline:
    """Two archived hours, one hot order, and a batch that a run left behind."""
    shop = archived_sale(spark_services, open_test_sale)
    shop.add([order(700_001, "10:25:07", (1, 1), 1, 1, 100)], [])
    shop.database[ARCHIVE_BATCHES].update_one(
        {"table": ORDERS.name, "start": at("10:00")}, {"$set": {"state": "PRUNING"}}
    )
    return shop


@pytest.fixture
def archive(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ArchiveCommand:
    return ArchiveCommand(pipeline, monkeypatch, capsys)


def test_each_hour_has_its_rows_bytes_and_states(pipeline: Pipeline, archive: ArchiveCommand) -> None:
    code, out, error = archive("status", "--json")
    assert (code, error) == (0, "")
    told = json.loads(out)
    hdfs, paths = HdfsStore(pipeline.settings), SalePaths(pipeline.sale.sale_id)
    orders = [hour for hour in told["hours"] if hour["table"] == ORDERS.name]
    assert [hour["hour"] for hour in orders] == ["2026-11-11T09:00:00.000Z", "2026-11-11T10:00:00.000Z"]
    # All orders are equally long in MongoDB, and one is there.
    document_bytes = next(one["bytes"] for one in told["hot"] if one["table"] == ORDERS.name)
    for hour, number, state in zip(orders, (9, 10), ("PRUNED", "PRUNING"), strict=True):
        files = hdfs.walk_sizes(paths.partition(ORDERS.name, at(f"{number}:00")))
        rows = len(in_hour(drawn_facts()[0], "order_ts", number))
        assert (hour["files"], hour["rows"], hour["bytes"]) == (1, rows, sum(files.values()))
        assert hour["states"] == {state: 1}
        assert hour["bson_bytes"] == rows * document_bytes
        assert hour["compression"] == round(rows * document_bytes / hour["bytes"], 2)
    (hot,) = (one for one in told["hot"] if one["table"] == ORDERS.name)
    assert (hot["documents"], hot["oldest"]) == (1, "2026-11-11T10:25:07.000Z")
    assert list(told["unfinished"].values()) == ["PRUNING"]


def test_people_get_lines(archive: ArchiveCommand) -> None:
    code, out, _ = archive("status")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["table", "hour"]
    assert sum(line.startswith("orders_fact ") for line in lines) == 3, "two hours and their sum"
    assert "hot: 1 documents of orders_fact, 0.0 MB, the oldest of 2026-11-11T10:25:07.000Z" in lines
    assert any(line.startswith("unfinished: orders_fact-") and line.endswith("is PRUNING") for line in lines)
    facts = sum(len(part) for part in drawn_facts())
    assert f": 4 files, {facts:,} rows" in lines[-1]
