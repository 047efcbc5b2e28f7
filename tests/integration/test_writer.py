"""The writer against a real MongoDB: what is good is stored, what is bad stands in quarantine, once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.int64 import Int64
from pymongo.database import Database

from flashsale.minutes import floor_minute
from flashsale.sale_run import SaleRun
from flashsale.schema import INVENTORY, ORDERS, QUARANTINE_OF
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry, read_ledger
from flashsale.stores.mongo import mongo_client
from flashsale.stores.sales import find_sale
from generator.writer import FactWriter
from tests.support.facts import TICK, bad_events, bad_orders, good_event, good_order
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

Documents = Database[dict[str, Any]]
MINUTE = floor_minute(TICK)


@pytest.fixture
def sale(data_services: Settings) -> SaleRun:
    return open_sale(data_services, SMALL, MINUTE)


@pytest.fixture
def database(data_services: Settings, sale: SaleRun) -> Iterator[Documents]:
    # Some bad documents hold a time that Python has no date for.
    lenient = CodecOptions[dict[str, Any]](tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    with mongo_client(data_services, "generator") as client:
        yield client.get_database(sale.database, lenient)


def stored(database: Documents) -> dict[str, list[bytes]]:
    """Everything the writer may leave, by collection, as BSON: there NaN equals NaN."""
    names = (ORDERS.name, INVENTORY.name, *QUARANTINE_OF.values())
    return {name: [bson.encode(d) for d in database[name].find().sort("_id", 1)] for name in names}


def test_every_kind_of_bad_document_stands_in_quarantine_once_with_its_reason(
    database: Documents, data_services: Settings
) -> None:
    orders, events = bad_orders(), bad_events()
    good = [good_order(i) for i in range(1, 51)]
    # Good and bad in turns, so that a bad one has good neighbours in its batch.
    bad = [document for document, _ in orders.values()]
    mixed = [document for pair in zip(good, bad, strict=False) for document in pair] + bad[len(good) :]
    mixed += good[len(bad) :]
    ledger = FactWriter(database, data_services, 0).write_tick(
        TICK, mixed, [good_event(1), *[document for document, _ in events.values()], good_event(2)]
    )

    assert [o["_id"] for o in database[ORDERS.name].find().sort("_id", 1)] == list(range(1, 51))
    assert [e["_id"] for e in database[INVENTORY.name].find().sort("_id", 1)] == [1, 2]
    for table, kinds in ((ORDERS, orders), (INVENTORY, events)):
        entries = list(database[QUARANTINE_OF[table.name]].find())
        assert sorted(e["reason"] for e in entries) == sorted(reason for _, reason in kinds.values())
        assert {e["origin"] for e in entries} == {"refused"}
        assert all(e["detail"] for e in entries)
    assert (ledger.acked, sum(ledger.refused.values())) == (52, len(orders) + len(events))


def test_a_bad_document_alone_in_its_tick_gets_the_same_reason(database: Documents, data_services: Settings) -> None:
    writer = FactWriter(database, data_services, 0)
    for kind, (document, reason) in bad_orders().items():
        before = dict(writer.write_tick(TICK, [], []).refused)
        after = writer.write_tick(TICK, [document], []).refused
        assert {r: n - before.get(r, 0) for r, n in after.items() if n != before.get(r, 0)} == {reason: 1}, kind
    assert database[QUARANTINE_OF[ORDERS.name]].count_documents({"quarantined_at": TICK}) == len(bad_orders())
    assert database[ORDERS.name].count_documents({}) == 0


def test_quarantine_keeps_the_document_as_received(database: Documents, data_services: Settings) -> None:
    document = good_order(1, order_qty="3")
    FactWriter(database, data_services, 0).write_tick(TICK, [document], [])
    assert database[QUARANTINE_OF[ORDERS.name]].find_one()["document"] == document


def test_the_server_names_field_rule_and_value(database: Documents, data_services: Settings) -> None:
    FactWriter(database, data_services, 0).write_tick(TICK, [good_order(1, order_qty=-7)], [])
    entry = database[QUARANTINE_OF[ORDERS.name]].find_one()
    assert entry is not None
    assert all(word in entry["detail"] for word in ("order_qty", "minimum", "-7"))


def test_writing_everything_twice_leaves_the_same(database: Documents, data_services: Settings) -> None:
    orders = [good_order(i) for i in range(1, 20)] + [document for document, _ in bad_orders().values()]
    events = [good_event(1)] + [document for document, _ in bad_events().values()]
    fresh = LedgerEntry(MINUTE, 0)
    first = FactWriter(database, data_services, 0, resume=fresh).write_tick(TICK, orders, events)
    before = stored(database)
    second = FactWriter(database, data_services, 0, resume=fresh).write_tick(TICK, orders, events)
    assert stored(database) == before
    assert second == first
    assert read_ledger(database, MINUTE, 0) == first


def test_half_written_tick_counts_each_document_once_when_repeated(
    database: Documents, data_services: Settings
) -> None:
    orders = [good_order(i) for i in range(1, 11)]
    database[ORDERS.name].insert_many(orders[:6])
    ledger = FactWriter(database, data_services, 0, resume=LedgerEntry(MINUTE, 0, acked=100)).write_tick(
        TICK, orders, []
    )
    assert (ledger.acked, ledger.duplicate_same) == (110, 0)


def test_duplicates_are_told_apart_by_content(database: Documents, data_services: Settings) -> None:
    writer = FactWriter(database, data_services, 0)
    order = good_order(1)
    other = good_order(1, order_qty=9)
    reordered = dict(reversed(order.items()))
    ledger = writer.write_tick(TICK, [order, order, other, reordered], [])
    assert (ledger.acked, ledger.duplicate_same, ledger.duplicate_conflict) == (1, 2, 1)
    entries = list(database[QUARANTINE_OF[ORDERS.name]].find())
    assert [(e["origin"], e["reason"]) for e in entries] == [("conflict", "id_taken")]
    assert entries[0]["document"] == other
    assert "order_qty" in entries[0]["detail"]
    assert database[ORDERS.name].find_one() == order


def test_a_later_duplicate_of_an_acknowledged_fact_is_no_new_fact_even_after_a_resume(
    database: Documents, data_services: Settings
) -> None:
    order, later = good_order(1), TICK + timedelta(seconds=1)
    first = FactWriter(database, data_services, 0, resume=LedgerEntry(MINUTE, 0)).write_tick(TICK, [order], [])
    resumed = FactWriter(database, data_services, 0, resume=first).write_tick(later, [order], [])
    assert (resumed.acked, resumed.duplicate_same) == (1, 1)


def test_same_content_of_another_type_is_a_conflict(database: Documents, data_services: Settings) -> None:
    event = good_event(1, fulfillment_delay=0.0)
    negative_zero = good_event(1, fulfillment_delay=-0.0)
    ledger = FactWriter(database, data_services, 0).write_tick(TICK, [], [event, negative_zero])
    assert (ledger.acked, ledger.duplicate_conflict) == (1, 1)


def test_late_facts_are_stored_and_counted(database: Documents, data_services: Settings) -> None:
    minutes = data_services.lateness_minutes
    end_of_lateness = MINUTE - timedelta(minutes=minutes)
    in_time = good_order(1, order_ts=end_of_lateness)
    late = good_order(2, order_ts=end_of_lateness - timedelta(minutes=1))
    just = good_order(3, order_ts=end_of_lateness - timedelta(milliseconds=1))
    ledger = FactWriter(database, data_services, 0).write_tick(TICK, [in_time, late, just], [])
    assert (ledger.acked, ledger.late) == (3, 2)


def test_facts_up_to_the_limit_ahead_of_the_clock_are_stored(database: Documents, data_services: Settings) -> None:
    limit = timedelta(seconds=data_services.max_ahead_seconds)
    ledger = FactWriter(database, data_services, 0).write_tick(
        TICK,
        [good_order(1, order_ts=TICK + limit), good_order(2, order_ts=TICK + limit + timedelta(milliseconds=1))],
        [],
    )
    assert (ledger.acked, ledger.refused) == (1, {"ahead_of_clock": 1})


def test_ledger_adds_up_over_ticks_of_a_minute_and_starts_anew_with_the_next(
    database: Documents, data_services: Settings
) -> None:
    writer = FactWriter(database, data_services, 3)
    for i in range(40):
        moment = TICK + timedelta(seconds=i)
        writer.write_tick(moment, [good_order(i + 1, arrived_at=moment), good_order(i + 1_001, order_qty="x")], [])
    this, following = read_ledger(database, MINUTE, 3), read_ledger(database, MINUTE + timedelta(minutes=1), 3)
    assert (this.acked, following.acked) == (30, 10)
    assert this.refused == {"type:order_qty": 30}


def test_first_stored_order_opens_the_sale_clock(database: Documents, data_services: Settings, sale: SaleRun) -> None:
    early, later = good_order(2, order_ts=TICK - timedelta(seconds=1)), good_order(1)
    writer = FactWriter(database, data_services, 0)
    writer.write_tick(TICK, [good_order(3, order_ts=TICK - timedelta(seconds=5), order_qty=0)], [])
    assert find_sale(database.client, sale.sale_id).first_order_ts is None
    writer.write_tick(TICK, [later, early], [])
    writer.write_tick(TICK, [good_order(4, order_ts=TICK - timedelta(seconds=9))], [])
    assert find_sale(database.client, sale.sale_id).first_order_ts == early["order_ts"]


def test_more_documents_than_one_batch(database: Documents, data_services: Settings) -> None:
    orders = [good_order(i) for i in range(1, 12_001)]
    orders[5_500] = good_order(5_501, order_qty=None)
    ledger = FactWriter(database, data_services, 0).write_tick(TICK, orders, [])
    assert (ledger.acked, ledger.refused) == (11_999, {"type:order_qty": 1})
    assert database[ORDERS.name].count_documents({}) == 11_999


def test_many_bad_documents_at_once_all_get_their_own_reason(database: Documents, data_services: Settings) -> None:
    """So many that the server's answer is cut."""
    wrong_everywhere = dict.fromkeys(list(good_order(1))[1:], "x" * 40)
    orders = [good_order(i, **wrong_everywhere, extra=i) for i in range(1, 2_001)]
    orders += [good_order(i, seller_id=f"{i}" + "x" * 10_000) for i in range(2_001, 4_001)]
    ledger = FactWriter(database, data_services, 0).write_tick(TICK, orders, [])
    assert ledger.refused == {"type:product_id": 2_000, "type:seller_id": 2_000}
    assert database[QUARANTINE_OF[ORDERS.name]].count_documents({}) == 4_000


def test_ids_of_orders_and_events_do_not_meet(database: Documents, data_services: Settings) -> None:
    ledger = FactWriter(database, data_services, 0, resume=LedgerEntry(MINUTE, 0)).write_tick(
        TICK, [good_order(1)], [good_event(1)]
    )
    assert ledger.acked == 2
    assert database[ORDERS.name].find_one()["_id"] == Int64(1)
