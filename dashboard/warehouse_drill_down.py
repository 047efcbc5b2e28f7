"""What is behind a warehouse, in the words of the dialog: from the details its snapshot holds."""

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.action_table import action_words
from dashboard.drill_down import STATUS_WORDS, FactTable, event_cells, money_saved
from dashboard.names import Names
from dashboard.wording import count, minutes, percent, shop_time
from flashsale.drill_down import FanPoint, WarehouseDetails, WarehouseProduct


@dataclass(frozen=True, slots=True)
class WarehouseDrillDown:
    """One warehouse.

    `units`: sold in each of the last 15 minutes; `capacity`: units a minute; `run_out`: SKUs, in minutes from now.
    """

    place: str
    facts: str
    units: tuple[int, ...]
    capacity: int
    run_out: tuple[FanPoint, ...]
    tables: tuple[FactTable, ...]


def warehouse_drill_down(
    details: WarehouseDetails, warehouse_id: int, names: Names, currency: str, as_of: datetime, zone: ZoneInfo
) -> WarehouseDrillDown:
    """The dialog of a warehouse; raises KeyError, TypeError or ValueError for details that are none."""
    more = details["open_rows"] - len(details["products"])
    return WarehouseDrillDown(
        place=names.place(warehouse_id),
        facts=" · ".join([*_state(details), f"figures of {shop_time(as_of, zone)}"]),
        units=tuple(details["units"]),
        capacity=details["capacity_units_per_minute"],
        run_out=tuple(details["fan"]),
        tables=(
            FactTable(
                "Most urgent here, and what is best to do" + (f" ({more:,} more are open)" if more > 0 else ""),
                ("Product", "State", "Here", "Elsewhere", "Best action", "Saves"),
                tuple(_product(row, names, currency) for row in details["products"]),
                "Nothing here is sold out or about to run out.",
                wide=True,
            ),
            FactTable(
                "On its way to it",
                ("Within", "Units"),
                tuple((minutes(row["expected_in_minutes"]), count(row["units"])) for row in details["inbound"]),
                "No shipment is expected within the hour.",
            ),
            FactTable(
                "What happened to its alerts, newest first",
                ("When", "Product", "What", "Who", "Note"),
                tuple(
                    (at, names.product(row["product_id"]), *rest)
                    for row in details["history"]
                    for at, *rest in [event_cells(row, zone)]
                ),
                "No alert is open.",
            ),
        ),
    )


def named_products(text: str | None) -> set[int]:
    """The products that the details (JSON) of a warehouse name."""
    details: WarehouseDetails | None = json.loads(text) if text else None
    return {row["product_id"] for row in (*details["products"], *details["history"])} if details else set()


def _state(details: WarehouseDetails) -> list[str]:
    statuses = details["statuses"]
    at_risk, sold_out = statuses.get("at_risk", 0), statuses.get("sold_out", 0)
    stocked = statuses.get("ok", 0) + at_risk + sold_out
    said = [
        f"{count(details['available'])} units available",
        f"of {stocked:,} SKUs {sold_out:,} are sold out, {at_risk:,} soon will be",
        f"load {percent(details['load'])}" + (" ▲ overloaded" if details["overloaded"] else ""),
    ]
    if details["mean_fulfillment_delay"] is not None:
        said.append(f"orders wait {minutes(details['mean_fulfillment_delay'])}")
    return said


def _product(row: WarehouseProduct, names: Names, currency: str) -> tuple[str, ...]:
    return (
        names.product(row["product_id"]),
        STATUS_WORDS.get(row["status"], row["status"]),
        count(row["available"]),
        count(row["elsewhere"]),
        action_words(row["action"], row["qty"], row["from_warehouse_id"], names),
        money_saved(row["value_saved"], currency),
    )
