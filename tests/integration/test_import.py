"""A file of orders becomes a sale on a real MongoDB: whole, once, and the same after any interruption."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from pymongo.database import Database

from flashsale.imported_sale import is_imported
from flashsale.minutes import utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, CITIES, INVENTORY, ORDERS, PRODUCTS, QUARANTINE_OF
from flashsale.settings import Settings
from flashsale.stores.context import read_dimensions, read_sale
from flashsale.stores.ingest import ledger_totals, read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import check_sale, provision_registry
from flashsale.stores.redis_client import redis_client
from flashsale.stores.sales import active_sale, find_active_sale, list_sales
from generator.importing.mapping import load_mapping
from generator.importing.reading import inputs_of, read_inputs
from generator.importing.replay_ticks import ReplayTicks
from generator.importing.standby import stand_by
from tests.support.generator_runs import digest, ledger, wait_for_tick
from tests.support.generator_sales import open_sale
from tests.support.order_files import (
    MAPPING,
    ROOT,
    TITLES,
    many_rows,
    row,
    run_import,
    start_import,
    write_csv,
    write_mapping,
)
from tests.support.scenarios import SMALL

Documents = Database[dict[str, Any]]
STOCK = '[stock]\nfile = "stock.csv"\nproduct = "SKU"\nwarehouse = "Where"\non_hand = "Units"\n'


@pytest.fixture
def owner(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "owner") as client:
        provision_registry(client, data_services)
        yield client


@pytest.fixture
def imported(owner: Client, data_services: Settings) -> Callable[..., SaleRun]:
    """Runs the command, which must succeed, and gives the sale it told of."""

    def run(*arguments: str | Path) -> SaleRun:
        done = run_import(data_services, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        return next(sale for sale in list_sales(owner) if sale.sale_id == told["sale_id"])

    return run


def named(folder: Path, name: str, text: str = MAPPING) -> Path:
    """A mapping of its own name, so that tests do not meet each other's sales."""
    return write_mapping(folder, text.replace('name = "shop"', f'name = "{name}"'))


def test_units_and_value_are_those_of_an_independent_reading(
    owner: Client, imported: Callable[..., SaleRun], tmp_path: Path
) -> None:
    rows = [*many_rows(5_000, 900), row(17, 100, Qty="abc"), row(18, 100, City="Atlantis"), row(19, 5)]
    rows += [many_rows(5_000, 900)[40], row(41, 899, Qty="9")]
    path = write_csv(tmp_path / "orders.csv", rows, quoting=1)
    sale = imported(path, "--mapping", named(tmp_path, "sums"))
    database = owner[sale.database]
    wanted = duckdb.execute(
        f"""
        SELECT count(*)::BIGINT, sum(qty)::BIGINT, sum(qty * price)::BIGINT FROM (
            SELECT Qty::BIGINT AS qty, (replace("Unit price", ',', '')::DECIMAL(18, 2) * 100)::BIGINT AS price
            FROM read_csv('{path}', all_varchar = true, header = true)
            WHERE try_cast(Qty AS BIGINT) IS NOT NULL AND City <> 'Atlantis'
            QUALIFY row_number() OVER (
                PARTITION BY "Order No" ORDER BY strptime("Ordered at", '%d/%m/%Y %H:%M:%S')
            ) = 1
        )
        """
    ).fetchall()
    (found,) = database[ORDERS.name].aggregate(
        [{"$group": {"_id": 0, "n": {"$sum": 1}, "units": {"$sum": "$order_qty"}, "value": {"$sum": "$order_value"}}}]
    )
    assert (found["n"], found["units"], found["value"]) == wanted[0]
    assert found["n"] == 5_000
    totals = ledger_totals(database)
    assert (totals.acked, totals.late, totals.duplicate_same, totals.duplicate_conflict) == (5_000, 0, 1, 2)
    assert totals.refused == {}
    quarantined = list(database[QUARANTINE_OF[ORDERS.name]].find())
    assert sorted((entry["origin"], entry["reason"]) for entry in quarantined) == [("conflict", "id_taken")] * 2
    assert 9 in {entry["document"]["order_qty"] for entry in quarantined}
    rejected = (tmp_path / "orders.rejected.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in rejected] == ["line", "5002", "5003"]
    # The sale is complete, and not the live one.
    assert (sale.phase, is_imported(sale)) == ("ended", True)
    assert read_watermark(database) == sale.sale_end + timedelta(minutes=3)
    check_sale(owner, sale)
    active = find_active_sale(owner)
    assert active is None or active.sale_id != sale.sale_id
    first = database[ORDERS.name].find_one(sort=[("order_ts", 1)])
    assert first is not None
    assert (sale.sale_start, sale.first_order_ts) == (first["order_ts"], first["order_ts"])


def test_csv_and_parquet_give_the_same_facts(owner: Client, imported: Callable[..., SaleRun], tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", many_rows(3_000, 300))
    types = pa.csv.ConvertOptions(column_types=dict.fromkeys(TITLES, pa.string()) | {"Qty": pa.int64()})
    pq.write_table(pa.csv.read_csv(path, convert_options=types), tmp_path / "orders.parquet")
    write_csv(tmp_path / "stock.csv", [("AB-03", "Karachi South", "500")], ("SKU", "Where", "Units"))
    mapping = named(tmp_path, "types", MAPPING.replace("[time]", STOCK + "[time]"))
    one = imported(path, "--mapping", mapping)
    other = imported(tmp_path / "orders.parquet", "--mapping", mapping)
    assert one.sale_id != other.sale_id
    assert digest(owner[one.database]) == digest(owner[other.database])
    assert ledger(owner[one.database]) == ledger(owner[other.database])
    assert owner[one.database][INVENTORY.name].count_documents({}) > 100
    left = list(owner[one.database][INVENTORY.name].find().sort("_id", 1))
    assert (left[0]["inventory_on_hand"], left[-1]["inventory_on_hand"]) == (500, 0)


def test_interrupted_anywhere_and_started_again_it_stores_everything_once(
    owner: Client, data_services: Settings, imported: Callable[..., SaleRun], tmp_path: Path
) -> None:
    rows = [row(9_999, 0), *many_rows(8_000, 7_200)]
    path = write_csv(tmp_path / "orders.csv", [*rows, rows[9], row(3, 7_000, Qty="4")])
    write_csv(tmp_path / "stock.csv", [("AB-03", "Lahore East", "900")], ("SKU", "Where", "Units"))
    text = MAPPING.replace("[time]", STOCK + "[time]")
    mapping = named(tmp_path, "again", text)
    database: Documents = owner["flashsale_import_again_20251110_190000"]
    for tick, end in ((0, subprocess.Popen.kill), (600, subprocess.Popen.terminate)):
        process = start_import(data_services, path, "--mapping", mapping, batch_ticks=60)
        wait_for_tick(database, tick, process)
        end(process)
        out, _ = process.communicate(timeout=30)
        stored = database[ORDERS.name].count_documents({})
        assert 0 < stored < 8_001
        if end is subprocess.Popen.terminate:
            # Told to stop it leaves no half-stored second.
            assert process.returncode == 130
            assert "stopped before the end, the same command goes on" in out
            through = database[CHECKPOINTS].find_one()["acked_through"]  # type: ignore[index]
            assert stored == database[ORDERS.name].count_documents({"order_ts": {"$lt": through}})

    def everything() -> tuple[Any, ...]:
        quarantine = list(database[QUARANTINE_OF[ORDERS.name]].find())
        return digest(database), ledger(database), list(database[PRODUCTS.name].find().sort("_id", 1)), quarantine

    imported(path, "--mapping", mapping)
    before = everything()
    facts = _facts_at_their_own_times(path, mapping)
    for table in (ORDERS, INVENTORY):
        assert list(database[table.name].find().sort("_id", 1)) == sorted(facts[table.name], key=itemgetter("_id"))
    counts = ledger_totals(database)
    assert (counts.acked, counts.late) == (len(facts[ORDERS.name]) + len(facts[INVENTORY.name]), 0)
    assert (counts.duplicate_same, counts.duplicate_conflict, len(before[3])) == (1, 1, 1)
    again = run_import(data_services, path, "--mapping", mapping)
    assert (again.returncode, "nothing to do" in again.stdout) == (0, True)
    assert everything() == before
    # Even without its resume point it finds every fact stored, and counts each once.
    database[CHECKPOINTS].delete_many({})
    imported(path, "--mapping", mapping)
    assert everything() == before


def test_a_live_replay_moves_the_orders_to_now_and_is_the_live_sale(
    owner: Client, data_services: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, mapping = write_csv(tmp_path / "orders.csv", many_rows(400, 4)), named(tmp_path, "live")
    original = {o["_id"]: o for o in _facts_at_their_own_times(path, mapping)[ORDERS.name]}
    running = open_sale(data_services, SMALL, utc_now() + timedelta(seconds=30))
    refused = run_import(data_services, path, "--mapping", mapping, "--speed", "1")
    assert refused.returncode == 1
    assert f"sale {running.sale_id} is live until" in refused.stderr
    assert "--switch" in refused.stderr

    begun = utc_now()
    process = start_import(data_services, path, "--mapping", mapping, "--speed", "1", "--switch")
    sale = _live(owner, running)
    went_live = utc_now()
    seen: list[tuple[datetime, datetime, int]] = []
    while process.poll() is None:
        watermark, stored = read_watermark(owner[sale.database]), owner[sale.database][ORDERS.name].count_documents({})
        if watermark is not None:
            seen.append((utc_now(), watermark, stored))
        time.sleep(0.2)
    assert process.returncode == 0, process.communicate()[1]
    assert begun <= sale.sale_start <= went_live + timedelta(seconds=20)
    # While it ran the watermark followed the clock: never ahead of it, and never far behind.
    ahead = [watermark - now for now, watermark, _ in seen if watermark <= sale.sale_end]
    assert max(ahead) <= timedelta(0)
    assert len({stored for _, _, stored in seen}) >= 3
    moved = list(owner[sale.database][ORDERS.name].find())
    shift = sale.sale_start - min(order["order_ts"] for order in original.values())
    for order in moved:
        times = {name: original[order["_id"]][name] + shift for name in ("order_ts", "arrived_at")}
        assert order == original[order["_id"]] | times
    assert len(moved) == 400
    assert ledger_totals(owner[sale.database]).late == 0
    sale = active_sale(owner)
    assert (sale.phase, sale.sale_end - sale.sale_start) == ("ended", timedelta(seconds=4))
    assert read_watermark(owner[sale.database]) == sale.sale_end + timedelta(minutes=3)
    with redis_client(data_services, "publisher") as redis:
        names, view = read_dimensions(redis, sale.sale_id, [4]), read_sale(redis, sale.sale_id)
    assert names is not None
    assert view is not None
    assert names["products"]["4"] == {"name": "AB-03", "category": "All products"}
    assert view["scenario"] == "import:live"
    _stands_by(owner, data_services, sale, monkeypatch, tmp_path)


def _stands_by(owner: Client, settings: Settings, sale: SaleRun, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The generator is alive beside a live sale that was imported, and leaves when another is live."""
    later = timedelta(minutes=10)
    monkeypatch.setattr("generator.importing.standby.utc_now", lambda: utc_now() + later)
    with_heartbeat = settings.model_copy(update={"heartbeat_file": folder / "beat"})
    with mongo_client(settings, "generator") as client:
        thread = threading.Thread(target=stand_by, args=(client, sale, with_heartbeat, threading.Event()))
        thread.start()
        deadline = time.monotonic() + 60
        while (read_watermark(owner[sale.database]) or sale.sale_start) < utc_now() + later / 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (folder / "beat").exists()
        open_sale(settings, SMALL, utc_now() + timedelta(seconds=20))
        thread.join(60)
        assert not thread.is_alive()


def _facts_at_their_own_times(path: Path, mapping: Path) -> dict[str, list[dict[str, Any]]]:
    inputs = inputs_of(path, load_mapping(mapping), None)
    found = read_inputs(inputs, path.with_name("unused.csv"), None, lambda rows, share: None)
    replay, end = ReplayTicks(found.table, found.events, found.table.start_ms), int(found.table.tick[-1]) + 1
    facts: dict[str, list[dict[str, Any]]] = {ORDERS.name: [], INVENTORY.name: []}
    tick = 0
    while tick < end:
        portion = replay.portion(tick, end)
        tick = portion.next_tick
        for block in (block for write in portion.ticks for block in write.blocks):
            facts[block.table.name] += [block.document(i) for i in range(len(block))]
    return facts


def _live(owner: Client, before: SaleRun) -> SaleRun:
    deadline = time.monotonic() + 60
    while (sale := active_sale(owner)).sale_id == before.sale_id:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return sale


def test_a_fast_replay_that_was_killed_goes_on_with_its_sale_and_meets_the_clock(
    owner: Client, data_services: Settings, tmp_path: Path
) -> None:
    path, mapping = write_csv(tmp_path / "orders.csv", many_rows(4_000, 600)), named(tmp_path, "fast")
    running = active_sale(owner) if find_active_sale(owner) else open_sale(data_services, SMALL, utc_now())
    arguments = (path, "--mapping", mapping, "--speed", "200", "--switch")
    process = start_import(data_services, *arguments)
    sale = _live(owner, running)
    wait_for_tick(owner[sale.database], 100, process)
    process.kill()
    process.communicate()
    done = run_import(data_services, *arguments)
    assert done.returncode == 0, done.stderr
    assert active_sale(owner).sale_id == sale.sale_id
    assert owner[sale.database][ORDERS.name].count_documents({}) == 4_000
    assert sale.sale_end - sale.sale_start == timedelta(seconds=600)
    assert sale.sale_end <= utc_now()
    # What was played to its end is played anew.
    again = start_import(data_services, *arguments)
    assert _live(owner, sale).sale_id != sale.sale_id
    again.kill()
    again.communicate()


def test_a_sale_opened_meanwhile_ends_the_replay(owner: Client, data_services: Settings, tmp_path: Path) -> None:
    path, mapping = write_csv(tmp_path / "orders.csv", many_rows(500, 60)), named(tmp_path, "left")
    running = active_sale(owner) if find_active_sale(owner) else open_sale(data_services, SMALL, utc_now())
    process = start_import(data_services, path, "--mapping", mapping, "--speed", "1", "--switch")
    sale = _live(owner, running)
    wait_for_tick(owner[sale.database], 0, process)
    open_sale(data_services, SMALL, utc_now() + timedelta(seconds=20))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"error: sale {sale.sale_id} was ended before its last order" in err


def test_the_example_prints_what_the_manual_shows(data_services: Settings, owner: Client, tmp_path: Path) -> None:
    rejects = tmp_path / "rejected.csv"
    example = ("configs/import/example.csv", "--mapping", "configs/import/example.toml", "--rejects", rejects)
    done = run_import(data_services, *example)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("configs/")] + done.stdout.splitlines()
    manual = (ROOT / "docs" / "importing.md").read_text()
    shown = manual[manual.index("--rejects /tmp/rejected.csv\n") :].split("```")[0].splitlines()[1:]

    def plain(line: str) -> str:
        return re.sub(r"\([\d.]+ s, [\d,]+ rows/s\)", "", line.replace(str(rejects), "/tmp/rejected.csv"))

    assert list(map(plain, told)) == list(map(plain, shown))


def test_no_good_row_opens_no_sale(owner: Client, data_services: Settings, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", [row(1, 1, Qty="x"), row(2, 2, City="Mars")])
    before = len(list_sales(owner))
    done = run_import(data_services, path, "--mapping", named(tmp_path, "none"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {path}: none of 2 rows can be imported")
    assert len(list_sales(owner)) == before


def test_names_of_any_script_reach_the_dimensions(
    owner: Client, imported: Callable[..., SaleRun], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "orders.csv", [row(1, 1, SKU="👟 جوتے", City="KARACHI"), row(2, 2, SKU='a "b", c')])
    database = owner[imported(path, "--mapping", named(tmp_path, "names")).database]
    assert [product["name"] for product in database[PRODUCTS.name].find().sort("_id", 1)] == ['a "b", c', "👟 جوتے"]
    assert [city["city"] for city in database[CITIES.name].find().sort("_id", 1)] == ["Karachi", "Lahore", "Multan"]
