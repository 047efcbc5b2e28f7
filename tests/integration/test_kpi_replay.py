"""Archived minutes are computed again from Parquet to the digests that were published, and a changed fact shows."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flashsale.errors import FlashsaleError
from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import MINUTE, iso
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, KPI_HISTORY, KPI_STATE, ORDERS, ROLLUP_PW
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.ingest import put_checkpoint
from spark_jobs import archive_facts, kpi_cli, minute_kpis
from spark_jobs.replay import Replayed, Verdict, replay
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at

AGO = timedelta(days=3650)
"""So long before the day of hand-made sales that no clock calls these minutes the future."""
START, MINUTES = at("09:44") - AGO, 22  # over an hour boundary; the last minute ends at 10:06
END = START + MINUTES * MINUTE
ALL_GO = END + timedelta(hours=2)

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Archived:
    """A sale whose facts, rollups and history are archived; `half`: what a replay said when half of the facts were."""

    shop: Pipeline
    digests: dict[object, str]
    half: list[Replayed]


@pytest.fixture(scope="module")
def archived(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Archived:
    sale = open_test_sale(spark_services, sale_start=START, sale_end=END)
    shop = Pipeline(spark_services, sale, Shop(products=4, capacities=(20, 30, 1000)))
    orders, inventory = (
        [{name: value - AGO if hasattr(value, "hour") else value for name, value in fact.items()} for fact in facts]
        for facts in draw(17, "09:44", MINUTES)
    )
    shop.add(orders, inventory)
    put_checkpoint(shop.database, 0, ALL_GO, 0, None)
    minute_kpis.backfill(spark_services, START, END, sale.sale_id)
    digests = {d["_id"]: d["digest"] for d in shop.database[KPI_HISTORY].find({"settled": True})}
    assert len(digests) == MINUTES
    archive_facts.run(spark_services, sale.sale_id, at("10:20") - AGO)
    assert 0 < shop.database[ORDERS.name].count_documents({}) < len(orders)
    # A batch that is being pruned stands in both places.
    shop.database[ORDERS.name].insert_many([order for order in orders if order["order_ts"] < at("09:55") - AGO])
    half = list(replay(spark_services, sale.sale_id, at("09:58") - AGO, at("10:02") - AGO))
    shop.database[ORDERS.name].delete_many({"order_ts": {"$lt": at("09:55") - AGO}})
    # Rollups and history go once the open minute is an hour further.
    shop.database[KPI_STATE].insert_many({"_id": END + number * MINUTE, "settled": True} for number in range(1, 2 * 60))
    archive_facts.run(spark_services, sale.sale_id, ALL_GO)
    left = {name: shop.database[name].count_documents({}) for name in (*(t.name for t in FACTS), KPI_HISTORY)}
    assert left == {"orders_fact": 0, "inventory_fact": 0, KPI_HISTORY: 0}
    assert shop.database[ROLLUP_PW].count_documents({}) <= 1
    return Archived(shop, digests, half)


def test_every_archived_minute_comes_out_as_it_was_published_and_nothing_is_written(archived: Archived) -> None:
    before = archived.shop.database.command("dbHash")["collections"]
    replayed = list(replay(archived.shop.settings, archived.shop.sale.sale_id, START, END))
    assert [minute.end for minute in replayed] == sorted(archived.digests)
    assert {minute.verdict for minute in replayed} == {Verdict.OK}, [minute.line() for minute in replayed]
    assert archived.shop.database.command("dbHash")["collections"] == before


def test_minutes_whose_facts_are_half_archived_and_half_hot_come_out_too(archived: Archived) -> None:
    assert [minute.verdict for minute in archived.half] == [Verdict.OK] * 4


def test_one_changed_value_in_the_archive_shows_in_its_minute(
    archived: Archived, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = archived.shop
    for name, value in shop.settings:
        if value is not None:
            monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(value))
    hdfs = HdfsStore(shop.settings)
    folder = SalePaths(shop.sale.sale_id).partition(ORDERS.name, at("10:00") - AGO)
    changed_from = at("10:04") - AGO
    for path in hdfs.walk_files(folder):
        rows = pq.ParquetFile(io.BytesIO(hdfs.read_range(path, 0, hdfs.size(path)))).read()
        in_minute = pc.and_(
            pc.greater_equal(rows["order_ts"], pa.scalar(changed_from)),
            pc.less(rows["order_ts"], pa.scalar(changed_from + MINUTE)),
        )
        number = rows.schema.get_field_index("order_value")
        values = pc.if_else(in_minute, pc.add(rows["order_value"], 1), rows["order_value"])
        out = io.BytesIO()
        pq.write_table(rows.set_column(number, "order_value", values), out)
        hdfs._client.write(path, out.getvalue(), overwrite=True)
    sys.stdout.flush()
    capsys.readouterr()
    span = ("--from", iso(changed_from - MINUTE), "--to", iso(changed_from + 2 * MINUTE))
    assert kpi_cli.main(["replay", "--sale", shop.sale.sale_id, *span]) == 1
    lines = capsys.readouterr().out.splitlines()
    # The minute after may come out the same: what is sold out has no value at risk.
    assert [line.split("  ")[1] for line in lines[:2]] == ["ok", "differs"]
    assert "value_per_minute is" in lines[1]
    assert "differs" in lines[-1]


def test_a_replay_needs_the_state_before_it(archived: Archived) -> None:
    shop = archived.shop
    state = shop.database[KPI_STATE].find_one_and_delete({"_id": START + 3 * MINUTE})
    assert state is not None
    with pytest.raises(FlashsaleError, match="is not settled, so nothing tells what it carried on"):
        list(replay(shop.settings, shop.sale.sale_id, START + 3 * MINUTE, END))
    shop.database[KPI_STATE].insert_one(state)
