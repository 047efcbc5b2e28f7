"""What the page shows of one (product, warehouse) when it is asked."""

from typing import Literal, TypedDict

from flashsale.snapshot import Action, Status


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
