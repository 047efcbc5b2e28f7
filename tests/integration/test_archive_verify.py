"""`flashsale-archive verify` is silent on a sound archive, and names each thing that is not as it should be."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from bson.int64 import Int64

from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import floor_minute, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, ORDERS
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.ingest import LedgerEntry, put_ledger
from flashsale.stores.quarantine import put_in_quarantine, quarantine_entry
from tests.support.archive_command import ArchiveCommand, archived_sale
from tests.support.archived_sale import drawn_facts
from tests.support.shop import Pipeline, at, order


@pytest.fixture(scope="module")
def pipeline(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Pipeline:
    """An archived sale whose writer kept its ledger; one more fact is hot, and one was moved to quarantine."""
    shop = archived_sale(spark_services, open_test_sale)
    hot, moved = order(700_001, "10:25", (1, 1), 1, 1, 100), order(700_002, "10:25", (99, 1), 1, 1, 100)
    shop.add([hot], [])
    put_in_quarantine(shop.database, ORDERS.name, [quarantine_entry(moved, "moved", "unknown:product_id", utc_now())])
    arrived = Counter(floor_minute(fact["arrived_at"]) for facts in (*drawn_facts(), [hot, moved]) for fact in facts)
    put_ledger(shop.database, [LedgerEntry(minute, 0, acked=count) for minute, count in arrived.items()])
    return shop


@pytest.fixture
def archive(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ArchiveCommand:
    return ArchiveCommand(pipeline, monkeypatch, capsys)


def _file(pipeline: Pipeline, manifest: bool = False) -> str:
    """Path of the file of the orders of 9 o'clock, or of its manifest."""
    paths = SalePaths(pipeline.sale.sale_id)
    root = paths.metadata(ORDERS.name) if manifest else paths.table(ORDERS.name)
    (path,) = (path for path in HdfsStore(pipeline.settings).walk_files(root) if "hour=09" in path)
    return path


@contextmanager
def _instead(pipeline: Pipeline, path: str, content: bytes | None) -> Iterator[None]:
    """`content` stands at `path`, None: nothing; afterwards what stood there before."""
    hdfs = HdfsStore(pipeline.settings)
    before = hdfs.read_range(path, 0, hdfs.size(path)) if hdfs.exists(path) else None
    _put(hdfs, path, content)
    yield
    _put(hdfs, path, before)


def _put(hdfs: HdfsStore, path: str, content: bytes | None) -> None:
    if content is None:
        hdfs.delete(path)
    else:
        hdfs._client.write(path, content, overwrite=True)


def _rows(pipeline: Pipeline) -> pa.Table:
    hdfs, path = HdfsStore(pipeline.settings), _file(pipeline)
    return pq.ParquetFile(io.BytesIO(hdfs.read_range(path, 0, hdfs.size(path)))).read()


def _written(rows: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(rows, out, compression="zstd")
    return out.getvalue()


def _file_gone(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline), None)


def _file_empty(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline), b"")


def _file_garbage(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline), b"no Parquet at all, and long enough for a footer")


def _stray_file(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline).replace(".parquet", "-copy.parquet"), _written(_rows(pipeline)))


def _manifest_gone(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline, manifest=True), None)


def _stray_manifest(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline, manifest=True).replace(".json", "-copy.json"), b"{}")


def _manifest_changed(pipeline: Pipeline) -> AbstractContextManager[None]:
    path = _file(pipeline, manifest=True)
    manifest = json.loads(HdfsStore(pipeline.settings).read_text(path))
    return _instead(pipeline, path, json.dumps({**manifest, "rows": manifest["rows"] + 1}).encode())


def _staging_left(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, SalePaths(pipeline.sale.sale_id).staging("nobodys") + "/part.parquet", b"x")


def _row_gone(pipeline: Pipeline) -> AbstractContextManager[None]:
    return _instead(pipeline, _file(pipeline), _written(_rows(pipeline).slice(1)))


def _row_of_another_hour(pipeline: Pipeline) -> AbstractContextManager[None]:
    rows = _rows(pipeline)
    moments = pc.if_else(pa.array([True] + [False] * (rows.num_rows - 1)), pa.scalar(at("10:01")), rows["order_ts"])
    number = rows.schema.get_field_index("order_ts")
    return _instead(pipeline, _file(pipeline), _written(rows.set_column(number, "order_ts", moments)))


@contextmanager
def _archived_and_hot(pipeline: Pipeline) -> Iterator[None]:
    again = min(drawn_facts()[0], key=lambda fact: fact["order_ts"])
    pipeline.database[ORDERS.name].insert_one(again)
    yield
    pipeline.database[ORDERS.name].delete_one({"_id": again["_id"]})


@contextmanager
def _lost(pipeline: Pipeline) -> Iterator[None]:
    document = pipeline.database[ORDERS.name].find_one_and_delete({"_id": Int64(700_001)})
    assert document is not None
    yield
    pipeline.database[ORDERS.name].insert_one(document)


def test_a_sound_archive_has_no_finding(archive: ArchiveCommand) -> None:
    for arguments in ((), ("--deep",)):
        code, out, error = archive("verify", *arguments)
        assert (code, error) == (0, ""), out
        assert len(out.splitlines()) == 1
        facts = sum(len(part) for part in drawn_facts())
        assert f"4 files with {facts:,} facts, 1 facts in MongoDB, 1 moved to quarantine" in out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_file_gone, "is missing"),
        (_file_empty, "is empty"),
        (_file_garbage, "cannot be read as Parquet"),
        (_stray_file, "-copy.parquet: belongs to no published batch"),
        (_manifest_gone, "its manifest"),
        (_stray_manifest, "-copy.json: belongs to no published batch"),
        (_manifest_changed, "archive_batches says"),
        (_staging_left, "nobodys/part.parquet: nothing is under way"),
        (_row_gone, "id_digest is"),
        (_row_of_another_hour, "1 rows belong to another hour"),
        (_archived_and_hot, "stands more than once, in MongoDB and in /"),
        (_lost, "1 of them are nowhere"),
    ],
)
def test_each_damage_is_found(
    pipeline: Pipeline,
    archive: ArchiveCommand,
    damage: Callable[[Pipeline], AbstractContextManager[None]],
    words: str,
) -> None:
    with damage(pipeline):
        code, out, _ = archive("verify")
    findings = [line for line in out.splitlines() if line.startswith("finding: ")]
    assert code == 1
    assert any(words in line for line in findings), out
    assert archive("verify")[0] == 0, "the damage was not undone: the next case would find it"


def test_only_a_deep_look_sees_that_a_value_was_changed(pipeline: Pipeline, archive: ArchiveCommand) -> None:
    rows = _rows(pipeline)
    number = rows.schema.get_field_index("order_value")
    changed = rows.set_column(number, "order_value", pc.add(rows["order_value"], 1))
    with _instead(pipeline, _file(pipeline), _written(changed)):
        assert archive("verify")[0] == 0
        code, out, _ = archive("verify", "--deep")
    assert code == 1
    assert ": value is " in out
    assert "its SHA-256 is" in out


def test_a_batch_that_is_being_pruned_is_no_finding(pipeline: Pipeline, archive: ArchiveCommand) -> None:
    batch = pipeline.database[ARCHIVE_BATCHES].find_one({"table": ORDERS.name, "start": at("09:52")})
    assert batch is not None
    hot = [fact for fact in drawn_facts()[0] if batch["start"] <= fact["order_ts"] < batch["end"]][:7]
    pipeline.database[ORDERS.name].insert_many(hot)
    pipeline.database[ARCHIVE_BATCHES].update_one({"_id": batch["_id"]}, {"$set": {"state": "PRUNING"}})
    code, out, _ = archive("verify")
    assert code == 0, out
    assert "orders_fact: 7 ids are being pruned" in out
    pipeline.database[ARCHIVE_BATCHES].update_one({"_id": batch["_id"]}, {"$set": {"state": "PRUNED"}})
    assert archive("verify")[0] == 1, "once pruned they must be gone"
    pipeline.database[ORDERS.name].delete_many({"_id": {"$in": [fact["_id"] for fact in hot]}})
