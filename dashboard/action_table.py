"""What to do now: the most urgent rows in the words of the screen."""

from dataclasses import dataclass
from datetime import datetime

from dashboard.names import Names
from dashboard.palette import SEVERITY_SIGNS
from dashboard.wording import DASH, count, minutes, money, percent
from flashsale.minutes import parse_iso
from flashsale.snapshot import ActionRow, Actions

SHOWN_ROWS = 10


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One row; every field but `velocities` (units of the last 15 minutes) is text to show.

    `key` names the (product, warehouse), so that a click is about this row whatever
    moved meanwhile.
    """

    key: str
    severity: str
    icon: str
    word: str
    product: str
    warehouse: str
    available: str
    velocities: tuple[int, ...]
    speed: str
    runs_out: str
    likely_range: str
    within_15: str
    action: str
    why: str
    value_at_risk: str
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


def action_table(actions: Actions, names: Names, currency: str, as_of: datetime) -> ActionTable:
    """The table of a snapshot; `as_of` is the end of its minute."""
    lines = tuple(_line(row, names, currency, as_of) for row in actions["rows"][:SHOWN_ROWS])
    return ActionTable(max(actions["total"], len(lines)), lines)


def _line(row: ActionRow, names: Names, currency: str, as_of: datetime) -> ActionLine:
    sign = SEVERITY_SIGNS[row["severity"]]
    return ActionLine(
        key=f"{row['product_id']}:{row['warehouse_id']}",
        severity=row["severity"],
        icon=sign.icon,
        word=sign.word,
        product=names.product(row["product_id"]),
        warehouse=names.warehouse(row["warehouse_id"]),
        available=count(row["available"]),
        velocities=tuple(row["velocities"]),
        speed=f"{row['velocity']:,.1f} units a minute",
        runs_out=_runs_out(row),
        likely_range=_likely_range(row),
        within_15=percent(row["p15"]),
        action=_action(row, names) + _saves(row, currency),
        why=row["reason"],
        value_at_risk=money(row["value_at_risk"], currency),
        open_for=minutes((as_of - parse_iso(row["raised_at"])).total_seconds() / 60) if row["raised_at"] else DASH,
    )


def _runs_out(row: ActionRow) -> str:
    if row["status"] == "sold_out":
        return "now"
    return minutes(row["eta_minutes"] if row["eta_p50"] is None else row["eta_p50"])


def _likely_range(row: ActionRow) -> str:
    low, high = row["eta_p10"], row["eta_p90"]
    return "" if low is None or high is None or row["status"] == "sold_out" else f"{int(low)}–{int(high)}"


def _saves(row: ActionRow, currency: str) -> str:
    """`` · saves Rs 1.2 M``: what the action is worth against waiting."""
    saved = row["value_saved"]
    return f" · saves {money(saved, currency)}" if saved else ""


def _action(row: ActionRow, names: Names) -> str:
    """A verb, a quantity and a place, as far as the action has them."""
    quantity = f" {row['qty']:,}" if row["qty"] else ""
    place = "" if row["from_warehouse_id"] is None else names.warehouse(row["from_warehouse_id"])
    match row["action"]:
        case "restock":
            return f"Restock{quantity}"
        case "transfer":
            return f"Transfer{quantity}" + (f" from {place}" if place else "")
        case "reroute":
            return "Reroute" + (f" to {place}" if place else "")
        case "pause_ads":
            return "Pause ads"
        case "monitor":
            return "Monitor"
