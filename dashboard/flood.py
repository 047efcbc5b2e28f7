"""When very much happens at once: one row a warehouse instead of hundreds, as the alerts were grouped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.action_table import SHOWN_ROWS
from dashboard.address import Filters
from dashboard.filtering import Places, wanted_warehouse
from dashboard.names import Names
from dashboard.palette import SEVERITY_SIGNS
from dashboard.wording import minutes, money
from flashsale.minutes import parse_iso
from flashsale.snapshot import Actions, AlertRow, Severity

SHOWN_GROUPS = 12
GROUPS_A_LINE = 4
ROWS_A_LINE = 2
"""Rows of the action table that are as high as a line of groups."""


@dataclass(frozen=True, slots=True)
class FloodGroup:
    """All alerts of one warehouse that nobody has handled, as one; texts to show."""

    warehouse: str
    severity: Severity
    icon: str
    name: str
    count: int
    reason: str
    detail: str


def flood_groups(
    actions: Actions, filters: Filters, places: Places, names: Names, currency: str, as_of: datetime
) -> tuple[FloodGroup, ...]:
    """The groups of a snapshot, worst first, of the warehouses that the filters leave; none when there is no flood."""
    wanted = [row for row in _groups(actions) if wanted_warehouse(row["warehouse_id"], filters, places)]
    return tuple(_group(row, names, currency, as_of) for row in wanted[:SHOWN_GROUPS])


def folded(actions: Actions, filters: Filters) -> Actions:
    """`actions` without the rows that stand in a group; a viewer who chose a warehouse sees them all."""
    groups = _groups(actions)
    if not groups or filters.warehouse:
        return actions
    grouped = set(actions.get("grouped", []))
    rows = [row for row in actions["rows"] if row["alert_id"] not in grouped]
    apart = actions["total"] - sum(row["count"] for row in groups)
    return {**actions, "total": max(apart, len(rows)), "rows": rows}


def beside(actions: Actions, groups: Sequence[FloodGroup]) -> Actions:
    """The rows that fit on the screen beside the groups."""
    if not groups:
        return actions
    lines = -(-len(groups) // GROUPS_A_LINE)
    return {**actions, "rows": actions["rows"][: max(1, SHOWN_ROWS - 1 - ROWS_A_LINE * lines)]}


def _groups(actions: Actions) -> list[AlertRow]:
    # A snapshot of the release before has none.
    return actions.get("groups", [])


def _group(row: AlertRow, names: Names, currency: str, as_of: datetime) -> FloodGroup:
    saved = row["value_saved"]
    age = minutes((as_of - parse_iso(row["raised_at"])).total_seconds() / 60)
    return FloodGroup(
        warehouse=str(row["warehouse_id"]),
        severity=row["severity"],
        icon=SEVERITY_SIGNS[row["severity"]].icon,
        name=names.warehouse(row["warehouse_id"]),
        count=row["count"],
        reason=row["reason"],
        detail=(f"acting saves {money(saved, currency)} · " if saved else "") + f"open for {age}",
    )
