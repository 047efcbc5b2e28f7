"""What to do now: the most urgent rows in the words of the screen."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.names import Names
from dashboard.palette import SEVERITY_SIGNS
from dashboard.range_bar import RangeBar, range_bar
from dashboard.wording import DASH, count, minutes, money, percent
from flashsale.drill_down import pair_field
from flashsale.minutes import parse_iso
from flashsale.snapshot import ActionRow, Actions

SHOWN_ROWS = 10
HANDLED = ("acknowledged", "snoozed", "in_transit")
NOT_RAISED = "No alert yet: it is raised after a second bad minute"


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One row; every field but `velocities` (units of the last 15 minutes) and `bar` is text to show.

    `key` names the (product, warehouse), so that a click is about this row whatever moved meanwhile;
    `snapshot_id` is the one the line was drawn from.
    Without an `alert_id` nothing can be done with the line, and `no_buttons` says why.  `handled`: somebody has
    taken it in hand; `undoable`: or at least given it an owner.
    """

    key: str
    snapshot_id: str
    alert_id: str | None
    no_buttons: str
    severity: str
    icon: str
    word: str
    product: str
    place: str
    available: str
    velocities: tuple[int, ...]
    speed: str
    runs_out: str
    likely_range: str
    bar: RangeBar | None
    within_15: str
    action: str
    why: str
    saves: str
    owner: str
    state: str
    handled: bool
    undoable: bool
    open_for: str


@dataclass(frozen=True, slots=True)
class ActionTable:
    """At most `SHOWN_ROWS` lines, in the publisher's order (most urgent first), and how many there are."""

    total: int
    lines: tuple[ActionLine, ...]

    @property
    def title(self) -> str:
        return f"What to do now · {self.total:,} open, {len(self.lines)} shown, most urgent first"

    @property
    def more(self) -> str:
        hidden = self.total - len(self.lines)
        return f"{hidden:,} more" if hidden > 0 else ""


def action_table(
    actions: Actions, names: Names, currency: str, as_of: datetime, zone: ZoneInfo, snapshot_id: str
) -> ActionTable:
    """The table of a snapshot; `as_of` is the end of its minute."""
    lines = tuple(_line(row, names, currency, as_of, zone, snapshot_id) for row in actions["rows"][:SHOWN_ROWS])
    return ActionTable(max(actions["total"], len(lines)), lines)


def _line(row: ActionRow, names: Names, currency: str, as_of: datetime, zone: ZoneInfo, snapshot_id: str) -> ActionLine:
    sign = SEVERITY_SIGNS[row["severity"]]
    return ActionLine(
        key=pair_field(row["product_id"], row["warehouse_id"]),
        snapshot_id=snapshot_id,
        alert_id=row["alert_id"],
        no_buttons="" if row["alert_id"] else NOT_RAISED,
        severity=row["severity"],
        icon=sign.icon,
        word=sign.word,
        product=names.product(row["product_id"]),
        place=names.place(row["warehouse_id"]),
        available=count(row["available"]),
        velocities=tuple(row["velocities"]),
        speed=f"{row['velocity']:,.1f} units a minute",
        runs_out=_runs_out(row),
        likely_range=_likely_range(row),
        bar=None if row["status"] == "sold_out" else range_bar(row),
        within_15=percent(row["p15"]),
        action=action_words(row["action"], row["qty"], row["from_warehouse_id"], names),
        why=row["reason"],
        saves=money(row["value_saved"], currency) if row["value_saved"] else DASH,
        owner=row["owner"] or DASH,
        state=_state(row, zone),
        handled=row["state"] in HANDLED,
        undoable=row["owner"] is not None or row["state"] in HANDLED,
        open_for=_open_for(row["raised_at"], as_of),
    )


def _open_for(raised_at: str | None, as_of: datetime) -> str:
    return minutes((as_of - parse_iso(raised_at)).total_seconds() / 60) if raised_at else DASH


def _state(row: ActionRow, zone: ZoneInfo) -> str:
    """``acknowledged``, ``snoozed to 14:30``; nothing while nobody has done anything."""
    until = row.get("until")
    clock = f"{parse_iso(until).astimezone(zone):%H:%M}" if until else ""
    match row["state"]:
        case "acknowledged":
            return "acknowledged"
        case "snoozed":
            return f"snoozed to {clock}" if clock else "snoozed"
        case "in_transit":
            return f"in transit, due {clock}" if clock else "in transit"
        case _:
            return ""


def _runs_out(row: ActionRow) -> str:
    if row["status"] == "sold_out":
        return "now"
    return minutes(row["eta_minutes"] if row["eta_p50"] is None else row["eta_p50"])


def _likely_range(row: ActionRow) -> str:
    low, high = row["eta_p10"], row["eta_p90"]
    if low is None or row["status"] == "sold_out":
        return ""
    return f"{int(low)} or more" if high is None else f"{int(low)}–{int(high)}"


def action_words(action: str, qty: int, from_warehouse_id: int | None, names: Names) -> str:
    """A verb, a quantity and a place, as far as the action has them: ``Transfer 420 from Karachi North``.

    Orders are rerouted to the warehouse, goods come from it.
    """
    quantity = f" {qty:,}" if qty else ""
    place = "" if from_warehouse_id is None else names.warehouse(from_warehouse_id)
    match action:
        case "restock":
            return f"Restock{quantity}"
        case "transfer":
            return f"Transfer{quantity}" + (f" from {place}" if place else "")
        case "reroute":
            return "Reroute" + (f" to {place}" if place else "")
        case "pause_ads":
            return "Pause ads"
        case _:
            return "Monitor"
