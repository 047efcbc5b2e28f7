"""An archived hour comes back into MongoDB as the documents that were there, type for type."""

from collections.abc import Callable
from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import minutes_between, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import INVENTORY, KPI_STATE, ORDERS, QUARANTINE_OF, ROLLUP_PW, restored_name
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.quarantine import put_in_quarantine, quarantine_entry
from spark_jobs import archive_facts, minute_kpis
from tests.support.archived_sale import START, ArchiveCommand, open_sale
from tests.support.shop import Pipeline, at

LIVE = ORDERS.name
HOUR = ("--date", "2026-11-11", "--hour", "9")
Documents = dict[Any, bytes]


@pytest.fixture(scope="module")
def before(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> tuple[Pipeline, dict[str, Documents]]:
    """An archived sale, and the BSON of every document the archive took, by collection."""
    shop = open_sale(spark_services, open_test_sale)
    shop.database[KPI_STATE].delete_many({})
    minute_kpis.backfill(spark_services, at(START), at("09:54"), shop.sale.sale_id)
    rest = minutes_between(at("09:55"), at("11:40"))
    shop.database[KPI_STATE].insert_many({"_id": end, "settled": True} for end in rest)
    entry = quarantine_entry({"_id": "x", "order_qty": 2**40, "at": utc_now()}, "refused", "type", at("09:55"))
    put_in_quarantine(shop.database, LIVE, [entry])
    raw = bson.CodecOptions(document_class=RawBSONDocument)
    names = (LIVE, INVENTORY.name, QUARANTINE_OF[LIVE], ROLLUP_PW)
    stored = {
        name: {bson.decode(d.raw)["_id"]: d.raw for d in shop.database.get_collection(name, raw).find()}
        for name in names
    }
    archive_facts.run(spark_services, shop.sale.sale_id, at("11:30"))
    assert shop.database[LIVE].count_documents({}) == 0
    return shop, stored


@pytest.fixture
def pipeline(before: tuple[Pipeline, dict[str, Documents]]) -> Pipeline:
    return before[0]


@pytest.fixture
def archive(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ArchiveCommand:
    return ArchiveCommand(pipeline, monkeypatch, capsys)


def _stored(pipeline: Pipeline, name: str) -> Documents:
    raw: bson.CodecOptions[Any] = bson.CodecOptions(document_class=RawBSONDocument)
    return {bson.decode(d.raw)["_id"]: d.raw for d in pipeline.database.get_collection(name, raw).find()}


def _of_hour(documents: Documents, time: str, hour: int) -> Documents:
    return {key: raw for key, raw in documents.items() if bson.decode(raw)[time].hour == hour}


def test_facts_come_back_byte_for_byte_and_a_repeat_changes_nothing(
    before: tuple[Pipeline, dict[str, Documents]], archive: ArchiveCommand
) -> None:
    pipeline, stored = before
    expected = {
        ORDERS.name: _of_hour(stored[ORDERS.name], "order_ts", 9),
        INVENTORY.name: _of_hour(stored[INVENTORY.name], "inventory_ts", 9),
    }
    for new in (True, False):
        code, out, error = archive("restore", *HOUR)
        assert (code, error) == (0, "")
        for (name, documents), line in zip(expected.items(), out.splitlines(), strict=True):
            count = len(documents)
            assert count > 0
            assert f"{name}: {count} rows of 1 file into {restored_name(name)}" in line
            assert f"({count if new else 0} new, {0 if new else count} were there)" in line
            assert _stored(pipeline, restored_name(name)) == documents


def test_quarantine_and_rollups_come_back_byte_for_byte(
    before: tuple[Pipeline, dict[str, Documents]], archive: ArchiveCommand
) -> None:
    pipeline, stored = before
    for name, time in ((QUARANTINE_OF[ORDERS.name], "quarantined_at"), (ROLLUP_PW, "_id")):
        assert archive("restore", *HOUR, "--table", name)[0] == 0
        # The last rollup is needed as long as the sale goes on, and stays.
        here = set(_stored(pipeline, name))
        expected = {key: bson.decode(raw) for key, raw in _of_hour(stored[name], time, 9).items() if key not in here}
        assert expected
        restored = {key: bson.decode(raw) for key, raw in _stored(pipeline, restored_name(name)).items()}
        assert restored == expected


def test_one_table_goes_into_a_collection_of_any_name(pipeline: Pipeline, archive: ArchiveCommand) -> None:
    code, out, _ = archive("restore", *HOUR, "--into", "for_audit")
    assert code == 0
    assert out.startswith("orders_fact: ")
    assert pipeline.database["for_audit"].count_documents({}) > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--date", "2026-11-11", "--hour", "24"), "--hour '24': must be 0 to 23"),
        (("--date", "11.11.2026", "--hour", "9"), "--date '11.11.2026': must be a day"),
        (("--date", "2026-11-11", "--hour", "7"), "hour 07 is archived; there are 2026-11-11 09 to 2026-11-11 10"),
        ((*HOUR, "--table", "orders"), "table 'orders': not archived"),
        ((*HOUR, "--into", LIVE), "is the live collection"),
        ((*HOUR, "--into", "kpi_state"), "is the pipeline's own"),
        ((*HOUR, "--into", "inventory_fact", "--force"), "is the pipeline's own"),
        ((*HOUR, "--into", "a$b"), "is no name MongoDB takes"),
    ],
)
def test_what_cannot_be_restored_is_one_line(archive: ArchiveCommand, arguments: tuple[str, ...], words: str) -> None:
    code, out, error = archive("restore", *arguments)
    assert (code, out) == (1, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_by_force_it_goes_into_the_live_collection_and_verify_then_finds_each_twice(
    pipeline: Pipeline, archive: ArchiveCommand
) -> None:
    assert archive("restore", *HOUR, "--into", LIVE, "--force")[0] == 0
    code, out, _ = archive("verify")
    assert code == 1
    assert "stands more than once, in MongoDB and in" in out
    pipeline.database[LIVE].delete_many({})


def test_a_file_that_is_not_its_manifests_is_not_restored(pipeline: Pipeline, archive: ArchiveCommand) -> None:
    hdfs, paths = HdfsStore(pipeline.settings), SalePaths(pipeline.sale.sale_id)
    (path,) = hdfs.walk_files(paths.partition(LIVE, at("10:00")))
    content = hdfs.read_range(path, 0, hdfs.size(path))
    hdfs._client.write(path, content[:-1] + b"x", overwrite=True)
    code, _, error = archive("restore", "--date", "2026-11-11", "--hour", "10", "--table", LIVE)
    hdfs._client.write(path, content, overwrite=True)
    assert code == 1
    assert "is not the file its manifest names" in error
