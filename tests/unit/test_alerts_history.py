"""What the dialog tells of an alert's life is what was done to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flashsale.alerts.commands import Command, apply
from flashsale.alerts.history import alert_history
from flashsale.alerts.life import Alert

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
OPEN = Alert("a1", 7, 3, 1, NINE, state="open", severity="high")


def after(*commands: tuple[Any, ...]) -> Alert:
    alert = OPEN
    for number, (name, by, fields) in enumerate(commands, 1):
        alert = apply(alert, Command(f"c{number}", "a1", name, by, NINE + timedelta(minutes=number), **fields))
    return alert


def told(alert: Alert) -> list[tuple[Any, ...]]:
    return [(row["at"][11:16], row["event"], row["by"], row["owner"], row["note"]) for row in alert_history(alert)]


def test_every_command_that_stands_is_told_with_what_it_changed() -> None:
    alert = after(
        ("ack", "Sana", {"note": "calling Multan"}),
        ("assign", "Sana", {"owner": "Bilal"}),
        ("snooze", "Bilal", {"until": NINE + timedelta(minutes=30)}),
    )
    assert told(alert) == [
        ("09:00", "raised", None, None, None),
        ("09:01", "ack", "Sana", "Sana", "calling Multan"),
        ("09:02", "assign", "Sana", "Bilal", None),
        ("09:03", "snooze", "Bilal", None, None),
    ]
    assert alert_history(alert)[-1]["until"] == "2026-11-11T09:30:00.000Z"


def test_what_was_undone_is_not_told() -> None:
    alert = after(("ack", "Sana", {}), ("undo", "Sana", {}))
    assert [event for _, event, *_ in told(alert)] == ["raised"]


def test_ringing_again_is_told_with_its_cause() -> None:
    alert = replace(after(("ack", "Sana", {})), reraised_at=NINE + timedelta(minutes=5), reraised_because="worse")
    assert alert_history(alert)[-1]["because"] == "worse"


def test_an_alert_that_is_not_raised_or_over_has_no_history() -> None:
    assert alert_history(None) == []
    assert alert_history(replace(OPEN, state="pending")) == []
    assert alert_history(replace(OPEN, state="resolved")) == []
