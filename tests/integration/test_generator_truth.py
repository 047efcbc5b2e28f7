"""The truth of a sale that a real MongoDB holds: exported only while both are the same sale."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from flashsale.imported_sale import imported_sale
from flashsale.minutes import floor_minute, iso, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import INGEST_LEDGER, ORDERS
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.provision import provision_sale
from flashsale.stores.sales import activate
from generator import cli
from generator.truth import command as truth_command
from tests.support.generator_runs import environment, run_in_process
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

FAULTY = (
    SMALL
    + """
[phantom]
pairs_share = 0.4

[faults]
late_share = 0.03
out_of_order_share = 0.03
duplicate_share = 0.03
conflict_share = 0.03
skewed_share = 0.03
malformed_share = 0.03
"""
)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def stored_sale(data_services: Settings) -> SaleRun:
    """A sale with every kind of fault, over and stored."""
    start = floor_minute(utc_now()) - timedelta(minutes=15) + timedelta(seconds=13)
    sale = open_sale(data_services, FAULTY, start, shipments=True)
    with mongo_client(data_services, "generator") as client:
        run_in_process(client, data_services, sale, None, pace="max")
    return sale


@pytest.fixture
def command(data_services: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(cli, "COMMANDS", (truth_command,))
    for name, value in environment(data_services).items():
        if name.startswith("FLASHSALE_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["truth", *(str(one) for one in arguments)])
        return code, *capsys.readouterr()

    return run


def test_export_agrees_with_the_ledger_and_lands_in_the_run_folder(
    command: Command, data_services: Settings, stored_sale: SaleRun
) -> None:
    code, out, err = command("export", "--sale", stored_sale.sale_id)
    assert (code, err) == (0, "")
    assert "all 11 whole minutes agree" in out
    folder = data_services.home / "runs" / stored_sale.sale_id / "truth"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["ledger"] == {"minutes_compared": 11, "minutes_different": 0}
    assert manifest["complete"]
    latent = parquet.read_table(folder / "latent_demand.parquet").to_pylist()
    assert sum(row["lost_units"] for row in latent) > 0


def test_sold_units_are_those_of_the_stored_orders(command: Command, data_services: Settings, tmp_path: Path) -> None:
    """Without faults MongoDB has every order: pair by pair and minute by minute the same units."""
    start = floor_minute(utc_now()) - timedelta(minutes=15)
    sale = open_sale(data_services, SMALL, start, shipments=True)
    with mongo_client(data_services, "generator") as client:
        run_in_process(client, data_services, sale, None, pace="max")
        stored: dict[Any, int] = {}
        for order in client[sale.database][ORDERS.name].find():
            key = floor_minute(order["order_ts"]), order["product_id"], order["warehouse_id"]
            stored[key] = stored.get(key, 0) + order["order_qty"]
    # The live sale, for no other is named.
    assert command("export", "--to", tmp_path)[0] == 0
    rows = parquet.read_table(tmp_path / "latent_demand.parquet").to_pylist()
    sold = {(r["minute"], r["product_id"], r["warehouse_id"]): r["sold_units"] for r in rows if r["sold_units"]}
    assert sold == stored


def test_the_same_sale_offline_gives_the_same_bytes(command: Command, stored_sale: SaleRun, tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text(stored_sale.scenario_toml)
    offline = ("--scenario", tmp_path / "scenario.toml", "--start", iso(stored_sale.sale_start))
    assert command("export", "--sale", stored_sale.sale_id, "--to", tmp_path / "a")[0] == 0
    assert command("export", *offline, "--to", tmp_path / "b")[0] == 0
    for path in (tmp_path / "a").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_another_sale_in_mongodb_is_refused_and_nothing_is_written(
    command: Command, data_services: Settings, stored_sale: SaleRun, tmp_path: Path
) -> None:
    with mongo_client(data_services, "owner") as owner:
        ledger = owner[stored_sale.database][INGEST_LEDGER]
        entry = ledger.find_one({"acked": {"$gt": 0}})
        assert entry is not None
        ledger.update_one({"_id": entry["_id"]}, {"$inc": {"acked": 1}})
        try:
            code, out, err = command("export", "--sale", stored_sale.sale_id, "--to", tmp_path / "no")
            assert (code, out, err.count("\n")) == (1, "", 1)
            assert "MongoDB holds another sale than this version simulates; 1 of 11 minutes differ" in err
            assert iso(entry["_id"]["minute"]) in err
            assert not list((tmp_path / "no").iterdir())
            code, out, _ = command("export", "--sale", stored_sale.sale_id, "--to", tmp_path / "no", "--force")
            assert code == 0
            assert "1 of 11 minutes differ" in out
            manifest = json.loads((tmp_path / "no" / "manifest.json").read_text())
            assert manifest["ledger"] == {"minutes_compared": 11, "minutes_different": 1}
        finally:
            ledger.update_one({"_id": entry["_id"]}, {"$inc": {"acked": -1}})


def test_a_live_sale_is_exported_up_to_now(command: Command, data_services: Settings, tmp_path: Path) -> None:
    sale = open_sale(data_services, SMALL, floor_minute(utc_now()) - timedelta(minutes=3))
    with mongo_client(data_services, "generator") as client:
        run_in_process(client, data_services, sale, 130, pace="catch-up")
    code, out, _ = command("export", "--to", tmp_path)
    assert code == 0
    assert "all 2 whole minutes agree" in out
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["through_tick"] >= 179
    assert not manifest["complete"]
    # Nothing of it is stored beyond tick 129: what has not been written cannot disagree.
    assert manifest["ledger"]["minutes_different"] == 0


def test_summary_of_the_stored_sale(command: Command, stored_sale: SaleRun) -> None:
    code, out, err = command("summary", "--sale", stored_sale.sale_id, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["sale_id"] == stored_sale.sale_id


def test_what_cannot_be_exported_is_said_in_one_line(command: Command, data_services: Settings) -> None:
    now = floor_minute(utc_now())
    imported = imported_sale("shop", 'name = "shop"', 1, now - timedelta(minutes=9), now)
    with mongo_client(data_services, "owner") as owner:
        provision_sale(owner, imported)
        activate(owner, imported)
    for arguments, said in (
        (("export", "--sale", imported.sale_id), "was imported"),
        (("summary", "--sale", "no_such_sale"), "no sale is called no_such_sale"),
    ):
        code, out, err = command(*arguments)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert said in err


def test_a_sale_that_has_not_begun_has_no_truth(command: Command, data_services: Settings) -> None:
    sale = open_sale(data_services, SMALL, floor_minute(utc_now()) + timedelta(hours=1))
    code, _, err = command("export")
    assert (code, err.count("\n")) == (1, 1)
    assert sale.sale_id in err
