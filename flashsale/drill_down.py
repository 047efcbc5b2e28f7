"""What the page shows of one (product, warehouse), or of a whole warehouse, when it is asked."""

from typing import Literal, TypedDict

from flashsale.snapshot import Action, Status

WAREHOUSE_KEY = "warehouse"


class FanPoint(TypedDict):
    """Stock left in so many minutes: with 10 % certainty no more than `low`, with 90 % no more than `high`."""

    minute: int
    low: int
    middle: int
    high: int


class InboundRow(TypedDict):
    """A shipment as the forecast expects it."""

    expected_in_minutes: float
    units: int


class SiblingRow(TypedDict):
    """The same product in another warehouse."""

    warehouse_id: int
    status: Status
    available: int | None


class Alternative(TypedDict):
    """An action and its expected value against waiting, minor units."""

    action: Action
    qty: int
    from_warehouse_id: int | None
    value_saved: int


class HistoryRow(TypedDict):
    """What happened to the row's alert: `event` raised, rang_again or a command; `because` why it rang again."""

    at: str
    event: Literal["raised", "rang_again", "ack", "assign", "snooze", "in_transit"]
    by: str | None
    owner: str | None
    note: str | None
    until: str | None
    because: str | None


class Details(TypedDict):
    """The drill-down of a row of the action table; `alternatives` the best first, `history` the oldest.

    `available` is where the fan starts: the stock at the end of the minute, None where nobody knows it.
    """

    available: int | None
    velocities: list[int]
    fan: list[FanPoint]
    inbound: list[InboundRow]
    siblings: list[SiblingRow]
    alternatives: list[Alternative]
    history: list[HistoryRow]


class WarehouseProduct(TypedDict):
    """A row of the warehouse's action table: what it has, what the others have, and the best that can be done."""

    product_id: int
    status: Status
    available: int | None
    elsewhere: int
    action: Action
    qty: int
    from_warehouse_id: int | None
    value_saved: int | None


class WarehouseEvent(HistoryRow):
    """What happened to an alert of the warehouse."""

    product_id: int


class WarehouseDetails(TypedDict):
    """The drill-down of a warehouse.

    `units`: sold of it in each of the last minutes; `available`: units of all its SKUs.  `fan`: how many of its
    SKUs have run out, at minute 0 those that have; `low` and more with 90 % certainty, `high` and more with 10 %,
    when all that moves one SKU's demand moves all of them.  `inbound`: units by the end of each five minutes.
    `products`: the most urgent, of `open_rows` in all; `history`: the newest first.
    """

    units: list[int]
    capacity_units_per_minute: int
    load: float
    mean_fulfillment_delay: float | None
    overloaded: bool
    available: int
    statuses: dict[Status, int]
    fan: list[FanPoint]
    inbound: list[InboundRow]
    open_rows: int
    products: list[WarehouseProduct]
    history: list[WarehouseEvent]


def pair_field(product_id: int, warehouse_id: int) -> str:
    """Field of the details hash that holds the drill-down of a (product, warehouse)."""
    return f"{product_id}:{warehouse_id}"


def warehouse_field(warehouse_id: int) -> str:
    """Field of the details hash that holds the drill-down of a warehouse."""
    return f"{WAREHOUSE_KEY}:{warehouse_id}"
