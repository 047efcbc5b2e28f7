"""What people do with an alert: acknowledge, assign, snooze, mark as in transit, undo.

Pure: a command gives the alert as it is afterwards.  A command id is applied once; what a command changed
stays with the alert, so that undo can restore it.  What cannot be applied is reported, never raised: one
strange command must not stop a minute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from flashsale.alerts.record import Alert, AlertBook, Handled, LifeState
from flashsale.errors import FlashsaleError
from flashsale.minutes import iso, parse_iso

CommandName = Literal["ack", "assign", "snooze", "in_transit", "undo"]
HISTORY = 20
"""Commands an alert can undo, the newest; ids of five times as many are remembered."""
TEXT_MAX = 500


class CommandError(FlashsaleError):
    """A command on the stream that cannot be read."""


@dataclass(frozen=True, slots=True)
class Command:
    """One entry of the stream `alert_commands`; `until` ends a snooze, or is when the shipment is due."""

    command_id: str
    alert_id: str
    command: CommandName
    by: str
    at: datetime
    snapshot_id: str | None = None
    owner: str | None = None
    note: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """Alerts as they are after the commands, and each command that could not be applied with the reason."""

    changed: list[Alert]
    refused: list[tuple[Command, str]]


def command_from(fields: Mapping[str, str]) -> Command:
    """The command in a stream entry, absent and empty fields alike; raises CommandError in one line."""
    label = f"alert command {fields.get('command_id') or '(no id)'}"
    for name in ("command_id", "alert_id", "command", "by", "at"):
        if not fields.get(name):
            raise CommandError(f"{label}: {name} is missing")
    for name, text in fields.items():
        if len(text) > TEXT_MAX:
            raise CommandError(f"{label}: {name} must have at most {TEXT_MAX} characters, got {len(text)}")
    command = fields["command"]
    for name in get_args(CommandName):
        if command == name:
            return Command(
                fields["command_id"],
                fields["alert_id"],
                name,
                fields["by"],
                _moment(label, "at", fields["at"]),
                fields.get("snapshot_id") or None,
                fields.get("owner") or None,
                fields.get("note") or None,
                _moment(label, "until", fields["until"]) if fields.get("until") else None,
            )
    raise CommandError(f"{label}: command must be one of {', '.join(get_args(CommandName))}, got {command!r}")


def fields_of(command: Command) -> dict[str, str]:
    """The stream entry of `command`, from which `command_from` makes it again; absent fields are left out."""
    fields = {
        "command_id": command.command_id,
        "alert_id": command.alert_id,
        "snapshot_id": command.snapshot_id,
        "command": command.command,
        "by": command.by,
        "owner": command.owner,
        "note": command.note,
        "until": iso(command.until) if command.until else None,
        "at": iso(command.at),
    }
    return {name: text for name, text in fields.items() if text}


def apply(alert: Alert, command: Command) -> Alert:
    """`alert` after `command`; unchanged where it was applied before or `refusal` names a reason."""
    if command.command_id in alert.applied or refusal(alert, command) is not None:
        return alert
    applied = (*alert.applied, command.command_id)[-5 * HISTORY :]
    if command.command == "undo":
        last = alert.history[-1]
        return replace(
            alert,
            state=last.state,
            owner=last.owner,
            note=last.note,
            until=last.until,
            handled_severity=last.handled_severity,
            handled_value=last.handled_value,
            history=alert.history[:-1],
            applied=applied,
        )
    changed = replace(alert, history=_remembered(alert, command), applied=applied, note=command.note or alert.note)
    if command.command == "assign":
        return replace(changed, owner=command.owner)
    states: dict[CommandName, LifeState] = {"ack": "acknowledged", "snooze": "snoozed", "in_transit": "in_transit"}
    return replace(
        changed,
        state=states[command.command],
        owner=command.owner or alert.owner or command.by,
        until=None if command.command == "ack" else command.until,
        handled_severity=alert.severity,
        handled_value=None,
        collapsed=False,
    )


def refusal(alert: Alert | None, command: Command) -> str | None:
    """Why `command` cannot be applied to `alert`, in one line, or None."""
    if alert is None:
        return f"no alert {command.alert_id} in this sale"
    if alert.state == "pending":
        return f"alert {alert.alert_id} is not raised"
    if alert.state == "resolved":
        return f"alert {alert.alert_id} is resolved"
    if command.command == "undo" and not alert.history:
        return f"alert {alert.alert_id} has nothing to undo"
    if command.command == "assign" and command.owner is None:
        return "assign needs an owner"
    if command.command == "snooze" and command.until is None:
        return "snooze needs until"
    if command.command in ("snooze", "in_transit") and command.until is not None and command.until <= command.at:
        return f"until must be after {iso(command.at)}, got {iso(command.until)}"
    return None


def apply_all(book: AlertBook, commands: Iterable[Command]) -> Applied:
    """All `commands`, in their order; an id that was applied before is neither changed nor refused."""
    by_id = {alert.alert_id: alert for alert in book.latest.values()}
    changed: dict[str, Alert] = {}
    refused: list[tuple[Command, str]] = []
    for command in commands:
        alert = by_id.get(command.alert_id)
        if alert is not None and command.command_id in alert.applied:
            continue
        why = refusal(alert, command)
        if alert is None or why is not None:
            refused.append((command, why or ""))
            continue
        by_id[command.alert_id] = changed[command.alert_id] = apply(alert, command)
    return Applied(sorted(changed.values(), key=lambda alert: alert.pair), refused)


def _remembered(alert: Alert, command: Command) -> tuple[Handled, ...]:
    handled = Handled(
        command.command_id,
        command.command,
        command.by,
        command.at,
        alert.state,
        alert.owner,
        alert.note,
        alert.until,
        alert.handled_severity,
        alert.handled_value,
    )
    return (*alert.history, handled)[-HISTORY:]


def _moment(label: str, name: str, text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError:
        raise CommandError(f"{label}: {name} must be a time in ISO 8601, got {text!r}") from None
