"""Good facts, and every way a fact can be bad that we know of, with the reason it must get."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

Document = dict[str, Any]

TICK = datetime(2026, 11, 11, 9, 0, 30, 999000, tzinfo=UTC)
"""Arrival time of the facts below."""


def good_order(order_id: int, **changes: Any) -> Document:
    """An order that is right in every field but those in `changes`."""
    return {
        "_id": Int64(order_id),
        "product_id": 1,
        "seller_id": 1,
        "warehouse_id": 1,
        "city_id": 1,
        "order_qty": 2,
        "order_value": Int64(250_000),
        "order_ts": TICK - timedelta(milliseconds=500),
        "arrived_at": TICK,
        **changes,
    }


def good_event(event_id: int, **changes: Any) -> Document:
    """An inventory event that is right in every field but those in `changes`."""
    return {
        "_id": Int64(event_id),
        "product_id": 1,
        "warehouse_id": 1,
        "inventory_on_hand": 100,
        "reserved_stock": 3,
        "fulfillment_delay": 6.0,
        "inventory_ts": TICK - timedelta(milliseconds=500),
        "arrived_at": TICK,
        **changes,
    }


def _without(document: Document, field: str) -> Document:
    return {name: value for name, value in document.items() if name != field}


def _nested(levels: int) -> Document:
    value: Document = {}
    for _ in range(levels):
        value = {"in": value}
    return value


def bad_orders() -> dict[str, tuple[Any, str]]:
    """Kind -> (document, reason).  Ids start at 10,000; most would be accepted but for one field."""
    o = good_order
    return {
        "time is a string": (o(10_001, order_ts="2026-11-11T09:00:00Z"), "type:order_ts"),
        "time is null": (o(10_002, order_ts=None), "type:order_ts"),
        "time is missing": (_without(o(10_003), "order_ts"), "missing:order_ts"),
        "time is a number": (o(10_004, order_ts=Int64(1_794_387_600_000)), "type:order_ts"),
        "array of dates": (o(10_005, order_ts=[TICK]), "type:order_ts"),
        "array of ints": (o(10_006, order_qty=[1, 2]), "type:order_qty"),
        "int64 in an int32 field": (o(10_007, order_qty=Int64(2**40)), "type:order_qty"),
        "small int64 in an int32 field": (o(10_008, order_qty=Int64(2)), "type:order_qty"),
        "int32 in an int64 field": (o(10_009, order_value=5), "type:order_value"),
        "quantity is text": (o(10_010, order_qty="3"), "type:order_qty"),
        "quantity is a fraction": (o(10_011, order_qty=2.5), "type:order_qty"),
        "quantity is a whole double": (o(10_012, order_qty=2.0), "type:order_qty"),
        "quantity is negative": (o(10_013, order_qty=-1), "range:order_qty"),
        "quantity is zero": (o(10_014, order_qty=0), "range:order_qty"),
        "quantity is beyond its range": (o(10_015, order_qty=1_000_001), "range:order_qty"),
        "quantity is NaN": (o(10_016, order_qty=float("nan")), "type:order_qty"),
        "value is infinite": (o(10_017, order_value=float("inf")), "type:order_value"),
        "value is negative": (o(10_018, order_value=Int64(-5)), "range:order_value"),
        "quantity is a truth value": (o(10_019, order_qty=True), "type:order_qty"),
        "quantity is a document": (o(10_020, order_qty={"units": 2}), "type:order_qty"),
        "field is missing": (_without(o(10_021), "city_id"), "missing:city_id"),
        "unknown field": (o(10_022, coupon="x"), "unknown_field"),
        "unknown field with an odd name": (o(10_023, **{"$where": 1, "a.b": 2, "": 3}), "unknown_field"),
        "no id": (_without(o(10_024), "_id"), "missing:order_id"),
        "id is null": (o(10_025, _id=None), "type:order_id"),
        "id is text": (o(10_026, _id="10026"), "type:order_id"),
        "id is an int32": (o(10_027, _id=10_027), "type:order_id"),
        "id beyond 2^53": (o(10_028, _id=Int64(2**53)), "range:order_id"),
        "id is negative": (o(10_029, _id=Int64(-1)), "range:order_id"),
        "id is an array": (o(10_030, _id=[1]), "server_53"),
        "product is negative": (o(10_031, product_id=-1), "range:product_id"),
        "huge text": (o(10_032, seller_id="x" * 9_000_000), "too_large"),
        "long text": (o(10_047, seller_id="x" * 9_000), "type:seller_id"),
        "larger than a document may be": (o(10_033, seller_id="x" * (17 * 2**20)), "too_large"),
        "a huge array": (o(10_034, seller_id=list(range(900_000))), "too_large"),
        "nested too deep for MongoDB": (o(10_035, city_id=_nested(250)), "too_deep"),
        "nested, but not too deep": (o(10_046, city_id=_nested(90)), "type:city_id"),
        "nested too deep for Python": (o(10_036, city_id=_nested(5_000)), "not_bson"),
        "int beyond 64 bit": (o(10_037, order_value=2**64), "not_bson"),
        "int of thousands of digits": (o(10_038, order_value=10**5_000), "not_bson"),
        "text that is no Unicode": (o(10_039, city_id="\ud800"), "not_bson"),
        "key that is no text": (o(10_040) | {7: 1}, "not_bson"),
        "value no database knows": (o(10_041, city_id={1, 2}), "not_bson"),
        "no document at all": ("not a document", "not_bson"),
        "null instead of a document": (None, "not_bson"),
        "half a minute and more ahead": (o(10_042, order_ts=TICK + timedelta(seconds=31)), "ahead_of_clock"),
        "centuries ahead": (o(10_043, order_ts=datetime(9999, 1, 1, tzinfo=UTC)), "ahead_of_clock"),
        "beyond the calendar": (o(10_044, order_ts=DatetimeMS(2**60)), "range:order_ts"),
        "before the calendar": (o(10_045, arrived_at=DatetimeMS(-(2**60))), "range:arrived_at"),
    }


def bad_events() -> dict[str, tuple[Any, str]]:
    """Kind -> (document, reason) for inventory events."""
    e = good_event
    return {
        "stock is negative": (e(20_001, inventory_on_hand=-1), "range:inventory_on_hand"),
        "delay is NaN": (e(20_002, fulfillment_delay=float("nan")), "range:fulfillment_delay"),
        "delay is infinite": (e(20_003, fulfillment_delay=float("inf")), "range:fulfillment_delay"),
        "delay is an int": (e(20_004, fulfillment_delay=6), "type:fulfillment_delay"),
        "delay is missing": (_without(e(20_005), "fulfillment_delay"), "missing:fulfillment_delay"),
        "time is text": (e(20_006, inventory_ts="now"), "type:inventory_ts"),
        "no id": (_without(e(20_007), "_id"), "missing:inventory_event_id"),
    }
