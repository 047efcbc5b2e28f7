"""What happened to an alert that those who are not looking should know, pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flashsale.alerts.life import is_worse
from flashsale.alerts.record import Alert
from flashsale.minutes import compact
from flashsale.snapshot import AlertRow, Severity
from notifier.message import Message, body_text, moment, plain, subject_line

_WORDS: dict[Severity, str] = {"critical": "CRITICAL", "high": "HIGH", "sold_out": "SOLD OUT", "watch": "WATCH"}


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of an alert so far: the worst severity, and the newest minute."""

    severity: Severity
    at: datetime


@dataclass(frozen=True, slots=True)
class Names:
    """Names of products and warehouses by id, as the sale has them: anything may stand in them."""

    products: Mapping[int, str]
    warehouses: Mapping[int, str]

    def of(self, alert: Alert) -> str:
        product = self.products.get(alert.product_id, f"product {alert.product_id}")
        warehouse = self.warehouses.get(alert.warehouse_id, f"warehouse {alert.warehouse_id}")
        return f"{plain(product)} in {plain(warehouse)}"


def told_of(messages: Iterable[Message]) -> dict[str, Told]:
    """What `messages` say of each alert, by alert_id."""
    told: dict[str, Told] = {}
    for message in messages:
        if message.alert_id is None or message.severity is None:
            continue
        before = told.get(message.alert_id)
        at = message.happened_at or message.born_at
        worst = message.severity if before is None or is_worse(message.severity, before.severity) else before.severity
        told[message.alert_id] = Told(worst, at if before is None else max(at, before.at))
    return told


def alert_messages(
    alerts: Iterable[Alert],
    told: Mapping[str, Told],
    least: Severity,
    names: Names,
    rows: Mapping[str, AlertRow],
    sale_id: str,
    now: datetime,
    zone: ZoneInfo,
) -> list[Message]:
    """A message for each open alert of severity `least` or worse that was raised, rings again or got worse.

    `rows` are the published ones by alert_id: they know what to do.  An alert that somebody took care of before
    it was told is not told.
    """
    found = []
    for alert in alerts:
        if alert.state != "open" or alert.severity is None or is_worse(least, alert.severity):
            continue
        what = _happened(alert, alert.severity, told.get(alert.alert_id))
        if what is not None:
            found.append(_message(alert, alert.severity, what, names, rows.get(alert.alert_id), sale_id, now, zone))
    return found


def _happened(alert: Alert, severity: Severity, told: Told | None) -> tuple[str, str, datetime] | None:
    """(last part of the key, words, minute), or None when all of it was told."""
    if told is None:
        return "raised", "raised", alert.raised_at
    if alert.reraised_at is not None and alert.reraised_at > told.at:
        why = alert.reraised_because or "again"
        return f"again:{compact(alert.reraised_at)}", f"rings again: {why}", alert.reraised_at
    if is_worse(severity, told.severity):
        return f"worse:{severity}", f"got worse, was {_WORDS[told.severity].lower()}", told.at
    return None


def _message(
    alert: Alert,
    severity: Severity,
    what: tuple[str, str, datetime],
    names: Names,
    row: AlertRow | None,
    sale_id: str,
    now: datetime,
    zone: ZoneInfo,
) -> Message:
    key, words, at = what
    thing = names.of(alert)
    lines = [f"{thing}: {_WORDS[severity].lower()}, {words}.", f"Alert since {moment(alert.raised_at, zone)}."]
    if row is not None:
        quantity = f" {row['qty']:,} units" if row["qty"] else ""
        lines.append(f"To do: {row['action'].replace('_', ' ')}{quantity}: {plain(row['reason'], 300)}")
    lines.append("Acknowledge, assign or snooze it on the page.")
    return Message(
        key=f"alert:{alert.alert_id}:{key}",
        kind="alert",
        section=severity,
        subject=subject_line(f"{_WORDS[severity]}: {thing}"),
        body=body_text(lines, severity),
        urgent=severity in ("critical", "sold_out"),
        born_at=now,
        sale_id=sale_id,
        alert_id=alert.alert_id,
        severity=severity,
        happened_at=at,
    )
