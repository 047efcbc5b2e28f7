"""The contract package: settings, schema renderings, keys, paths, snapshot ids, time."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale import CONTRACT_VERSION, hdfs_paths, minutes, rendering
from flashsale.archived_tables import DOCUMENTS
from flashsale.errors import FlashsaleError, SettingsError, StoreNotReadyError
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import STOP_LEAD, SaleRun
from flashsale.schema import INBOUND_SHIPMENTS, ORDERS, TABLES
from flashsale.settings import load_settings
from flashsale.snapshot import canonical_json, interval_end_of, settled_digest, snapshot_id
from flashsale.stores.migrations import MIGRATIONS
from flashsale.stores.mongo import mongo_client, mongo_uri

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)


def test_a_wrong_setting_is_named_with_its_value_and_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHSALE_MONGO_PORT", "99999")
    with pytest.raises(SettingsError, match=r"FLASHSALE_MONGO_PORT=99999: .*65535"):
        load_settings()


def test_an_unknown_time_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHSALE_SHOP_TIME_ZONE", "Mars/Olympus")
    with pytest.raises(SettingsError, match=r"FLASHSALE_SHOP_TIME_ZONE=Mars/Olympus: .*IANA"):
        load_settings()


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.mongo_port = 1


def test_a_missing_and_a_weak_secret_are_refused(tmp_path: Path) -> None:
    settings = load_settings(secrets_dir=tmp_path)
    with pytest.raises(SettingsError, match=r"secret mongo_jobs: cannot read .*SECRETS_DIR"):
        settings.secret("mongo_jobs")
    (tmp_path / "mongo_jobs").write_text("short")
    with pytest.raises(SettingsError, match="holds 5 characters"):
        settings.secret("mongo_jobs")


def test_data_dictionary_is_what_the_schema_renders() -> None:
    committed = Path(__file__).parents[2] / "docs" / "data-dictionary.md"
    assert committed.read_text() == rendering.data_dictionary((*TABLES, *DOCUMENTS)), "run `make docs`"


def test_validator_asks_for_every_field_and_no_other() -> None:
    schema = rendering.mongo_validator(ORDERS)["$jsonSchema"]
    assert set(schema["required"]) == set(schema["properties"])
    assert "_id" in schema["required"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["order_qty"]["bsonType"] == "int"


def test_a_nullable_field_may_be_null_in_every_rendering() -> None:
    schema = rendering.mongo_validator(INBOUND_SHIPMENTS)["$jsonSchema"]
    assert schema["properties"]["received_at"]["bsonType"] == ["date", "null"]
    assert rendering.arrow_schema(INBOUND_SHIPMENTS).field("received_at").nullable
    assert rendering.spark_schema(INBOUND_SHIPMENTS)["received_at"].nullable


def test_arrow_and_spark_name_the_fields_alike() -> None:
    for table in TABLES:
        assert rendering.arrow_schema(table).names == rendering.spark_schema(table).names


def test_keys_of_two_sales_never_meet() -> None:
    assert SaleKeys("a").current != SaleKeys("b").current
    assert SaleKeys("a").snapshot("x", "meta") == "fs:a:snapshot:x:meta"


def test_partitions_are_named_by_utc_date_and_hour() -> None:
    late_evening = datetime(2026, 11, 11, 1, 30, tzinfo=UTC)
    path = hdfs_paths.SalePaths("s").data_file("orders_fact", late_evening, "b1")
    assert path == "/flashsale/s/archive/orders_fact/date=2026-11-11/hour=01/b1.parquet"


@pytest.mark.parametrize("name", ["", "UPPER", "a-b", "x" * 41, "_a"])
def test_a_sale_id_that_could_not_name_a_database_is_refused(name: str) -> None:
    with pytest.raises(FlashsaleError, match="sale_id"):
        SaleRun(name, "s", "", 1, NINE, NINE + timedelta(hours=1))


def test_a_sale_that_runs_ends_on_a_whole_second_of_its_own_and_no_sooner_than_a_writer_can_learn_of_it() -> None:
    start = NINE + timedelta(milliseconds=250)
    sale = SaleRun("s", "s", "", 1, start, start + timedelta(hours=1))
    for ms in (0, 1, 999, 1000, 754_321):
        now = start + timedelta(milliseconds=ms)
        end = sale.ending(now)
        assert STOP_LEAD <= end - now < STOP_LEAD + timedelta(seconds=1)
        assert (end - start) % timedelta(seconds=1) == timedelta(0)


def test_ending_a_sale_never_prolongs_it_and_before_its_start_leaves_nothing_of_it() -> None:
    sale = SaleRun("s", "s", "", 1, NINE, NINE + timedelta(hours=1))
    assert sale.ending(NINE - timedelta(milliseconds=1)) == NINE
    assert sale.ending(sale.sale_end - timedelta(seconds=3)) == sale.sale_end
    assert sale.ending(sale.sale_end + timedelta(days=1)) == sale.sale_end


def test_a_minute_that_was_begun_counts_and_a_cancelled_sale_has_none() -> None:
    def sale(seconds: int) -> SaleRun:
        end = NINE + timedelta(seconds=seconds)
        return SaleRun("s", "s", "", 1, NINE, end, planned_end=NINE + timedelta(hours=1))

    assert [(sale(n).minutes, sale(n).seconds) for n in (0, 1, 60, 61)] == [(0, 0), (1, 1), (1, 60), (2, 61)]
    assert sale(61).stopped_early
    assert not sale(3600).stopped_early
    assert SaleRun.from_document(sale(61).to_document()) == sale(61)


def test_a_sale_of_an_older_contract_is_read_and_one_of_a_newer_is_not() -> None:
    document = SaleRun("s", "s", "", 1, NINE, NINE + timedelta(hours=1)).to_document()
    old = {name: value for name, value in document.items() if name != "planned_end"} | {"contract_version": 1}
    assert SaleRun.from_document(old).planned_end == NINE + timedelta(hours=1)
    with pytest.raises(StoreNotReadyError, match=r"sale s was written by a newer version .* start that one"):
        SaleRun.from_document({**document, "contract_version": CONTRACT_VERSION + 1})


def test_each_contract_but_the_first_has_one_step_that_leads_to_it() -> None:
    assert [step.version for step in MIGRATIONS] == list(range(2, CONTRACT_VERSION + 1))


def test_a_pause_may_last_thirty_days_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHSALE_RESUME_PAUSE_SECONDS", str(30 * 24 * 3600))
    assert load_settings().resume_pause_seconds == 30 * 24 * 3600
    monkeypatch.setenv("FLASHSALE_RESUME_PAUSE_SECONDS", str(30 * 24 * 3600 + 1))
    with pytest.raises(SettingsError, match="FLASHSALE_RESUME_PAUSE_SECONDS"):
        load_settings()


def test_canonical_json_refuses_nan_and_sorts_keys() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json({"a": math.nan})


def test_snapshot_id_tells_its_minute_and_depends_on_content_but_not_on_meta() -> None:
    parts = {"headline": {"orders_per_minute": 1}, "meta": {"published_at": "x"}}
    identifier = snapshot_id(NINE, parts)
    assert interval_end_of(identifier) == NINE
    assert snapshot_id(NINE, {**parts, "meta": {}}) == identifier
    assert snapshot_id(NINE, {**parts, "headline": {"orders_per_minute": 2}}) != identifier


def test_settled_digest_ignores_only_the_data_quality_score() -> None:
    parts = {"headline": {"orders": 1, "data_quality_score": 0.5}, "products": [], "warehouses": [], "cities": []}
    same = {**parts, "headline": {"orders": 1, "data_quality_score": None}}
    other = {**parts, "headline": {"orders": 2, "data_quality_score": 0.5}}
    assert settled_digest(parts) == settled_digest(same) != settled_digest(other)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_times_survive_the_trip_through_milliseconds_and_text(naive: datetime) -> None:
    moment = naive.replace(microsecond=naive.microsecond // 1000 * 1000, tzinfo=UTC)
    assert minutes.from_epoch_ms(minutes.epoch_ms(moment)) == moment
    assert minutes.parse_iso(minutes.iso(moment)) == moment
    minute = minutes.floor_minute(moment)
    assert minutes.parse_compact(minutes.compact(minute)) == minute


def test_replica_set_without_a_name_is_left_out_so_that_a_mongos_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "mongo_jobs").write_text("p" * 32)
    named = load_settings(secrets_dir=tmp_path)
    unnamed = load_settings(secrets_dir=tmp_path, mongo_replica_set="")
    assert mongo_uri(named, "jobs").endswith("/?authSource=admin&replicaSet=rs0")
    assert mongo_uri(unnamed, "jobs").endswith("/?authSource=admin")
    with mongo_client(unnamed, "jobs") as client:
        assert client.options.replica_set_name is None
