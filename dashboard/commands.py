"""What a viewer pressed becomes a command on the stream, the page's one write, under a user that can do nothing else.

A press names the alert and the snapshot its row was drawn from.  It is checked against that snapshot, not against
the newest one, so a refresh between looking and pressing never moves it to another row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

import redis

from flashsale.alerts.commands import Command, CommandName, command_from, fields_of
from flashsale.errors import FlashsaleError, ServiceUnavailableError, SettingsError
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from flashsale.stores.redis_client import RedisClient, redis_client, redis_errors
from flashsale.stores.snapshots import read_parts

REDIS_USER = "dashboard_command"
NAME_MAX = 60
NOTE_MAX = 300
MINUTES_MAX = 24 * 60
ID_MAX = 64


class PressError(FlashsaleError):
    """A press that cannot become a command; the message is for the viewer."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press as the browser tells it; `minutes` from now until the snooze ends or the shipment is due."""

    command_id: str
    attempt: int
    alert_id: str
    snapshot_id: str
    command: CommandName
    by: str
    owner: str | None
    note: str | None
    minutes: int | None

    def at(self, moment: datetime) -> Command:
        """The command, given at `moment` by the server's clock: a viewer's may be wrong."""
        until = None if self.minutes is None else moment + timedelta(minutes=self.minutes)
        return Command(
            self.command_id,
            self.alert_id,
            self.command,
            self.by,
            moment,
            self.snapshot_id,
            self.owner,
            self.note,
            until,
        )


def connect_commands(settings: Settings) -> RedisClient:
    """A client of the user that may append commands; raises SettingsError when its secret cannot be read."""
    return redis_client(settings, REDIS_USER)


def press_from(value: Any) -> Press:
    """The press in what a browser sent, which may be anything; raises PressError with one sentence."""
    if not isinstance(value, Mapping):
        raise PressError("The page sent something that is no press; reload it.")
    for name in get_args(CommandName):
        if value.get("command") == name:
            return _checked(
                Press(
                    command_id=_text(value, "command_id", ID_MAX) or "",
                    attempt=_whole(value, "attempt") or 0,
                    alert_id=_text(value, "alert_id", ID_MAX) or "",
                    snapshot_id=_text(value, "snapshot_id", ID_MAX) or "",
                    command=name,
                    by=_text(value, "by", NAME_MAX) or "",
                    owner=_text(value, "owner", NAME_MAX),
                    note=_text(value, "note", NOTE_MAX),
                    minutes=_whole(value, "minutes"),
                )
            )
    raise PressError("The page sent a command that does not exist; reload it.")


def send(press: Press, reader: RedisClient, writer: RedisClient, sale_id: str, now: datetime) -> Command:
    """Append the press to the stream of commands and tell what was appended.

    Raises PressError when its row is not one of its snapshot's, ServiceUnavailableError when Redis does not
    answer, FlashsaleError when it refuses.
    """
    _refuse_unless_rendered(press, reader, sale_id)
    command = press.at(now)
    entry: dict[Any, Any] = dict(fields_of(command))
    command_from(entry)  # what the job could not read must not be sent
    with redis_errors(f"command {command.command_id}"):
        writer.xadd(SaleKeys(sale_id).alert_commands, entry)
    return command


def why_not_sent(error: FlashsaleError) -> str:
    """One sentence for the viewer at the row."""
    if isinstance(error, PressError):
        return str(error)
    if isinstance(error.__cause__, redis.AuthenticationError) or isinstance(error, SettingsError):
        return "Not sent: this page may not write; whoever runs it must look at its secrets."
    if isinstance(error, ServiceUnavailableError):
        return "Not sent: Redis does not answer."
    return "Not sent: Redis refused it; the page's log says why."


def _refuse_unless_rendered(press: Press, reader: RedisClient, sale_id: str) -> None:
    with redis_errors(f"snapshot {press.snapshot_id}"):
        text = read_parts(reader, sale_id, press.snapshot_id, ("actions",))["actions"]
    if text is None:
        raise PressError("Not sent: the figures behind this row are too old to act on; press again.")
    if all(row.get("alert_id") != press.alert_id for row in json.loads(text)["rows"]):
        raise PressError("Not sent: this alert was not on the page; press again.")


def _checked(press: Press) -> Press:
    try:
        interval_end_of(press.snapshot_id)
    except ValueError:
        raise PressError("The page sent a press without its snapshot; reload it.") from None
    if not (press.command_id and press.alert_id):
        raise PressError("The page sent a press without its alert; reload it.")
    if not press.by:
        raise PressError("Not sent: say who you are.")
    if press.command == "assign" and press.owner is None:
        raise PressError("Not sent: assign to whom?")
    if press.command == "snooze" and press.minutes is None:
        raise PressError("Not sent: snooze for how long?")
    if press.minutes is not None and not 1 <= press.minutes <= MINUTES_MAX:
        raise PressError(f"Not sent: minutes must be 1 to {MINUTES_MAX:,}.")
    return press


def _text(value: Mapping[str, Any], name: str, longest: int) -> str | None:
    """One line of text, or None where there is none."""
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or len(found) > longest:
        raise PressError(f"Not sent: {name} must be text of at most {longest} characters.")
    return " ".join(found.split()) or None


def _whole(value: Mapping[str, Any], name: str) -> int | None:
    found = value.get(name)
    if found is None:
        return None
    whole = isinstance(found, int) or (isinstance(found, float) and found.is_integer())
    if isinstance(found, bool) or not whole:
        raise PressError(f"Not sent: {name} must be a whole number.")
    return int(found)
