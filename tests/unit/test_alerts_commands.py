"""What people do with an alert: once each, undone exactly, and never the end of a minute."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsale.alerts.commands import HISTORY, Command, CommandError, apply, apply_all, command_from, fields_of
from flashsale.alerts.life import Alert, AlertBook

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
LATER = NINE + timedelta(minutes=20)
OPEN = Alert("a1", 7, 3, 1, NINE, severity="high", raised_severity="high")
MEMORY = {"history", "applied", "collapsed"}


def command(name: Any, number: int = 1, **changes: Any) -> Command:
    until = LATER if name == "snooze" else None
    owner = "Bilal" if name == "assign" else None
    values = {"until": until, "owner": owner, **changes}
    return Command(f"c{number}", changes.pop("alert_id", "a1"), name, "Sana", NINE, **{
        key: value for key, value in values.items() if key != "alert_id"})  # fmt: skip


def visible(alert: Alert) -> dict[str, Any]:
    return {field.name: getattr(alert, field.name) for field in fields(Alert) if field.name not in MEMORY}


names = st.sampled_from(["ack", "assign", "snooze", "in_transit"])


@pytest.mark.parametrize(
    ("name", "state", "owner", "until"),
    [
        ("ack", "acknowledged", "Sana", None),
        ("assign", "open", "Bilal", None),
        ("snooze", "snoozed", "Sana", LATER),
        ("in_transit", "in_transit", "Sana", None),
    ],
)
def test_each_command_does_its_own(name: str, state: str, owner: str, until: datetime | None) -> None:
    alert = apply(OPEN, command(name, note="on it"))
    assert (alert.state, alert.owner, alert.until, alert.note) == (state, owner, until, "on it")
    assert alert.handled_severity == (None if name == "assign" else "high")


@settings(max_examples=200, deadline=None)
@given(st.lists(names, min_size=1, max_size=HISTORY), st.integers(1, HISTORY))
def test_undo_takes_back_one_command_after_the_other(sequence: list[str], undone: int) -> None:
    states = [OPEN]
    for number, name in enumerate(sequence):
        states.append(apply(states[-1], command(name, number, owner=f"owner {number}", note=f"note {number}")))
    undone = min(undone, len(sequence))
    alert = states[-1]
    for number in range(undone):
        alert = apply(alert, command("undo", 100 + number))
    assert visible(alert) == visible(states[len(sequence) - undone])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ack", "assign", "snooze", "in_transit", "undo"]), st.integers(1, 6))))
def test_a_command_id_counts_once_however_often_it_comes(stream: list[tuple[str, int]]) -> None:
    first = {number: name for name, number in reversed(stream)}
    unique = [command(first[number], number) for number in dict.fromkeys(number for _, number in stream)]
    repeated = [command(first[number], number) for _, number in stream]
    # What was refused is not remembered: it is refused again, or done when it makes sense by then.
    unique = [c for c in unique if c.command != "undo"]
    repeated = [c for c in repeated if c.command != "undo"]
    book = AlertBook({OPEN.pair: OPEN})
    assert apply_all(book, unique).changed == apply_all(book, repeated).changed


def test_an_undo_that_comes_twice_takes_back_one_command() -> None:
    alert = apply(apply(OPEN, command("ack", 1)), command("snooze", 2))
    undo = command("undo", 3)
    assert visible(apply(apply(alert, undo), undo)) == visible(apply(OPEN, command("ack", 1)))


def test_undo_of_a_command_whose_alert_rang_again_restores_what_was_before_it() -> None:
    acknowledged = apply(OPEN, command("ack"))
    rung = replace(acknowledged, state="open", reraised_at=LATER)
    assert apply(rung, command("undo", 2)).state == "open"
    assert apply(rung, command("undo", 2)).owner is None


@pytest.mark.parametrize(
    ("changes", "wanted", "why"),
    [
        ({}, command("ack", alert_id="zz"), "no alert zz in this sale"),
        ({"state": "resolved"}, command("ack"), "alert a1 is resolved"),
        ({"state": "pending"}, command("ack"), "alert a1 is not raised"),
        ({}, command("undo"), "alert a1 has nothing to undo"),
        ({}, command("assign", owner=None), "assign needs an owner"),
        ({}, command("snooze", until=None), "snooze needs until"),
        ({}, command("snooze", until=NINE), "until must be after 2026-11-11T09:00:00.000Z"),
        ({}, command("in_transit", until=NINE), "until must be after"),
    ],
)
def test_what_cannot_be_done_is_told_and_the_rest_is_done(changes: Any, wanted: Command, why: str) -> None:
    alert = replace(OPEN, **changes)
    other = Alert("b2", 8, 3, 1, NINE)
    done = apply_all(AlertBook({alert.pair: alert, other.pair: other}), [wanted, command("ack", 9, alert_id="b2")])
    ((refused, reason),) = done.refused
    assert refused == wanted
    assert why in reason
    assert [(a.alert_id, a.state) for a in done.changed] == [("b2", "acknowledged")]


def test_an_alerts_memory_is_bounded() -> None:
    alert = OPEN
    for number in range(20 * HISTORY):
        alert = apply(alert, command("ack", number))
    assert len(alert.history) == HISTORY
    assert len(alert.applied) == 5 * HISTORY


FIELDS = {
    "command_id": "c1",
    "alert_id": "a1",
    "command": "snooze",
    "by": "Sana",
    "at": "2026-11-11T09:00:00Z",
    "until": "2026-11-11T14:20:00+05:00",
    "owner": "",
    "note": "",
    "snapshot_id": "x",
}


def test_a_stream_entry_becomes_a_command_in_utc() -> None:
    assert command_from(FIELDS) == Command("c1", "a1", "snooze", "Sana", NINE, snapshot_id="x", until=LATER)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at": ""}, "alert command c1: at is missing"),
        ({"command": "delete"}, "alert command c1: command must be one of ack, assign, snooze, in_transit, undo"),
        ({"until": "tomorrow"}, "alert command c1: until must be a time in ISO 8601, got 'tomorrow'"),
        ({"note": "x" * 501}, "alert command c1: note must have at most 500 characters, got 501"),
        ({"command_id": ""}, "alert command (no id): command_id is missing"),
    ],
)
def test_a_strange_entry_is_one_line(changes: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError) as raised:
        command_from({**FIELDS, **changes})
    assert str(raised.value).startswith(message)


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)


@given(
    st.builds(
        Command,
        texts,
        texts,
        st.sampled_from(["ack", "assign", "snooze", "in_transit", "undo"]),
        texts,
        moments,
        st.none() | texts,
        st.none() | texts,
        st.none() | texts,
        st.none() | moments,
    )
)
def test_a_command_survives_the_stream_unchanged(given_command: Command) -> None:
    assert command_from(fields_of(given_command)) == given_command


def test_what_a_command_lacks_is_not_in_its_entry() -> None:
    assert fields_of(Command("c1", "a1", "ack", "Sana", NINE)).keys() == {
        "command_id",
        "alert_id",
        "command",
        "by",
        "at",
    }
