"""Facts read many at a time are those that reading them one by one gives, and bad ones are never among them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import bson
import numpy as np
import pytest
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from flashsale.fact_layout import fact_layout
from flashsale.minutes import MINUTE, epoch_ms
from flashsale.schema import INVENTORY, ORDERS, Table
from spark_jobs.fact_decoding import DecodedFacts, FactRules, decode_facts
from tests.support.facts import TICK, bad_events, bad_orders, good_event, good_order

TICK_MS = epoch_ms(TICK)
KNOWN = {name: np.array([1, 2, 5], np.int64) for name in ("product_id", "warehouse_id", "city_id")}
RULES = FactRules(KNOWN, TICK_MS - 60_000, TICK_MS + 60_000, 30_000)
EVENT_RULES = FactRules({k: v for k, v in KNOWN.items() if k != "city_id"}, RULES.earliest, RULES.latest, 30_000)
ORDER_NAMES = tuple(field.name for field in ORDERS.fields)
EVENT_NAMES = tuple(field.name for field in INVENTORY.fields)


def decoded(documents: list[Mapping[str, Any]], table: Table = ORDERS, rules: FactRules = RULES) -> DecodedFacts:
    raw = b"".join(bson.encode(document) for document in documents)
    return decode_facts(raw, table, rules, tuple(field.name for field in table.fields))


def storable(documents: Mapping[str, tuple[Any, str]]) -> dict[str, Any]:
    """Kind -> document, of those that BSON can hold: the others are refused before they are sent."""
    found = {}
    for kind, (document, _) in documents.items():
        with suppress(bson.errors.BSONError, OverflowError, ValueError, TypeError, RecursionError):
            bson.encode(document)
            found[kind] = document
    return found


BAD_ORDERS, BAD_EVENTS = storable(bad_orders()), storable(bad_events())


def test_nearly_all_bad_documents_can_be_stored() -> None:
    assert len(BAD_ORDERS) >= 40
    assert len(BAD_EVENTS) == len(bad_events())


def test_the_layout_is_that_of_the_drivers_own_encoding() -> None:
    for table, document in ((ORDERS, good_order(7)), (INVENTORY, good_event(7))):
        layout, text = fact_layout(table), np.frombuffer(bson.encode(document), np.uint8)
        assert len(text) == layout.length
        assert (text[layout.fixed] == layout.template[layout.fixed]).all()


def test_sound_facts_come_out_as_they_went_in() -> None:
    facts = decoded([good_order(1, order_qty=3), good_order(2, product_id=5, order_value=Int64(2**40))])
    assert not len(facts.unsound)
    assert facts.columns["order_id"].tolist() == [1, 2]
    assert facts.columns["order_qty"].tolist() == [3, 2]
    assert facts.columns["product_id"].tolist() == [1, 5]
    assert facts.columns["order_value"].tolist() == [250_000, 2**40]
    assert facts.columns["arrived_at"].tolist() == [TICK_MS, TICK_MS]
    events = decoded([good_event(4, fulfillment_delay=6.25)], INVENTORY, EVENT_RULES)
    assert events.columns["fulfillment_delay"].tolist() == [6.25]


def test_a_good_fact_with_its_fields_in_another_order_counts() -> None:
    turned = dict(reversed(good_order(9).items()))
    facts = decoded([good_order(8), turned, good_order(10)])
    assert sorted(facts.columns["order_id"].tolist()) == [8, 9, 10]
    assert not len(facts.unsound)


@pytest.mark.parametrize("kind", BAD_ORDERS)
def test_no_kind_of_bad_order_counts_and_its_neighbours_do(kind: str) -> None:
    facts = decoded([good_order(1), BAD_ORDERS[kind], good_order(2)])
    assert sorted(facts.columns["order_id"].tolist()) == [1, 2]
    assert len(facts.unsound) == 1


@pytest.mark.parametrize("kind", BAD_EVENTS)
def test_no_kind_of_bad_inventory_event_counts(kind: str) -> None:
    facts = decoded([good_event(1), BAD_EVENTS[kind]], INVENTORY, EVENT_RULES)
    assert facts.columns["inventory_event_id"].tolist() == [1]
    assert len(facts.unsound) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"product_id": 3},
        {"product_id": 6},
        {"warehouse_id": 0},
        {"city_id": 4},
        {"arrived_at": TICK - MINUTE * 2},
        {"arrived_at": TICK + MINUTE},
        {"order_ts": TICK + MINUTE / 2 + MINUTE / 60_000},
    ],
)
def test_what_only_a_join_or_a_clock_can_tell_is_found(change: dict[str, Any]) -> None:
    facts = decoded([good_order(1), good_order(2, **change)])
    assert facts.columns["order_id"].tolist() == [1]
    assert facts.unsound.tolist() == [epoch_ms(change.get("order_ts", good_order(2)["order_ts"]))]


def test_a_fact_as_far_ahead_as_is_allowed_counts() -> None:
    assert not len(decoded([good_order(1, order_ts=TICK + MINUTE / 2)]).unsound)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(-1, 3), st.booleans()), max_size=40))
def test_many_at_once_are_as_each_by_itself(choices: list[tuple[int, int, bool]]) -> None:
    documents: list[Mapping[str, Any]] = []
    for number, (product, quantity, turned) in enumerate(choices):
        document = good_order(number, product_id=product, order_qty=quantity)
        documents.append(dict(reversed(document.items())) if turned else document)
    together = decoded(documents)
    alone = [decoded([document]) for document in documents]
    expected = sorted(int(one.columns["order_id"][0]) for one in alone if not len(one.unsound))
    assert sorted(together.columns["order_id"].tolist()) == expected
    assert len(together.unsound) == len(choices) - len(expected)
