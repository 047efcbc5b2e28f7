"""A sale that contract 1 opened goes on under this version: no fact, no minute and no right is lost on the way."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dashboard.board import SchemaMismatchError, parse_meta
from flashsale import CONTRACT_VERSION
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.rendering import mongo_validator
from flashsale.sale_cli import main
from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, FACTS, KPI_HISTORY, ORDERS, REGISTRY_DATABASE, SALES, Table
from flashsale.settings import Settings
from flashsale.stores import migrations, provision, upgrade
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import check_sale
from flashsale.stores.quarantine import quarantine_counts
from flashsale.stores.redis_client import redis_client
from flashsale.stores.sales import find_sale, mark_registry, mark_sale
from flashsale.stores.snapshots import current_snapshot_id
from spark_jobs import minute_kpis
from spark_jobs.seed_dimensions import seed
from tests.support.contract_v1 import Contract1Runner, rebuild_as_contract_1
from tests.support.generator_runs import digest, environment, ledger, run_in_process, start_generator
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

LONG = SMALL.replace("duration_minutes = 10\nshards", "duration_minutes = 120\nshards", 1)
PAUSE_SECONDS = 3600


@pytest.fixture
def settings(data_services: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A start goes on with the sale of this scenario, also after a long pause."""
    scenario = tmp_path / "long.toml"
    scenario.write_text(LONG)
    chosen = data_services.model_copy(update={"sale": scenario, "resume_pause_seconds": PAUSE_SECONDS})
    for name in ("home", "mongo_port", "sale", "resume_pause_seconds"):
        monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(getattr(chosen, name)))
    return chosen


@pytest.fixture
def owner(settings: Settings) -> Iterator[Client]:
    with mongo_client(settings, "owner") as client:
        yield client


@pytest.fixture
def generator(settings: Settings) -> Iterator[Client]:
    with mongo_client(settings, "generator") as client:
        yield client


def test_a_live_sale_with_its_old_writer_goes_on_without_losing_a_fact_or_a_minute(
    owner: Client, generator: Client, settings: Settings, spark_services: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    start = floor_minute(utc_now()) - 4 * MINUTE
    sale = open_sale(settings, LONG, start, shipments=True)
    database = owner[sale.database]
    seed(settings)
    run_in_process(generator, settings, sale, 130)
    minute_kpis.run(spark_services, start + 2 * MINUTE, sale.sale_id)
    rebuild_as_contract_1(owner, sale)
    _new_code_refuses(settings, capsys)

    old = _OldWriter(settings, sale)
    old.wait_for_tick(150)
    assert main(["open"]) == 0
    assert sale.sale_id in capsys.readouterr().out
    assert re.match(r".*not authorized", str(old.ended_with()))
    _is_as_opened_by_this_version(owner, settings, sale)
    assert quarantine_counts(database) == {}

    reached = min(c["tick"] for c in database[CHECKPOINTS].find())
    ticks = max(reached, 241) + 5
    run_in_process(generator, settings, sale, ticks - reached - 1)
    _page_is_not_stuck_on_an_older_layout(spark_services, sale)
    history = _history(database)
    assert list(history) == [start + m * MINUTE for m in range(1, 5)], "a minute is missing"

    whole = open_sale(settings, LONG, start, shipments=True)
    seed(settings)
    run_in_process(generator, settings, whole, ticks)
    minute_kpis.run(spark_services, start + 4 * MINUTE, whole.sale_id)
    assert digest(database) == digest(owner[whole.database])
    assert ledger(database) == ledger(owner[whole.database])
    assert history == _history(owner[whole.database])
    assert quarantine_counts(database) == {}


def test_an_upgrade_killed_at_any_point_is_finished_by_the_next_start(
    owner: Client, generator: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    start = floor_minute(utc_now()) - 6 * MINUTE
    whole = open_sale(settings, LONG, start, shipments=True)
    run_in_process(generator, settings, whole, 120)
    sale = open_sale(settings, LONG, start, shipments=True)
    run_in_process(generator, settings, sale, 60)
    rebuild_as_contract_1(owner, sale)
    for module, function in (
        ("time", "sleep"),
        ("flashsale.stores.upgrade", "lay_out_registry"),
        ("flashsale.stores.upgrade", "lay_out_sale"),
        ("flashsale.stores.upgrade", "mark_sale"),
        ("flashsale.stores.upgrade", "mark_registry"),
        ("flashsale.stores.upgrade", "grant_sale_rights"),
    ):
        assert _open_killed_at(settings, module, function) == -signal.SIGKILL, function
        process = start_generator(settings)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1, function
        assert re.search(r"^error: [^\n]*\n\Z", errors, re.MULTILINE), errors
        assert "Traceback" not in errors
    assert main(["open"]) == 0
    assert sale.sale_id in capsys.readouterr().out
    _is_as_opened_by_this_version(owner, settings, sale)
    run_in_process(generator, settings, sale, 60)
    assert digest(owner[sale.database]) == digest(owner[whole.database])
    assert ledger(owner[sale.database]) == ledger(owner[whole.database])
    assert quarantine_counts(owner[sale.database]) == {}


def test_facts_an_old_writer_sends_under_stricter_validators_are_never_quarantined(
    owner: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As if version 2 had given every order a channel, which facts of contract 1 lack."""
    start = floor_minute(utc_now()) - 20 * MINUTE
    sale = open_sale(settings, LONG, start)
    database = owner[sale.database]
    rebuild_as_contract_1(owner, sale)

    def stricter(table: Table) -> dict[str, Any]:
        rules: dict[str, Any] = mongo_validator(table)["$jsonSchema"]
        if table is ORDERS:
            rules["required"].append("channel")
            rules["properties"]["channel"] = {"bsonType": "string"}
        return {"$jsonSchema": rules}

    def name_channel(of_sale: Database[dict[str, Any]]) -> None:
        migrations.MIGRATIONS[0].sale(of_sale)
        lacking = {"channel": {"$exists": False}}
        of_sale[ORDERS.name].update_many(lacking, {"$set": {"channel": "web"}}, bypass_document_validation=True)

    step = migrations.Migration(2, registry=migrations.MIGRATIONS[0].registry, sale=name_channel)
    monkeypatch.setattr(provision, "mongo_validator", stricter)
    monkeypatch.setattr(upgrade, "MIGRATIONS", (step,))

    old = _OldWriter(settings, sale)
    old.wait_for_tick(60)
    assert main(["open"]) == 0
    assert sale.sale_id in capsys.readouterr().out
    ended_with = old.ended_with()
    assert quarantine_counts(database) == {}
    assert "not authorized" in str(ended_with)
    orders = database[ORDERS.name]
    assert orders.count_documents({"channel": {"$exists": False}}) == 0
    watermark = read_watermark(database)
    assert watermark is not None
    acked = sum(database[table.name].count_documents({"arrived_at": {"$lt": watermark}}) for table in FACTS)
    told = sum(entry["acked"] for entry in ledger(database))
    # The tick in which it lost its rights may be stored in part; no checkpoint says it is done.
    assert 0 < acked <= told <= sum(database[table.name].count_documents({}) for table in FACTS)
    monkeypatch.undo()


def test_a_newer_version_is_refused_in_one_line_and_nothing_is_touched(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    sale = open_sale(settings, LONG, utc_now() - MINUTE)
    for newer, back in (
        (lambda: mark_registry(owner, CONTRACT_VERSION + 1), lambda: mark_registry(owner, CONTRACT_VERSION)),
        (
            lambda: mark_sale(owner, sale.sale_id, CONTRACT_VERSION + 1),
            lambda: mark_sale(owner, sale.sale_id, CONTRACT_VERSION),
        ),
    ):
        newer()
        before = _everything(owner, sale)
        for command in (["open"], ["start"]):
            assert main(command) == 1
            error = capsys.readouterr().err
            assert error.count("\n") == 1
            assert "written by a newer version" in error
            assert "start that one" in error
        assert _everything(owner, sale) == before
        back()
    assert main(["open"]) == 0


def test_an_unchanged_version_needs_no_fence(
    owner: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_sale(settings, LONG, utc_now() - MINUTE)

    def refuse(*_: Any) -> None:
        raise AssertionError("rights were taken away without need")

    monkeypatch.setattr(upgrade, "withdraw_writing", refuse)
    assert main(["open"]) == 0


def test_a_writer_that_slept_through_an_upgrade_cannot_move_a_checkpoint(
    owner: Client, generator: Client, settings: Settings
) -> None:
    sale = open_sale(settings, LONG, floor_minute(utc_now()) - 6 * MINUTE)
    run_in_process(generator, settings, sale, 4)
    checkpoints = owner[sale.database][CHECKPOINTS]
    checkpoints.update_many({}, {"$set": {"contract_version": 3}}, bypass_document_validation=True)
    before = list(checkpoints.find())
    with pytest.raises(FlashsaleError, match="not of contract 2 any more"):
        run_in_process(generator, settings, sale, 1)
    assert list(checkpoints.find()) == before


def test_a_past_sale_is_upgraded_when_asked_for(
    owner: Client, generator: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    past = open_sale(settings, LONG, floor_minute(utc_now()) - 6 * MINUTE)
    run_in_process(generator, settings, past, 5)
    rebuild_as_contract_1(owner, past)
    owner[REGISTRY_DATABASE][SALES].update_one({"_id": past.sale_id}, {"$set": {"active": False, "phase": "ended"}})
    assert main(["start"]) == 0
    assert main(["list"]) == 0
    capsys.readouterr()
    assert main(["check", "--sale", past.sale_id]) == 1
    assert f"flashsale-sale upgrade --sale {past.sale_id}" in capsys.readouterr().err
    assert main(["upgrade", "--sale", past.sale_id]) == 0
    assert main(["check", "--sale", past.sale_id]) == 0
    _is_as_opened_by_this_version(owner, settings, past)


class _OldWriter:
    """The generator of contract 1, running in a thread with the generator's login."""

    def __init__(self, settings: Settings, sale: SaleRun) -> None:
        self._client = mongo_client(settings, "generator")
        self._error: FlashsaleError | None = None
        self._stop = threading.Event()
        runner = Contract1Runner(self._client, sale, settings, self._stop)
        self._runner = runner

        def run() -> None:
            try:
                runner.run()
            except FlashsaleError as error:
                self._error = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def wait_for_tick(self, tick: int) -> None:
        while self._runner.next_tick <= tick:
            self._thread.join(0.02)
            assert self._thread.is_alive(), self._error

    def ended_with(self) -> FlashsaleError | None:
        """What ended it; None when nothing did and it had to be told to."""
        self._thread.join(60)
        self._stop.set()
        self._thread.join(60)
        self._client.close()
        return self._error


def _new_code_refuses(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Services of this version do not touch a sale that nobody has upgraded."""
    assert main(["check"]) == 1
    assert re.fullmatch(r"error: [^\n]*is of contract 1, this version reads 2[^\n]*\n", capsys.readouterr().err)
    process = start_generator(settings)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"error: [^\n]*is of contract 1[^\n]*\n", errors)
    with pytest.raises(FlashsaleError, match="is of contract 1"):
        minute_kpis.run(settings)


def _open_killed_at(settings: Settings, module: str, function: str) -> int:
    """Exit code of a `flashsale-sale open` that is killed when it comes to `function`."""
    program = (
        f"import importlib, os, signal\n"
        f"from flashsale.stores import upgrade\n"
        f"from flashsale.sale_cli import main\n"
        f"upgrade.FENCE_SECONDS = 0.1\n"
        f"module = importlib.import_module({module!r})\n"
        f"setattr(module, {function!r}, lambda *_: os.kill(os.getpid(), signal.SIGKILL))\n"
        f"main(['open'])\n"
    )
    variables = {**environment(settings), "FLASHSALE_RESUME_PAUSE_SECONDS": str(PAUSE_SECONDS)}
    return subprocess.run([sys.executable, "-c", program], env={**os.environ, **variables}, check=False).returncode


def _page_is_not_stuck_on_an_older_layout(settings: Settings, sale: SaleRun) -> None:
    """A snapshot that an older version published is replaced by the next minute's."""
    keys = SaleKeys(sale.sale_id)
    with redis_client(settings, "publisher") as redis:
        current = current_snapshot_id(redis, sale.sale_id)
        assert current is not None
        text: Any = redis.get(keys.snapshot(current, "meta"))
        redis.set(keys.snapshot(current, "meta"), re.sub(r'"schema_version":\d+', '"schema_version":0', text))
        with pytest.raises(SchemaMismatchError):
            parse_meta(redis.get(keys.snapshot(current, "meta")))  # type: ignore[arg-type]
        minute_kpis.run(settings, sale.sale_start + 4 * MINUTE, sale.sale_id)
        following = current_snapshot_id(redis, sale.sale_id)
        assert following is not None
        assert following != current
        parse_meta(redis.get(keys.snapshot(following, "meta")))  # type: ignore[arg-type]


def _history(database: Database[dict[str, Any]]) -> dict[Any, str]:
    return {d["_id"]: d["digest"] for d in database[KPI_HISTORY].find().sort("_id", 1)}


def _is_as_opened_by_this_version(owner: Client, settings: Settings, sale: SaleRun) -> None:
    """Layout, rights and version of the sale are those of one that this version opens."""
    upgraded = find_sale(owner, sale.sale_id)
    assert upgraded.contract_version == CONTRACT_VERSION
    assert upgraded.planned_end is not None
    check_sale(owner, upgraded)
    active = owner[REGISTRY_DATABASE][SALES].find_one({"active": True})
    fresh = open_sale(settings, LONG, utc_now() + timedelta(days=1))
    assert _layout(owner, sale) == _layout(owner, fresh)
    registry = owner[REGISTRY_DATABASE]
    assert next(iter(registry.list_collections(filter={"name": SALES})))["options"]["validator"]["$expr"]
    assert all(c["contract_version"] == CONTRACT_VERSION for c in owner[sale.database][CHECKPOINTS].find())
    # Leave the sale that was live as it was.
    registry[SALES].delete_one({"_id": fresh.sale_id})
    assert active is not None
    registry[SALES].replace_one({"_id": active["_id"]}, active)
    owner.drop_database(fresh.database)


def _layout(owner: Client, sale: SaleRun) -> list[Any]:
    database = owner[sale.database]
    collections = {
        c["name"]: (c.get("options", {}), sorted(database[c["name"]].index_information()))
        for c in database.list_collections()
    }
    roles = []
    for user in ("generator", "jobs", "notifier"):
        found = owner.admin.command("rolesInfo", f"{user}_{sale.sale_id}", showPrivileges=True)["roles"][0]
        rights = [(p["resource"]["collection"], sorted(p["actions"])) for p in found["privileges"]]
        granted = owner.admin.command("usersInfo", user)["users"][0]["roles"]
        roles.append((sorted(rights), f"{user}_{sale.sale_id}" in {role["role"] for role in granted}))
    roles.append(owner.admin.command("rolesInfo", "flashsale_generator", showPrivileges=True)["roles"][0]["privileges"])
    return [collections, roles]


def _everything(owner: Client, sale: SaleRun) -> list[Any]:
    registry = list(owner[REGISTRY_DATABASE][SALES].find().sort("_id", 1))
    return [registry, *_layout(owner, sale)]
