"""Blocks on a real MongoDB leave what their documents would, one tick at a time: in any grouping, after any crash."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

import bson
import numpy as np
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import AutoReconnect
from pymongo.monitoring import CommandListener, CommandStartedEvent

from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.errors import FlashsaleError
from flashsale.minutes import floor_minute
from flashsale.schema import INGEST_LEDGER, INVENTORY, ORDERS, QUARANTINE_OF
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry
from flashsale.stores.mongo import mongo_client, mongo_uri
from flashsale.stores.sales import find_sale
from generator import block_insertion, writer
from generator.block_insertion import MAX_ROWS, insert_blocks
from generator.encoding import encode_inventory, encode_orders
from generator.facts import order_documents
from generator.insertion import insert_facts
from generator.tick_write import TickWrite
from generator.writer import FactWriter
from tests.support.fact_columns import TICK_MS, event_columns, order_columns
from tests.support.facts import TICK
from tests.support.generator_sales import open_sale
from tests.support.mixed_ticks import SECONDS, MixedTick, mixed_ticks
from tests.support.scenarios import SMALL

Documents = Database[dict[str, Any]]
MINUTE = floor_minute(TICK)
LENIENT = CodecOptions[dict[str, Any]](tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


@pytest.fixture
def new_database(data_services: Settings) -> Iterator[Callable[[], Documents]]:
    """Makes the database of a new sale."""
    with mongo_client(data_services, "generator") as client:
        yield lambda: client.get_database(open_sale(data_services, SMALL, MINUTE).database, LENIENT)


@pytest.fixture
def database(new_database: Callable[[], Documents]) -> Documents:
    return new_database()


def left(database: Documents) -> dict[str, Any]:
    """All that a writer leaves: facts, quarantine and ledger as BSON (there NaN equals NaN), and the first order."""
    names = (ORDERS.name, INVENTORY.name, *QUARANTINE_OF.values(), INGEST_LEDGER)
    found: dict[str, Any] = {name: [bson.encode(d) for d in database[name].find().sort("_id", 1)] for name in names}
    sale_id = database.name.removeprefix("flashsale_")
    return {**found, "first_order": find_sale(database.client, sale_id).first_order_ts}


def one_by_one(database: Documents, settings: Settings, ticks: Sequence[MixedTick]) -> dict[str, Any]:
    """What is left when all facts are sent as documents, tick by tick."""
    sink = FactWriter(database, settings, 0, resume=LedgerEntry(MINUTE, 0))
    for tick in ticks:
        sink.write_tick(*tick.as_documents)
    return left(database)


@pytest.mark.parametrize("size", [1, 5, SECONDS])
@pytest.mark.parametrize("seed", [1, 2])
def test_blocks_leave_what_their_documents_would(
    new_database: Callable[[], Documents], data_services: Settings, seed: int, size: int
) -> None:
    ticks = mixed_ticks(seed)
    expected = one_by_one(new_database(), data_services, ticks)
    assert all(expected.values()), "each collection should hold something"
    database = new_database()
    sink = FactWriter(database, data_services, 0)
    for first in range(0, SECONDS, size):
        entry = sink.write([tick.as_blocks for tick in ticks[first : first + size]])
    assert left(database) == expected
    last = database[INGEST_LEDGER].find_one({"_id": {"minute": entry.minute, "shard": 0}})
    assert last is not None
    assert (last["acked"], last["late"], last["refused"]) == (entry.acked, entry.late, entry.refused)


class Killed(BaseException):
    """Ends a writer wherever it is."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``kill_at(n)``: the n-th write from now does half its work, if it can, then nothing of this writer goes on."""
    left_to_do = [-1]
    real = {
        name: getattr(writer, name) for name in ("insert_blocks", "insert_facts", "put_in_quarantine", "put_ledger")
    }

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            left_to_do[0] -= 1
            if left_to_do[0] == 0:
                if name == "insert_blocks":
                    database, blocks = args
                    insert_blocks(database, [blocks[0].part(slice(0, len(blocks[0]) // 2)), *blocks[1:]][: len(blocks)])
                elif name == "put_ledger":
                    real[name](*args)
                else:
                    *before, documents = args
                    real[name](*before, documents[: len(documents) // 2])
                raise Killed
            return real[name](*args, **options)

        return call

    for name in real:
        monkeypatch.setattr(writer, name, wrapped(name))

    def kill_at(calls: int) -> None:
        left_to_do[0] = calls

    return kill_at


@pytest.mark.parametrize("seed", range(3, 8))
def test_writers_killed_anywhere_and_grouping_anew_leave_the_same(
    new_database: Callable[[], Documents], data_services: Settings, kill_at: Callable[[int], None], seed: int
) -> None:
    ticks = mixed_ticks(seed)
    expected = one_by_one(new_database(), data_services, ticks)
    database, rng = new_database(), np.random.default_rng(seed)
    done, checkpoint, kills = 0, LedgerEntry(MINUTE, 0), 0
    while done < SECONDS:
        sink = FactWriter(database, data_services, 0, resume=checkpoint)
        kill_at(int(rng.integers(1, 14)) if kills < 12 else -1)
        try:
            while done < SECONDS:
                size = int(rng.integers(1, SECONDS))
                checkpoint = sink.write([tick.as_blocks for tick in ticks[done : done + size]])
                done += size
        except Killed:
            kills += 1
    assert kills >= 3
    assert left(database) == expected


def test_a_write_that_failed_can_be_done_again_by_the_same_writer(
    new_database: Callable[[], Documents], data_services: Settings, kill_at: Callable[[int], None]
) -> None:
    ticks = mixed_ticks(9)
    expected = one_by_one(new_database(), data_services, ticks)
    database = new_database()
    sink = FactWriter(database, data_services, 0)
    kill_at(6)
    with pytest.raises(Killed):
        sink.write([tick.as_blocks for tick in ticks])
    for tick in ticks:
        sink.write([tick.as_blocks])
    assert left(database) == expected


def test_facts_whose_answer_was_lost_are_counted_once(
    new_database: Callable[[], Documents], data_services: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = mixed_ticks(10)
    expected = one_by_one(new_database(), data_services, ticks)
    database, seen = new_database(), itertools.count()

    def lossy(insert: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            answer = insert(*args, **options)
            if next(seen) in (0, 2, 5):
                raise AutoReconnect("the connection broke after the write")
            return answer

        return call

    monkeypatch.setattr(writer, "insert_blocks", lossy(insert_blocks))
    monkeypatch.setattr(writer, "insert_facts", lossy(insert_facts))
    FactWriter(database, data_services, 0).write([tick.as_blocks for tick in ticks])
    assert left(database) == expected


def test_rows_that_are_refused_or_contradicted_stand_in_quarantine(
    database: Documents, data_services: Settings
) -> None:
    held = order_documents(order_columns(2, qty=np.array([9, 2])), TICK_MS - 1000)
    database[ORDERS.name].insert_many(held)
    rows = order_columns(9, order_id=np.arange(2, 11), qty=np.array([2, 2, 2, 0, 2, 2, -1, 2, 2]))
    tick = TickWrite(TICK, [encode_orders(rows, TICK_MS)])
    entry = FactWriter(database, data_services, 0, resume=LedgerEntry(MINUTE, 0)).write([tick])
    assert (entry.acked, entry.duplicate_same, entry.duplicate_conflict) == (6, 0, 1)
    assert entry.refused == {"range:order_qty": 2}
    documents = order_documents(rows, TICK_MS)
    entries = list(database[QUARANTINE_OF[ORDERS.name]].find().sort("document._id", 1))
    assert [e["document"] for e in entries] == [documents[0], documents[3], documents[6]]
    assert [(e["origin"], e["reason"]) for e in entries] == [
        ("conflict", "id_taken"),
        ("refused", "range:order_qty"),
        ("refused", "range:order_qty"),
    ]
    assert "arrived_at" in entries[0]["detail"]
    assert all(word in entries[2]["detail"] for word in ("order_qty", "minimum", "-1"))


class Commands(CommandListener):
    """Inserts into fact tables, as sent."""

    def __init__(self) -> None:
        self.inserts: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "insert" and event.command["insert"] in (ORDERS.name, INVENTORY.name):
            self.inserts.append({**event.command})

    def succeeded(self, event: Any) -> None:
        pass

    def failed(self, event: Any) -> None:
        pass


def test_a_block_is_one_command_whatever_its_size_and_its_bytes_are_what_is_stored(
    database: Documents, data_services: Settings
) -> None:
    """This is where a pymongo that sends blocks otherwise is found out."""
    commands = Commands()
    orders = encode_orders(order_columns(MAX_ROWS + 10_000), TICK_MS)
    events = encode_inventory(event_columns(20_000), TICK_MS)
    with MongoClient[dict[str, Any]](mongo_uri(data_services, "generator"), event_listeners=[commands]) as client:
        tick = TickWrite(TICK, [orders, events])
        entry = FactWriter(client[database.name], data_services, 0).write([tick])
    assert entry.acked == MAX_ROWS + 30_000
    assert [command["insert"] for command in commands.inserts] == [ORDERS.name, ORDERS.name, INVENTORY.name]
    # This client asks for less: the command has to bring the majority itself.
    assert {command["writeConcern"]["w"] for command in commands.inserts} == {"majority"}
    for block in (orders, events):
        batches = cast("Iterable[bytes]", database[block.table.name].find_raw_batches().sort("_id", 1))
        assert b"".join(batches) == bytes(block.payload)


def test_a_driver_that_sends_one_document_for_a_block_is_told(
    database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = encode_orders(order_columns(5), TICK_MS)
    first = block.part(slice(0, 1)).payload
    monkeypatch.setattr(block_insertion.BlockDocuments, "raw", property(lambda _: first))
    with pytest.raises(FlashsaleError, match="took 1 documents for a block of 5; this pymongo"):
        insert_blocks(database, [block])


def test_more_errors_than_one_answer_holds(database: Documents, data_services: Settings, caplog: Any) -> None:
    """All of 16,000 wrong in every field: the server drops the connection instead of saying so."""
    count, wrong = 16_000, np.full(16_000, -1)
    fields = ("product_id", "seller_id", "warehouse_id", "city_id", "qty", "value")
    rows = order_columns(count, **dict.fromkeys(fields, wrong))
    entry = FactWriter(database, data_services, 0).write([TickWrite(TICK, [encode_orders(rows, TICK_MS)])])
    assert (entry.acked, entry.refused) == (0, {"range:product_id": count})
    assert database[QUARANTINE_OF[ORDERS.name]].count_documents({}) == count
    assert "trying again" in caplog.text


def test_blocks_of_a_killed_run_are_counted_once(database: Documents, data_services: Settings) -> None:
    """As many duplicates as one answer may have to name."""
    tick = TickWrite(TICK, [encode_orders(order_columns(MAX_ROWS), TICK_MS)])
    fresh = LedgerEntry(MINUTE, 0)
    first = FactWriter(database, data_services, 0, resume=fresh).write([tick])
    before = left(database)
    again = FactWriter(database, data_services, 0, resume=fresh).write([tick])
    assert again == first
    assert again.acked == MAX_ROWS
    assert left(database) == before


def wait_for_more_than(database: Documents, count: int) -> None:
    deadline = time.monotonic() + 30
    while database[ORDERS.name].estimated_document_count() <= count:
        assert time.monotonic() < deadline, f"{count} documents were not stored within 30 s"
        time.sleep(0.005)


def kill_mongod(stack: Stack) -> None:
    record = next(record for record in read_records(stack.config.run) if record.service == "mongo")
    os.killpg(record.process.pid, signal.SIGKILL)
    stack.stop_one("mongo")


def test_a_server_killed_in_mid_write_is_waited_out_and_nothing_is_lost_or_counted_twice(
    database: Documents, data_services: Settings, stack: Stack
) -> None:
    count = 5 * MAX_ROWS
    ticks = []
    for second in range(2):
        arrived = TICK_MS + 1000 * second
        ids = np.arange(count) + (second << 28)
        block = encode_orders(order_columns(count, order_id=ids, ts=np.full(count, arrived)), arrived)
        ticks.append(TickWrite(TICK + timedelta(seconds=second), [block]))
    entries: list[LedgerEntry] = []
    sink = FactWriter(database, data_services, 0)
    thread = threading.Thread(target=lambda: entries.append(sink.write(ticks)))
    thread.start()
    wait_for_more_than(database, MAX_ROWS + MAX_ROWS // 2)
    kill_mongod(stack)
    assert thread.is_alive(), "the kill came too late to mean anything"
    stack.start("mongo")
    thread.join(120)
    assert [entry.acked for entry in entries] == [2 * count]
    assert database[ORDERS.name].count_documents({}) == 2 * count
