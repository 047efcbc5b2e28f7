"""Quarantine, rollups and history leave MongoDB too: only once archived, and nobody counts differently afterwards."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import bson
import numpy as np
import pyarrow as pa
import pytest

from flashsale.archived_tables import ROLLUPS
from flashsale.errors import NothingToDoError, SettingsError, SupersededRunError
from flashsale.minutes import MINUTE, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, FACTS, KPI_HISTORY, KPI_STATE, ORDERS, QUARANTINE_OF, ROLLUP_PW
from flashsale.settings import Settings, load_settings
from flashsale.snapshot import canonical_json
from flashsale.stores.quarantine import put_in_quarantine, quarantine_counts, quarantine_entry
from spark_jobs import archive_facts, archive_steps
from spark_jobs.archive_content import Seal, seal_of_batches
from spark_jobs.archive_lease import Lease, archive_lease
from spark_jobs.minute_store import MinuteStore
from spark_jobs.pair_columns import PairColumns
from spark_jobs.rollups import PW_COLUMNS, MinuteRollup, empty_pwc
from tests.support.archived_sale import START, acknowledged, archived_rows, everywhere, hot_ids, orphans, settled_sale
from tests.support.shop import Pipeline, at

Open = Callable[..., SaleRun]
LATER = at("12:00")
"""When every minute of the sale has long been settled, and no trend shows it."""


@pytest.fixture(scope="module")
def hdfs_services(stack: Any, data_services: Settings) -> Settings:
    stack.start("datanode")
    return data_services


@pytest.fixture
def pipeline(hdfs_services: Settings, open_test_sale: Open) -> Pipeline:
    """Minutes with rollups and history as the engine stores them, settled until 12:00."""
    shop = settled_sale(hdfs_services, open_test_sale)
    shop.database[KPI_STATE].delete_many({})
    shop.mark_settled(START, "12:00")
    store, rng = MinuteStore(shop.database), np.random.default_rng(3)
    for number in range(128):
        minute = at(START) + number * MINUTE
        pairs = np.sort(rng.choice(1000, 50 if number else 0, replace=False))
        columns = {name: rng.integers(-1 if name in _NULLABLE else 0, 10**9, len(pairs)) for name in PW_COLUMNS}
        store.save_rollup(
            MinuteRollup(minute, PairColumns(pairs, columns), empty_pwc(), f"carried {number}"),
            {"orders_fact": number},
            minute + 3 * MINUTE,
        )
        headline = {"orders_per_minute": number, "data_quality_score": 0.5 + number / 1000}
        store.save_history(minute + MINUTE, headline, f"digest {number}", True, minute + 3 * MINUTE)
    return shop


_NULLABLE = {item.name for item in ROLLUPS.field("pairs").items if item.nullable}


def _run(pipeline: Pipeline) -> archive_facts.ArchiveReport:
    return archive_facts.run(pipeline.settings, pipeline.sale.sale_id, LATER)


def test_rollups_and_history_go_once_nothing_needs_them_and_are_the_same_in_the_archive(pipeline: Pipeline) -> None:
    rollups = {d["_id"]: d for d in pipeline.database[ROLLUP_PW].find()}
    history = {d["_id"]: d for d in pipeline.database[KPI_HISTORY].find()}
    report = _run(pipeline)
    left = {d["_id"] for d in pipeline.database[ROLLUP_PW].find({}, {"_id": 1})}
    # The window, the lateness and two more before the oldest open minute's end, and one that they carry on from.
    assert min(left) == at("12:00") - 20 * MINUTE
    assert pipeline.database[KPI_HISTORY].find_one(sort=[("_id", 1)])["_id"] == at("11:00"), "the trend stays"
    assert report.tables == {
        "orders_fact": sum(acknowledged()["orders_fact"].values()),
        "inventory_fact": sum(acknowledged()["inventory_fact"].values()),
        ROLLUP_PW: 128 - len(left),
        KPI_HISTORY: 67,
    }
    archived = {row["minute"]: row for row in archived_rows(pipeline, ROLLUP_PW)}
    assert set(archived) == set(rollups) - left
    for minute, row in archived.items():
        pairs = PairColumns.from_arrow(pa.Table.from_pylist(row["pairs"], _pair_schema()), PW_COLUMNS)
        assert pairs.digest() == row["digest"] == rollups[minute]["digest"]
        assert json.loads(str(row["facts"])) == rollups[minute]["facts"]
        assert row["computed_at"] == rollups[minute]["computed_at"]
    for row in archived_rows(pipeline, KPI_HISTORY):
        stored = history[row["minute_end"]]
        assert row["headline"] == canonical_json(stored["headline"])
        assert (row["digest"], row["settled"]) == (stored["digest"], True)
    assert orphans(pipeline) == []


def _pair_schema() -> pa.Schema:
    return pa.schema([(item.name, pa.int64()) for item in ROLLUPS.field("pairs").items])


def test_a_minute_that_is_computed_again_meanwhile_stays(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    prune = archive_steps.ArchiveSteps.prune

    def compute_again_first(self: Any, table: Any, batch: Any) -> int:
        if table.name == ROLLUP_PW and batch.start == at(START):
            again = {"$set": {"computed_at": utc_now(), "digest": "another"}}
            pipeline.database[ROLLUP_PW].update_one({"_id": at("09:55")}, again)
        return prune(self, table, batch)

    with monkeypatch.context() as patch:
        patch.setattr(archive_steps.ArchiveSteps, "prune", compute_again_first)
        # The loop takes it up again at once; here it may not.
        patch.setattr(archive_facts, "ARCHIVED", (*FACTS,))
        _run(pipeline)
        patch.setattr(archive_facts, "ARCHIVED", (ROLLUPS,))
        archive_facts.run(pipeline.settings, pipeline.sale.sale_id, LATER, seconds=0)
    assert pipeline.database[ROLLUP_PW].find_one({"_id": at("09:55")})["digest"] == "another"
    assert pipeline.database[ROLLUP_PW].find_one({"_id": at("09:56")}) is None


def _quarantine(pipeline: Pipeline, count: int, clock: str) -> None:
    for table in FACTS:
        entries = [
            quarantine_entry(
                {"_id": n, "name": f"ключ {n} <b>\n", "deep": {"list": [n, 2.5, None]}, "when": at(clock)},
                "refused" if n % 3 else "conflict",
                f"reason{n % 2}",
                at(clock),
            )
            for n in range(count)
        ]
        put_in_quarantine(pipeline.database, table.name, entries)


def test_quarantine_goes_to_the_archive_as_it_was_and_is_counted_as_before(pipeline: Pipeline) -> None:
    _quarantine(pipeline, 40, "10:05")
    stored = {d["_id"]: d for d in pipeline.database[QUARANTINE_OF[ORDERS.name]].find()}
    before = quarantine_counts(pipeline.database)
    assert sum(before.values()) == 80
    _run(pipeline)
    assert all(pipeline.database[name].count_documents({}) == 0 for name in QUARANTINE_OF.values())
    assert quarantine_counts(pipeline.database) == before
    rows = archived_rows(pipeline, QUARANTINE_OF[ORDERS.name])
    plain = {key: bson.decode(bson.encode(document)) for key, document in stored.items()}
    assert {row["quarantine_id"]: bson.decode(cast("bytes", row["bson"])) for row in rows} == plain
    assert all(json.loads(str(row["document"]))["deep"] for row in rows)
    _quarantine(pipeline, 41, "11:59")  # 40 of them were there before: another moment makes another document of none
    assert sum(quarantine_counts(pipeline.database).values()) == 80 + 82


def test_a_run_that_dies_while_quarantine_is_deleted_counts_each_document_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    _quarantine(pipeline, 40, "10:05")
    before = quarantine_counts(pipeline.database)
    deletions = archive_steps._deletions
    monkeypatch.setattr(archive_steps, "DELETE_CHUNK", 15)

    def die_after_the_first(table: Any, file: Any) -> Any:
        chunks = deletions(table, file)
        yield next(chunks)
        if table not in FACTS:
            raise KeyboardInterrupt
        yield from chunks

    with monkeypatch.context() as patch:
        patch.setattr(archive_steps, "_deletions", die_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            _run(pipeline)
    assert 0 < pipeline.database[QUARANTINE_OF[ORDERS.name]].count_documents({}) < 40
    assert quarantine_counts(pipeline.database) == before
    _run(pipeline)
    assert quarantine_counts(pipeline.database) == before
    assert orphans(pipeline) == []


def test_a_full_hot_store_gives_up_its_minutes_as_soon_as_they_are_final(
    hdfs_services: Settings, open_test_sale: Open
) -> None:
    young = at("10:14")  # minutes up to 10:10 are settled, and none is older than the age of 20 minutes but two
    shop = settled_sale(hdfs_services, open_test_sale)
    report = archive_facts.run(shop.settings, shop.sale.sale_id, young)
    assert report.until == at("09:54")
    assert sum(map(len, hot_ids(shop).values())) > 0
    tight = shop.settings.model_copy(update={"archive_high_mb": 0.001, "archive_low_mb": 0.0005})
    report = archive_facts.run(tight, shop.sale.sale_id, young)
    assert report.until == at("10:10")
    assert "as fast as it can" in report.line()
    assert hot_ids(shop)["orders_fact"].total() == 0
    assert everywhere(shop) == acknowledged()


def test_marks_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"ARCHIVE_LOW_MB should be at most .*ARCHIVE_HIGH_MB \(10\), got 20"):
        load_settings(archive_high_mb=10, archive_low_mb=20)


def test_only_one_run_at_a_time_and_whoever_slept_through_its_lease_seals_nothing(pipeline: Pipeline) -> None:
    batches = pipeline.database[ARCHIVE_BATCHES]
    with archive_lease(pipeline.database):
        with pytest.raises(NothingToDoError, match="another archive run"):
            _run(pipeline)
        batches.update_one({"_id": "lease"}, {"$set": {"until": utc_now() - timedelta(seconds=1)}})
        with archive_lease(pipeline.database), pytest.raises(SupersededRunError, match="took over"):
            Lease(pipeline.database, "slept").within(lambda session: None)
    store = archive_facts.BatchStore(pipeline.database)
    with pytest.raises(SupersededRunError):
        store.insert(Lease(pipeline.database, "x"), ORDERS, at(START), at("10:00"), Seal(1, "0" * 64, 1, 1), {})
    assert store.all() == []


def test_a_seal_changes_with_any_cell_and_not_with_the_order_of_rows() -> None:
    from flashsale.rendering import arrow_schema

    schema, rng = arrow_schema(ORDERS), np.random.default_rng(1)
    columns = [pa.array(rng.integers(1, 1000, 50)).cast(field.type) for field in schema]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    seal = seal_of_batches(ORDERS, [batch])
    shuffled = batch.take(pa.array(rng.permutation(50)))
    assert seal_of_batches(ORDERS, [shuffled[:20], shuffled[20:]]) == seal
    for number, field in enumerate(schema):
        values = columns[number].cast(pa.int64()).to_numpy().copy()
        values[7] += 1
        other = [*columns[:number], pa.array(values).cast(field.type), *columns[number + 1 :]]
        assert seal_of_batches(ORDERS, [pa.RecordBatch.from_arrays(other, schema=schema)]) != seal, field.name
    assert hashlib.sha256(np.sort(columns[0].to_numpy()).tobytes()).hexdigest() == seal.id_digest
