"""Commands that were given and are not in a published minute yet, shown to every viewer at once.

A command leaves the stream when the KPI job has stored it, a moment before the snapshot that shows it is
published.  Until a viewer sees another snapshot it stays pending: the row must not flicker back meanwhile.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flashsale.alerts.commands import Command, CommandError, command_from
from flashsale.redis_keys import SaleKeys
from flashsale.stores.redis_client import RedisClient, redis_errors

NEWEST = 1_000
"""Commands looked at; a minute's are fewer by far, and a backlog of more is the job's to work off."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for one alert, in words.

    `owner` is who will own it, None where that does not change; `undo`: one more undo takes something back.
    """

    text: str
    by: str
    owner: str | None
    note: str | None
    undo: bool


@dataclass(frozen=True, slots=True)
class Published:
    """An alert as its snapshot has it; `undoable`: somebody did something that could be undone."""

    owner: str | None
    undoable: bool


class PendingCommands:
    """The waiting commands of one sale, as this process has seen them; shared by its viewers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[Command, str]] = {}
        self._sale_id = ""

    def read(self, client: RedisClient, sale_id: str, snapshot_id: str) -> list[Command]:
        """Commands newer than `snapshot_id`, oldest first; raises FlashsaleError when Redis fails."""
        with redis_errors("waiting commands"):
            found: Any = client.xrevrange(SaleKeys(sale_id).alert_commands, count=NEWEST)
        waiting = {c.command_id: c for _, fields in reversed(found) if (c := _readable(fields)) is not None}
        with self._lock:
            if sale_id != self._sale_id:
                self._sale_id, self._seen = sale_id, {}
            kept = {i: c for i, (c, seen_with) in self._seen.items() if seen_with == snapshot_id and i not in waiting}
            self._seen = {i: (c, snapshot_id) for i, c in (kept | waiting).items()}
            return [command for command, _ in self._seen.values()]


def pending_by_alert(
    commands: Iterable[Command], published: Mapping[str, Published], zone: ZoneInfo
) -> dict[str, Pending]:
    """What waits for each alert of `published`, as `flashsale.alerts.commands.apply` will do it."""
    waiting: dict[str, list[Command]] = {}
    for command in commands:
        if command.alert_id in published:
            waiting.setdefault(command.alert_id, []).append(command)
    return {alert_id: _pending(given, published[alert_id], zone) for alert_id, given in waiting.items()}


def _pending(given: list[Command], published: Published, zone: ZoneInfo) -> Pending:
    stack: list[Command] = []
    undone = 0
    for command in given:
        if command.command != "undo":
            stack.append(command)
        elif stack:
            stack.pop()
        else:
            undone += 1
    last = given[-1]
    if not stack:
        return Pending("undone", last.by, None, last.note, published.undoable and not undone)
    changes = [command for command in stack if command.command != "assign"]
    owner = published.owner
    for command in stack:
        owner = command.owner or owner or command.by
    text = _done(changes[-1], zone) if changes else "assigned"
    return Pending(text, stack[-1].by, owner, stack[-1].note, True)


def _done(command: Command, zone: ZoneInfo) -> str:
    clock = f"{command.until.astimezone(zone):%H:%M}" if command.until else ""
    match command.command:
        case "snooze":
            return f"snoozed to {clock}"
        case "in_transit":
            return f"in transit, due {clock}" if clock else "in transit"
        case _:
            return "acknowledged"


def _readable(fields: Mapping[str, str]) -> Command | None:
    """None for what the job will drop too, and report."""
    try:
        return command_from(fields)
    except CommandError:
        return None
