"""What is behind a row, in the words of the dialog: from the details its snapshot holds."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.action_table import action_words
from dashboard.names import Names
from dashboard.wording import DASH, count, minutes, money, shop_time
from flashsale.drill_down import Details, FanPoint, HistoryRow, InboundRow
from flashsale.minutes import parse_iso

STATUS_WORDS = {
    "ok": "ok",
    "at_risk": "about to run out",
    "sold_out": "sold out",
    "not_stocked": "not stocked",
    "unknown": "unknown",
}
_EVENTS = {
    "raised": "raised",
    "rang_again": "rang again",
    "ack": "acknowledged",
    "assign": "assigned",
    "snooze": "snoozed",
    "in_transit": "in transit",
}


@dataclass(frozen=True, slots=True)
class FactTable:
    """A small table of plain text; `empty` is said instead of rows, and a `wide` one has a line of its own."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class DrillDown:
    """One product in one warehouse.

    `velocities`: units of the last 15 minutes, `available` now, `fan` and `inbound` in minutes from then.
    """

    product: str
    place: str
    facts: str
    velocities: tuple[int, ...]
    available: int | None
    fan: tuple[FanPoint, ...]
    inbound: tuple[InboundRow, ...]
    tables: tuple[FactTable, ...]


def drill_down(
    details: Details, product_id: int, warehouse_id: int, names: Names, currency: str, as_of: datetime, zone: ZoneInfo
) -> DrillDown:
    """The dialog of a row; raises KeyError, TypeError or ValueError for details that are none."""
    velocities = tuple(details["velocities"])
    # A snapshot of the release before has neither stock nor history here.
    available: int | None = details.get("available")
    history: list[HistoryRow] = details.get("history", [])
    return DrillDown(
        product=names.product(product_id),
        place=names.place(warehouse_id),
        facts=" · ".join(
            [
                f"{count(available)} available",
                f"{velocities[-1]:,} sold in the last minute" if velocities else "nothing sold",
                f"figures of {shop_time(as_of, zone)}",
            ]
        ),
        velocities=velocities,
        available=available,
        fan=tuple(details["fan"]),
        inbound=tuple(details["inbound"]),
        tables=(
            FactTable(
                "What could be done, against waiting",
                ("Action", "Saves"),
                tuple(
                    (
                        action_words(a["action"], a["qty"], a["from_warehouse_id"], names),
                        money_saved(a["value_saved"], currency),
                    )
                    for a in details["alternatives"]
                ),
                "Nothing to decide: it is no longer at risk.",
            ),
            FactTable(
                "The same product elsewhere",
                ("Warehouse", "State", "Available"),
                tuple(
                    (names.place(s["warehouse_id"]), STATUS_WORDS.get(s["status"], s["status"]), count(s["available"]))
                    for s in sorted(details["siblings"], key=lambda s: (-(s["available"] or 0), s["warehouse_id"]))
                ),
                "No other warehouse has it.",
            ),
            FactTable(
                "On its way",
                ("Expected in", "Units"),
                tuple((minutes(s["expected_in_minutes"]), count(s["units"])) for s in details["inbound"]),
                "No shipment is on its way.",
            ),
            FactTable(
                "History of the alert",
                ("When", "What", "Who", "Note"),
                tuple(event_cells(row, zone) for row in history),
                "No alert has been raised.",
            ),
        ),
    )


def money_saved(value: int | None, currency: str) -> str:
    """``Rs 1.2 M``, ``costs Rs 40 k`` for what is worse than waiting, a dash for what changes nothing."""
    if not value:
        return DASH
    return money(value, currency) if value > 0 else f"costs {money(-value, currency)}"


def event_cells(row: HistoryRow, zone: ZoneInfo) -> tuple[str, ...]:
    """When, what, who and why, of something that happened to an alert."""
    what = _EVENTS.get(row["event"], row["event"])
    if row["until"]:
        what += f" to {parse_iso(row['until']).astimezone(zone):%H:%M}"
    if row["owner"] and row["owner"] != row["by"]:
        what += f" to {row['owner']}"
    if row["because"]:
        what += f": {row['because']}"
    return f"{parse_iso(row['at']).astimezone(zone):%H:%M}", what, row["by"] or DASH, row["note"] or ""
