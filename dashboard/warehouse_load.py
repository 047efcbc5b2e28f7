"""Which warehouses cannot keep up: load against capacity, fullest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.names import Names
from dashboard.wording import minutes, percent
from flashsale.snapshot import WarehouseRow

SHOWN_WAREHOUSES = 8


@dataclass(frozen=True, slots=True)
class WarehouseLoad:
    """`load` is units per minute ÷ capacity, 1 = full; `label` says it in words with the flag."""

    name: str
    load: float
    overloaded: bool
    label: str
    detail: str


def warehouse_loads(rows: Sequence[WarehouseRow], names: Names) -> tuple[WarehouseLoad, ...]:
    """The fullest warehouses; those flagged as overloaded (also by delay) come first."""
    ordered = sorted(rows, key=lambda row: (not row["overloaded"], -row["load"], row["warehouse_id"]))
    return tuple(_load(row, names) for row in ordered[:SHOWN_WAREHOUSES])


def _load(row: WarehouseRow, names: Names) -> WarehouseLoad:
    delay = row["mean_fulfillment_delay"]
    label = percent(row["load"]) + (" ▲ overloaded" if row["overloaded"] else "")
    detail = f"{row['units_per_minute']:,.0f} of {row['capacity_units_per_minute']:,} units a minute"
    if delay is not None:
        detail += f", orders wait {minutes(delay)}"
    return WarehouseLoad(names.warehouse(row["warehouse_id"]), row["load"], row["overloaded"], label, detail)
