"""What waits for an alert is shown as the KPI job will do it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.pending import Pending, Published, pending_by_alert
from flashsale.alerts.commands import Command, apply
from flashsale.alerts.life import Alert

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Karachi")
OPEN = Alert("a1", 7, 3, 1, NINE, severity="high", raised_severity="high")


def command(name: Any, number: int = 1, by: str = "Sana", **fields: Any) -> Command:
    return Command(f"c{number}", fields.pop("alert_id", "a1"), name, by, NINE, **fields)


def shown(*commands: Command, owner: str | None = None, undoable: bool = False) -> Pending | None:
    return pending_by_alert(commands, {"a1": Published(owner, undoable)}, ZONE).get("a1")


@pytest.mark.parametrize(
    ("given_command", "text", "owner"),
    [
        (command("ack"), "acknowledged", "Sana"),
        (command("assign", owner="Bilal"), "assigned", "Bilal"),
        (command("snooze", until=NINE + timedelta(minutes=20)), "snoozed to 14:20", "Sana"),
        (command("in_transit"), "in transit", "Sana"),
        (command("in_transit", until=NINE + timedelta(minutes=40)), "in transit, due 14:40", "Sana"),
    ],
)
def test_each_command_waits_in_words(given_command: Command, text: str, owner: str) -> None:
    assert shown(given_command) == Pending(text, "Sana", owner, None, undo=True)


def test_an_undo_takes_back_what_waits_and_then_what_is_published() -> None:
    ack, undo = command("ack"), command("undo", 2, by="Bilal")
    assert shown(ack, undo) == Pending("undone", "Bilal", None, None, undo=False)
    assert shown(ack, undo, undoable=True) == Pending("undone", "Bilal", None, None, undo=True)
    assert shown(undo, undoable=True) == Pending("undone", "Bilal", None, None, undo=False)


def test_commands_of_alerts_that_are_not_shown_do_not_show() -> None:
    assert shown(command("ack", alert_id="other")) is None


names = st.sampled_from(["ack", "assign", "snooze", "in_transit", "undo"])


@given(st.lists(st.tuples(names, st.sampled_from(["Sana", "Bilal"])), min_size=1, max_size=8))
def test_the_owner_shown_is_the_owner_there_will_be(sequence: list[tuple[str, str]]) -> None:
    commands = [
        command(
            name,
            number,
            by,
            owner="Hamza" if name == "assign" else None,
            until=NINE + timedelta(minutes=10) if name == "snooze" else None,
        )
        for number, (name, by) in enumerate(sequence)
    ]
    alert = OPEN
    for given_command in commands:
        alert = apply(alert, given_command)
    waiting = shown(*commands)
    assert waiting is not None
    assert waiting.owner == alert.owner
    words = {"acknowledged": "acknowledged", "snoozed": "snoozed to 14:10", "in_transit": "in transit"}
    assert waiting.text == words.get(alert.state, "assigned" if alert.history else "undone")
    assert waiting.undo == bool(alert.history)
