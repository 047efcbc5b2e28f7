"""What do I do now: the action table as a component, what is pressed in it, and what waits."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.action_table import ActionTable
from dashboard.address import NO_FILTERS, Filters
from dashboard.board import Board
from dashboard.commands import Press, PressError, connect_commands, press_from, send, why_not_sent
from dashboard.drill_down_dialog import open_drill_down
from dashboard.frontend import ACTION_TABLE_JS
from dashboard.pending import PendingCommands, Published, pending_by_alert
from dashboard.wording import DASH
from flashsale.alerts.commands import Command
from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import utc_now
from flashsale.settings import Settings
from flashsale.stores.redis_client import RedisClient

KEY = "action_table"
_OUTCOMES = "action_table_outcomes"
PRESSES_AT_ONCE = 50
"""Of one viewer; what is left waits for the next refresh."""
REMEMBERED_OUTCOMES = 200

log = logging.getLogger("dashboard")

_action_table = st.components.v2.component(
    KEY, html='<div class="fs-table-root"></div>', js=ACTION_TABLE_JS, isolate_styles=False
)


def draw_actions(
    board: Board, reader: RedisClient, settings: Settings, *, chosen: Filters = NO_FILTERS, rows: int | None = None
) -> None:
    """Draw the table with what waits for its alerts, after sending what the viewer pressed since the last refresh.

    `chosen`: the filters that left these rows.  With `rows` it shows as many at most, to be read and not acted on.
    """
    table, sale_id, snapshot_id = board.actions, board.meta["sale_id"], board.meta["snapshot_id"]
    if rows is not None:
        table = replace(table, lines=table.lines[:rows])
    outcomes = _sent(st.session_state.get(KEY), reader, settings, sale_id)
    commands = _pending_commands().read(reader, sale_id, snapshot_id)
    pressed = _action_table(
        key=KEY,
        data=_view(table, commands, ZoneInfo(settings.shop_time_zone))
        | {"outcomes": outcomes, "acts": rows is None, "chosen": str(chosen)},
        on_outbox_change=_noted,
        on_open_change=_noted,
    )
    if pressed.get("open"):
        open_drill_down(pressed["open"], board.names, reader, settings, sale_id)


def _view(table: ActionTable, commands: list[Command], zone: ZoneInfo) -> dict[str, Any]:
    published = {
        line.alert_id: Published(None if line.owner == DASH else line.owner, line.undoable)
        for line in table.lines
        if line.alert_id is not None
    }
    pending = pending_by_alert(commands, published, zone)
    return {
        "title": table.title,
        "more": table.more,
        "lines": [asdict(line) for line in table.lines],
        "pending": {alert_id: asdict(waiting) for alert_id, waiting in pending.items()},
    }


def _sent(state: Mapping[str, Any] | None, reader: RedisClient, settings: Settings, sale_id: str) -> dict[str, Any]:
    """Command id -> {attempt, error}, of what is in the viewer's outbox; each attempt is sent once."""
    outbox = (state or {}).get("outbox") or []
    outcomes: dict[str, Any] = st.session_state.setdefault(_OUTCOMES, {})
    for value in outbox[:PRESSES_AT_ONCE] if isinstance(outbox, list) else []:
        known = outcomes.get(str(value.get("command_id"))) if isinstance(value, Mapping) else None
        if known and (not known["error"] or known["attempt"] >= _attempt(value)):
            continue
        identifier, attempt, error = _try(value, reader, settings, sale_id)
        outcomes[identifier] = {"attempt": attempt, "error": error}
    while len(outcomes) > REMEMBERED_OUTCOMES:
        del outcomes[next(iter(outcomes))]
    waiting = {str(value.get("command_id")) for value in outbox if isinstance(value, Mapping)}
    return {identifier: outcome for identifier, outcome in outcomes.items() if identifier in waiting}


def _try(value: Any, reader: RedisClient, settings: Settings, sale_id: str) -> tuple[str, int, str]:
    identifier, attempt = "", 0
    if isinstance(value, Mapping):
        identifier, attempt = str(value.get("command_id")), _attempt(value)
    try:
        press: Press = press_from(value)
        send(press, reader, _writer(settings), sale_id, utc_now())
    except FlashsaleError as error:
        if not isinstance(error, PressError):
            # A new client next time: the secret may have been written since.
            _writer.clear()
        log.warning("command %s not sent: %s", identifier[:64], one_line(error))
        return identifier, attempt, why_not_sent(error)
    return identifier, attempt, ""


def _attempt(value: Mapping[str, Any]) -> int:
    number = value.get("attempt")
    return number if isinstance(number, int) else 0


def _noted() -> None:
    """The component names its values by their callbacks; the refresh itself reads them."""


@st.cache_resource(show_spinner=False)
def _writer(_settings: Settings) -> RedisClient:
    return connect_commands(_settings)


@st.cache_resource(show_spinner=False)
def _pending_commands() -> PendingCommands:
    return PendingCommands()
