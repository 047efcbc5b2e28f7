"""What is known of an alert: its record, and the book of all of a sale's newest ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flashsale.snapshot import AlertState, Severity

Pair = tuple[int, int]
LifeState = AlertState | Literal["pending"]


@dataclass(frozen=True, slots=True)
class Handled:
    """A command that was applied, and what it changed, for undo."""

    command_id: str
    command: str
    by: str
    at: datetime
    state: LifeState
    owner: str | None
    note: str | None
    until: datetime | None
    handled_severity: Severity | None
    handled_value: int | None


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one (product, warehouse); minutes are interval ends.

    A `pending` one is not raised yet: `raised_at` is its first bad minute.  `handled_severity` and
    `handled_value` (value at risk, minor units) are those it was handled at; `until` ends a snooze or
    is when a shipment is due.  `applied`: ids of the newest commands, whether undone or not.
    """

    alert_id: str
    product_id: int
    warehouse_id: int
    episode: int
    raised_at: datetime
    state: LifeState = "open"
    owner: str | None = None
    resolved_at: datetime | None = None
    severity: Severity | None = None
    raised_severity: Severity | None = None
    bad_minutes: int = 0
    good_minutes: int = 0
    collapsed: bool = False
    until: datetime | None = None
    note: str | None = None
    handled_severity: Severity | None = None
    handled_value: int | None = None
    reraised_at: datetime | None = None
    reraised_because: str | None = None
    history: tuple[Handled, ...] = ()
    applied: tuple[str, ...] = ()

    @property
    def pair(self) -> Pair:
        return self.product_id, self.warehouse_id

    @property
    def shown_state(self) -> AlertState | None:
        """The state as a reader knows it; None before the alert is raised."""
        return None if self.state == "pending" else self.state

    @property
    def live(self) -> bool:
        """Raised and not resolved."""
        return self.state not in ("pending", "resolved")


@dataclass(frozen=True, slots=True)
class AlertBook:
    """The newest episode of each pair, how far minutes were taken, and how often the book was changed."""

    latest: Mapping[Pair, Alert]
    taken_through: datetime | None = None
    revision: int = 0

    def shown(self) -> dict[Pair, Alert]:
        """Alerts that are raised and not resolved."""
        return {pair: alert for pair, alert in self.latest.items() if alert.live}

    def with_changes(self, changed: Iterable[Alert], minute_end: datetime | None = None) -> "AlertBook":
        """The next revision: `changed` alerts in place, minutes taken through `minute_end`."""
        latest = {**self.latest, **{alert.pair: alert for alert in changed}}
        taken = max((m for m in (self.taken_through, minute_end) if m is not None), default=None)
        return AlertBook(latest, taken, self.revision + 1)
