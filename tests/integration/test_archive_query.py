"""The archive is read by DuckDB, Spark and pyarrow, and each leaves the files of other hours alone."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import date

import pyarrow.dataset as ds
import pytest
from pyarrow.fs import FSSpecHandler, PyFileSystem
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import DateType, IntegerType

from flashsale.hdfs_paths import SalePaths
from flashsale.rendering import spark_schema
from flashsale.sale_run import SaleRun
from flashsale.schema import ORDERS
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from spark_jobs.archive_tools.ranged_files import RangedFiles
from spark_jobs.session import spark_session
from tests.support.archive_command import ArchiveCommand, archived_sale, in_hour
from tests.support.archived_sale import drawn_facts, settled_sale
from tests.support.shop import Pipeline, at

NINE, TEN = "date = '2026-11-11' AND hour = 9", "date = '2026-11-11' AND hour = 10"


@pytest.fixture(scope="module")
def pipeline(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Pipeline:
    return archived_sale(spark_services, open_test_sale)


@pytest.fixture
def archive(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ArchiveCommand:
    return ArchiveCommand(pipeline, monkeypatch, capsys)


@pytest.fixture
def broken_hour(pipeline: Pipeline) -> Iterator[None]:
    """The orders of 10:00 are no Parquet any more: who opens that file fails."""
    hdfs = HdfsStore(pipeline.settings)
    (path,) = hdfs.files(SalePaths(pipeline.sale.sale_id).partition(ORDERS.name, at("10:00")), ".parquet")
    path = f"{SalePaths(pipeline.sale.sale_id).partition(ORDERS.name, at('10:00'))}/{path}"
    content = hdfs.read_range(path, 0, hdfs.size(path))
    hdfs.write_text(path, "this is no Parquet")
    yield
    hdfs._client.write(path, content, overwrite=True)


def test_duckdb_plans_with_the_files_of_the_asked_hour_alone(archive: ArchiveCommand) -> None:
    code, plan, _ = archive("query", f"EXPLAIN SELECT sum(order_value) FROM orders_fact WHERE {NINE}")
    assert code == 0
    assert "Scanning Files: 1/2" in plan
    _, plan, _ = archive("query", "EXPLAIN SELECT sum(order_value) FROM orders_fact")
    assert "Scanning Files: 1/2" not in plan


def test_a_query_of_one_hour_opens_no_file_of_another(archive: ArchiveCommand, broken_hour: None) -> None:
    expected = len(in_hour(drawn_facts()[0], "order_ts", 9))
    question = "SELECT count(DISTINCT order_id) AS orders FROM orders_fact"
    assert archive("query", "--csv", f"{question} WHERE {NINE}") == (0, f"orders\n{expected}\n", "")
    code, out, error = archive("query", "--csv", f"{question} WHERE {TEN}")
    assert (code, out) == (1, "")
    assert error.startswith("error: query: ")
    assert error.count("\n") == 1


def test_spark_prunes_by_date_and_hour(pipeline: Pipeline, broken_hour: None) -> None:
    address = pipeline.settings.hdfs_rpc + SalePaths(pipeline.sale.sale_id).table(ORDERS.name)
    expected = {order["_id"] for order in in_hour(drawn_facts()[0], "order_ts", 9)}
    with spark_session(pipeline.settings, "test") as spark:
        # A schema of our own: Spark would look into any one file to learn it.
        table = spark.read.schema(spark_schema(ORDERS).add("date", DateType()).add("hour", IntegerType())).parquet(
            address
        )
        asked = table.where((F.col("date") == date(2026, 11, 11)) & (F.col("hour") == 9))
        plan = asked._explain_string(extended=True)
        filters = re.search(r"PartitionFilters: \[([^\]]*)\]", plan)
        assert filters is not None, plan
        assert re.search(r"date#\d+L? = ", filters[1]), plan
        assert re.search(r"hour#\d+L? = 9", filters[1]), plan
        rows = asked.select("order_id", F.input_file_name().alias("file")).collect()
        assert {row["order_id"] for row in rows} == expected
        assert len({row["file"] for row in rows}) == 1
        with pytest.raises(Exception, match="not a Parquet file"):
            table.where(F.col("hour") == 10).count()


def test_pyarrow_prunes_by_date_and_hour(pipeline: Pipeline, broken_hour: None) -> None:
    root = SalePaths(pipeline.sale.sale_id).table(ORDERS.name)
    hdfs = HdfsStore(pipeline.settings)
    files = PyFileSystem(FSSpecHandler(RangedFiles(hdfs)))
    partitions = ds.partitioning(flavor="hive", schema=None)
    table = ds.dataset(
        hdfs.walk_files(root), format="parquet", filesystem=files, partitioning=partitions, partition_base_dir=root
    )
    asked = (ds.field("date") == "2026-11-11") & (ds.field("hour") == 9)
    fragments = list(table.get_fragments(filter=asked))
    assert (len(fragments), len(table.files)) == (1, 2)
    assert "hour=09" in fragments[0].path
    ids = table.to_table(columns=["order_id"], filter=asked)["order_id"].to_pylist()
    assert sorted(ids) == sorted(order["_id"] for order in in_hour(drawn_facts()[0], "order_ts", 9))


def test_rows_come_as_a_table_as_csv_and_as_json(archive: ArchiveCommand) -> None:
    orders = sorted(drawn_facts()[0], key=lambda order: order["_id"])[:2]
    question = "SELECT order_id, order_ts, order_value FROM orders_fact ORDER BY order_id LIMIT 2"
    times = [order["order_ts"].isoformat(timespec="milliseconds").replace("+00:00", "Z") for order in orders]
    _, out, _ = archive("query", "--csv", question)
    told = list(csv.DictReader(out.splitlines()))
    assert [(int(row["order_id"]), row["order_ts"]) for row in told] == [
        (order["_id"], time) for order, time in zip(orders, times, strict=True)
    ]
    _, out, _ = archive("query", "--json", question)
    assert json.loads(out) == [
        {"order_id": order["_id"], "order_ts": time, "order_value": order["order_value"]}
        for order, time in zip(orders, times, strict=True)
    ]
    _, out, _ = archive("query", question)
    assert out.splitlines()[0].split() == ["order_id", "order_ts", "order_value"]
    assert out.splitlines()[-1] == "(2 rows)"
    _, out, _ = archive("query", "--json", "SELECT sum(order_value) AS total FROM orders_fact")
    assert json.loads(out) == [{"total": sum(order["order_value"] for order in drawn_facts()[0])}]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM orders_fact", '"nope" not found'),
        ("SELECT 1 FROM order_fact", "the tables are orders_fact, inventory_fact"),
        ("SELECT 1; SELECT 2", "there are 2 statements"),
        ("", "there are 0 statements"),
        ("DROP VIEW orders_fact", "the archive is only read"),
        ("COPY orders_fact TO '/tmp/x.csv'", "the archive is only read"),
        ("INSTALL httpfs", "the archive is only read"),
    ],
)
def test_what_is_no_select_over_the_archive_is_one_line(archive: ArchiveCommand, statement: str, words: str) -> None:
    code, out, error = archive("query", statement)
    assert (code, out) == (1, "")
    assert error.startswith("error: query: ")
    assert error.count("\n") == 1
    assert words in error


def test_before_anything_is_archived_a_query_says_so(
    spark_services: Settings,
    open_test_sale: Callable[..., SaleRun],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archive = ArchiveCommand(settled_sale(spark_services, open_test_sale), monkeypatch, capsys)
    code, out, error = archive("query", "SELECT 1 FROM orders_fact")
    assert (code, out) == (1, "")
    assert "nothing is archived yet" in error
