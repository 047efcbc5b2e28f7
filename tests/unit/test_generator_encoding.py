"""Blocks of facts hold, byte for byte, the documents that their readable reference says."""

from datetime import UTC, datetime
from typing import Any

import bson
import numpy as np
import numpy.typing as npt
import pytest
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from flashsale.errors import FlashsaleError
from flashsale.minutes import epoch_ms, from_epoch_ms
from flashsale.schema import INVENTORY, ORDERS
from generator.block_insertion import MAX_BYTES, portions
from generator.door import Refusal, encode_at_door, part_ahead
from generator.encoding import FactBlock, encode_inventory, encode_orders
from generator.facts import InventoryColumns, OrderColumns, inventory_documents, order_documents
from generator.tick_write import TickWrite, runs
from tests.support.fact_columns import TICK_MS, order_columns

INT32, INT64 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)
# What Python has a date for: the reference makes dates; the bytes of other times are numbers like any.
DATES = (epoch_ms(datetime(1, 1, 1, tzinfo=UTC)), epoch_ms(datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)))


def ints(count: int, limits: tuple[int, int]) -> st.SearchStrategy[npt.NDArray[Any]]:
    values = st.integers(*limits) | st.sampled_from([*limits, 0, -1, 2**31 - 1, -(2**31)]).filter(
        lambda value: limits[0] <= value <= limits[1]
    )
    return st_numpy.arrays(np.int64, count, elements=values)


@st.composite
def orders(draw: st.DrawFn) -> OrderColumns:
    n = draw(st.integers(0, 40))
    limits = (INT64, *[INT32] * 5, INT64, DATES)
    return OrderColumns(*(draw(ints(n, each)) for each in limits))


@st.composite
def events(draw: st.DrawFn) -> InventoryColumns:
    n = draw(st.integers(0, 40))
    whole = [draw(ints(n, limits)) for limits in (INT64, *[INT32] * 4)]
    return InventoryColumns(*[*whole, draw(st_numpy.arrays(np.float64, n)), draw(ints(n, DATES))])


def encoded(documents: list[dict[str, Any]]) -> list[bytes]:
    return [bson.encode(document) for document in documents]


def assert_block(block: FactBlock, documents: list[dict[str, Any]]) -> None:
    expected = encoded(documents)
    assert [row.tobytes() for row in block.rows] == expected
    assert bytes(block.payload) == b"".join(expected)
    assert block.rows.flags.c_contiguous
    assert block.ids.tolist() == [document["_id"] for document in documents]
    times = [from_epoch_ms(ms) for ms in block.event_ms.tolist()]
    assert times == [document[block.table.event_time or ""] for document in documents]
    assert encoded([block.document(row) for row in range(len(block))]) == expected


@given(columns=orders(), arrived=st.integers(*DATES))
def test_orders_are_the_bytes_of_their_documents(columns: OrderColumns, arrived: int) -> None:
    assert_block(encode_orders(columns, arrived), order_documents(columns, arrived))


@given(columns=events(), arrived=st.integers(*DATES))
def test_inventory_events_are_the_bytes_of_their_documents(columns: InventoryColumns, arrived: int) -> None:
    assert_block(encode_inventory(columns, arrived), inventory_documents(columns, arrived))


def test_a_column_of_fewer_bits_is_widened() -> None:
    narrow = order_columns(3, qty=np.array([1, -2, 3], dtype=np.int16))
    assert_block(encode_orders(narrow, TICK_MS), order_documents(narrow, TICK_MS))


@pytest.mark.parametrize("column", ["product_id", "seller_id", "warehouse_id", "city_id", "qty"])
@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**40])
def test_a_value_that_does_not_fit_is_told_and_not_cut(column: str, value: int) -> None:
    columns = order_columns(3, **{column: np.array([1, value, 3])})
    with pytest.raises(FlashsaleError, match=rf"orders_fact\.(order_)?{column}: {value} does not fit int32"):
        encode_orders(columns, TICK_MS)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("value", np.array([2**63], dtype=np.uint64)),
        ("value", np.array([1.0])),
        ("order_id", np.array([1.0])),
        ("ts", np.array(["2026-11-11"], dtype="datetime64[ms]")),
    ],
)
def test_a_column_of_another_kind_is_told(column: str, values: npt.NDArray[Any]) -> None:
    with pytest.raises(FlashsaleError, match=r"orders_fact\.order_\w+: .* fit (int64|date)"):
        encode_orders(order_columns(1, **{column: values}), TICK_MS)


def test_columns_of_other_lengths_are_told() -> None:
    with pytest.raises(ValueError, match="city_id: 1 values for 3"):
        encode_orders(order_columns(3, city_id=np.array([1])), TICK_MS)


def test_rows_ahead_of_the_clock_are_those_the_door_refuses() -> None:
    ahead_ms = np.array([-5, 29_999, 30_000, 30_001, 10**9])
    columns = order_columns(5, ts=TICK_MS + ahead_ms)
    rest, ahead = part_ahead(encode_orders(columns, TICK_MS), 30_000)
    documents = order_documents(columns, TICK_MS)
    refused = [isinstance(encode_at_door(ORDERS, d, TICK_MS, 30_000), Refusal) for d in documents]
    assert refused == [False, False, False, True, True]
    assert ahead == [d for d, no in zip(documents, refused, strict=True) if no]
    assert_block(rest, documents[:3])


@given(sizes=st.lists(st.integers(0, 50)), max_rows=st.integers(1, 60))
def test_portions_hold_every_row_once_in_order(sizes: list[int], max_rows: int) -> None:
    first = np.cumsum([0, *sizes])
    blocks = [
        encode_orders(order_columns(n, order_id=start + np.arange(n)), TICK_MS)
        for n, start in zip(sizes, first.tolist(), strict=False)
    ]
    found = list(portions(blocks, max_rows))
    ids = [[n for index, rows in portion for n in blocks[index].part(rows).ids.tolist()] for portion in found]
    assert [n for portion in ids for n in portion] == list(range(sum(sizes)))
    assert all(len(portion) == max_rows for portion in ids[:-1])
    assert all(0 < len(portion) <= max_rows for portion in ids)


def test_a_portion_is_one_message_at_most() -> None:
    block = encode_orders(order_columns(120_000), TICK_MS)
    sizes = [sum(block.part(rows).rows.nbytes for _, rows in portion) for portion in portions([block], 10**9)]
    assert len(sizes) == 2
    assert max(sizes) <= MAX_BYTES


def tick(number: int, ids: list[int], documents: dict[str, list[Any]]) -> TickWrite:
    arrived = TICK_MS + 1000 * number
    columns = order_columns(len(ids), order_id=np.array(ids))
    return TickWrite(from_epoch_ms(arrived), [encode_orders(columns, arrived)], documents)


def split(ticks: list[TickWrite]) -> list[int]:
    return [len(run) for run in runs(ticks)]


def test_ticks_are_written_together_unless_a_document_has_the_id_of_a_later_fact() -> None:
    def stray(table: str, number: Any) -> dict[str, list[Any]]:
        return {table: ["no document", {}, {"_id": None}, {"_id": 2**70}, {"_id": number}]}

    plain = [tick(i, [10 * i, 10 * i + 1], {}) for i in range(4)]
    assert split(plain) == [4]
    own, earlier, later = (stray(ORDERS.name, Int64(n)) for n in (11, 0, 30))
    assert split([plain[0], tick(1, [10, 11], own), plain[2], plain[3]]) == [4]
    assert split([plain[0], tick(1, [10, 11], earlier), plain[2], plain[3]]) == [4]
    assert split([plain[0], tick(1, [10, 11], later), plain[2], plain[3]]) == [3, 1]
    assert split([tick(0, [7], stray(ORDERS.name, Int64(0))), tick(1, [0], {})]) == [1, 1]
    assert split([plain[0], tick(1, [10, 11], stray(INVENTORY.name, Int64(30))), plain[2], plain[3]]) == [4]


def test_a_tick_takes_its_own_blocks_and_tables_only() -> None:
    block = encode_orders(order_columns(1), TICK_MS)
    with pytest.raises(ValueError, match="must arrive at"):
        TickWrite(from_epoch_ms(TICK_MS + 1), [block])
    with pytest.raises(ValueError, match="orders"):
        TickWrite(from_epoch_ms(TICK_MS), [block], {"orders": []})
