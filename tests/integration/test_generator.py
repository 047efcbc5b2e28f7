"""The generator as a process on a real MongoDB: pace, restart, end."""

import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from flashsale.market import draw_market
from flashsale.minutes import floor_minute, utc_now
from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from flashsale.schema import CHECKPOINTS, FACTS, INBOUND_SHIPMENTS, INVENTORY, ORDERS
from flashsale.settings import Settings
from flashsale.stores.ingest import ledger_totals, read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.sales import find_sale
from tests.support.generator_runs import (
    Documents,
    digest,
    ledger,
    run_in_process,
    start_generator,
    wait_for_tick,
    wait_until,
)
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

SHORT = SMALL.replace("duration_minutes = 10\nshards", "duration_minutes = 1\nshards", 1)
SHORT = SHORT[: SHORT.index("[[campaigns]]")]
"""One minute long, without campaigns."""


@pytest.fixture
def client(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "generator") as client:
        yield client


def test_tick_whose_checkpoints_were_lost_is_repeated_without_a_trace(client: Client, data_services: Settings) -> None:
    """Facts of both shards and the ledger are written, no checkpoint or only one of the two is."""
    start = floor_minute(utc_now()) - timedelta(minutes=30)
    sale = open_sale(data_services, SMALL, start, shipments=True)
    database = client[sale.database]
    run_in_process(client, data_services, sale, 20)
    before = {c["_id"]: c for c in database[CHECKPOINTS].find()}
    run_in_process(client, data_services, sale, 1)
    facts, counts = digest(database), ledger(database)
    for lost in ([0, 1], [1], [0]):
        for shard in lost:
            database[CHECKPOINTS].update_one({"_id": shard}, {"$set": {k: before[shard][k] for k in before[shard]}})
        run_in_process(client, data_services, sale, 1)
        assert (digest(database), ledger(database)) == (facts, counts)


def test_ledger_counts_what_is_stored(client: Client, data_services: Settings) -> None:
    sale = open_sale(data_services, SMALL, floor_minute(utc_now()) - timedelta(minutes=30))
    run_in_process(client, data_services, sale, 70)
    database = client[sale.database]
    total = ledger_totals(database)
    assert total.acked == sum(database[table.name].count_documents({}) for table in FACTS)
    assert (total.late, total.duplicate_same, total.duplicate_conflict, total.refused) == (0, 0, 0, {})
    by_minute = {(e["_id"]["minute"], e["_id"]["shard"]) for e in ledger(database)}
    assert by_minute == {(sale.sale_start + timedelta(minutes=m), s) for m in (0, 1) for s in (0, 1)}
    for minute in (0, 1):
        begin = sale.sale_start + timedelta(minutes=minute)
        window = {"$gte": begin, "$lt": begin + timedelta(minutes=1)}
        stored = sum(database[t.name].count_documents({t.event_time or "": window}) for t in FACTS)
        assert stored == sum(e["acked"] for e in ledger(database) if e["_id"]["minute"] == begin)


def test_sale_goes_live_notes_its_first_order_and_ends(client: Client, data_services: Settings) -> None:
    start = floor_minute(utc_now()) - timedelta(minutes=5)
    sale = open_sale(data_services, SHORT, start)
    database = client[sale.database]
    run_in_process(client, data_services, sale, 1)
    assert database[ORDERS.name].find_one() is None, "the first second tells the opening stock alone"
    market = draw_market(parse_scenario(SHORT, "of the test"), sale.seed)
    opening = {
        e["product_id"] * 100 + e["warehouse_id"]: e["inventory_on_hand"] for e in database[INVENTORY.name].find()
    }
    pairs = zip(*np.nonzero(market.stocked), strict=True)
    assert opening == {(p + 1) * 100 + w + 1: int(market.opening[p, w]) for p, w in pairs}
    run_in_process(client, data_services, sale, 1)
    live = find_sale(client, sale.sale_id)
    first = database[ORDERS.name].find_one(sort=[("order_ts", 1)])
    assert first is not None
    assert live.phase == "live"
    assert live.first_order_ts is not None
    assert timedelta(0) <= live.first_order_ts - first["order_ts"] < timedelta(seconds=1)

    process = start_generator(data_services)
    wait_until(lambda: find_sale(client, sale.sale_id).phase == "ended", process)
    ended = utc_now()

    def watermark() -> datetime:
        return read_watermark(database) or start

    # After the end the watermark moves with the clock.
    wait_until(lambda: watermark() > ended + timedelta(seconds=1), process)
    wait_until(lambda: utc_now() - watermark() < timedelta(seconds=3), process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert watermark() <= utc_now()
    last = database[ORDERS.name].find_one(sort=[("order_ts", -1)])
    assert last is not None
    assert last["order_ts"] < sale.sale_end
    assert "behind the clock" in errors


def test_at_the_pace_of_the_clock_each_second_is_acknowledged_soon_after_it_ended(
    client: Client, data_services: Settings
) -> None:
    # On a busy machine a process takes some seconds to begin.
    start = utc_now() + timedelta(seconds=10)
    sale = open_sale(data_services, SMALL, start)
    database = client[sale.database]
    process = start_generator(data_services)
    wait_until(lambda: read_watermark(database) is not None, process)
    assert utc_now() < start, "the watermark must move before the start"
    assert database[ORDERS.name].count_documents({}) == 0
    lags = []
    while utc_now() < start + timedelta(seconds=8):
        time.sleep(0.25)
        watermark = read_watermark(database)
        assert watermark is not None
        lags.append((utc_now() - watermark).total_seconds())
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert min(lags) >= -0.001, "nothing may be acknowledged that has not happened yet"
    assert sorted(lags)[len(lags) // 2] < 2.0
    latest = database[ORDERS.name].find_one(sort=[("order_ts", -1)])
    assert latest is not None
    assert start + timedelta(seconds=5) < latest["order_ts"] < utc_now()


def test_sigterm_in_the_middle_leaves_whole_ticks(client: Client, data_services: Settings) -> None:
    sale = open_sale(data_services, SMALL, floor_minute(utc_now()) - timedelta(minutes=30))
    database = client[sale.database]
    process = start_generator(data_services)
    wait_for_tick(database, 10, process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    ticks = {c["tick"] for c in database[CHECKPOINTS].find()}
    assert len(ticks) == 1
    end = sale.sale_start + timedelta(seconds=ticks.pop() + 1)
    assert read_watermark(database) == end
    assert database[ORDERS.name].count_documents({"arrived_at": {"$gte": end}}) == 0


def test_a_newer_sale_makes_it_leave_the_old_one(client: Client, data_services: Settings) -> None:
    old = open_sale(data_services, SMALL, floor_minute(utc_now()) - timedelta(minutes=30))
    process = start_generator(data_services)
    wait_for_tick(client[old.database], 3, process)
    new = open_sale(data_services, SMALL, utc_now() + timedelta(hours=1))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"{new.sale_id} is the active one now" in errors


@pytest.fixture(scope="module")
def four_minutes(data_services: Settings) -> Iterator[tuple[SaleRun, Documents]]:
    """A sale of which 240 ticks have run."""
    with mongo_client(data_services, "generator") as client:
        sale = open_sale(data_services, SMALL, floor_minute(utc_now()) - timedelta(minutes=30), shipments=True)
        run_in_process(client, data_services, sale, 240)
        yield sale, client[sale.database]


def test_shipments_set_out_and_arrive_with_time_and_quantity(four_minutes: tuple[SaleRun, Documents]) -> None:
    sale, database = four_minutes
    shipments = list(database[INBOUND_SHIPMENTS.name].find())
    received = [s for s in shipments if s["status"] == "received"]
    assert received
    for shipment in received:
        assert sale.sale_start <= shipment["received_at"] < sale.sale_start + timedelta(seconds=240)
        assert shipment["received_at"] >= shipment["due_at"]
        assert 0 < shipment["received_qty"] <= shipment["qty"]
    assert {s["status"] for s in shipments} == {"received", "in_transit"}
    assert all(s["received_at"] is None for s in shipments if s["status"] == "in_transit")


def test_stock_in_mongodb_is_conserved(four_minutes: tuple[SaleRun, Documents]) -> None:
    """opening + received − sold = closing available, to the unit, for each (product, warehouse)."""
    sale, database = four_minutes
    market = draw_market(parse_scenario(SMALL, "of the test"), sale.seed)
    balance = {(p + 1, w + 1): int(market.opening[p, w]) for p, w in zip(*np.nonzero(market.stocked), strict=True)}
    closing: dict[tuple[int, int], int] = {}
    for event in database[INVENTORY.name].find().sort([("inventory_ts", 1), ("_id", 1)]):
        assert 0 <= event["reserved_stock"] <= event["inventory_on_hand"]
        closing[event["product_id"], event["warehouse_id"]] = event["inventory_on_hand"] - event["reserved_stock"]
    for order in database[ORDERS.name].find():
        balance[order["product_id"], order["warehouse_id"]] -= order["order_qty"]
    for shipment in database[INBOUND_SHIPMENTS.name].find({"status": "received"}):
        balance[shipment["product_id"], shipment["warehouse_id"]] += shipment["received_qty"]
    assert balance == closing
    assert min(closing.values()) == 0, "something should be sold out by now"


def test_a_primary_that_steps_down_is_waited_out_and_nothing_is_lost(client: Client, data_services: Settings) -> None:
    start = floor_minute(utc_now()) - timedelta(minutes=30)
    whole = open_sale(data_services, SMALL, start)
    run_in_process(client, data_services, whole, 60)
    sale = open_sale(data_services, SMALL, start)
    process = start_generator(data_services, "--max-ticks", "60")
    wait_for_tick(client[sale.database], 10, process)
    with mongo_client(data_services, "owner") as owner:
        owner.admin.command("replSetStepDown", 7, force=True)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert re.search(r"MongoDB does not answer \(.*\); trying again in", errors), errors
    assert digest(client[sale.database]) == digest(client[whole.database])
    assert ledger(client[sale.database]) == ledger(client[whole.database])


@pytest.mark.parametrize("variable", ["FLASHSALE_MONGO_PORT", "FLASHSALE_SECRETS_DIR"])
def test_a_failure_at_start_is_one_line(
    data_services: Settings, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    broken = {"FLASHSALE_MONGO_PORT": {"mongo_port": 1}, "FLASHSALE_SECRETS_DIR": {"secrets_dir": Path("/nowhere")}}
    process = start_generator(data_services.model_copy(update=broken[variable]))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"error: [^\n]+\n", errors), errors


def test_ids_reach_mongodb_as_int64_below_2_to_the_53(client: Client, data_services: Settings) -> None:
    sale = open_sale(data_services, SMALL, datetime(2026, 1, 1, tzinfo=UTC))
    run_in_process(client, data_services, sale, 2)
    for table in FACTS:
        collection = client[sale.database][table.name]
        assert collection.count_documents({"_id": {"$type": "long", "$lt": 2**53}}) == collection.count_documents({})
