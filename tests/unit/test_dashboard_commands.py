"""A press from a browser, which may send anything, becomes a command or one sentence."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.commands import PressError, press_from, why_not_sent
from flashsale.alerts.commands import Command
from flashsale.errors import FlashsaleError, ServiceUnavailableError, SettingsError

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
PRESS: dict[str, Any] = {
    "command_id": "c1",
    "attempt": 1,
    "alert_id": "a1",
    "snapshot_id": "20261111T0907Z-0123abcd",
    "command": "ack",
    "by": "Sana",
    "owner": None,
    "note": None,
    "minutes": None,
}


def test_a_press_becomes_a_command_at_the_server_s_time() -> None:
    press = press_from(PRESS | {"command": "snooze", "minutes": 20, "note": " on\nit "})
    assert press.at(NINE) == Command(
        "c1",
        "a1",
        "snooze",
        "Sana",
        NINE,
        "20261111T0907Z-0123abcd",
        note="on it",
        until=datetime(2026, 11, 11, 9, 20, tzinfo=UTC),
    )
    assert press_from(PRESS | {"command": "in_transit"}).at(NINE).until is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"by": "  "}, "say who you are"),
        ({"by": "x" * 61}, "by must be text of at most 60 characters"),
        ({"by": 7}, "by must be text"),
        ({"note": "x" * 301}, "note must be text of at most 300 characters"),
        ({"command": "assign"}, "assign to whom"),
        ({"command": "assign", "owner": " "}, "assign to whom"),
        ({"command": "snooze"}, "snooze for how long"),
        ({"command": "snooze", "minutes": 0}, "minutes must be 1 to 1,440"),
        ({"command": "in_transit", "minutes": 1441}, "minutes must be 1 to 1,440"),
        ({"command": "in_transit", "minutes": 2.5}, "minutes must be a whole number"),
        ({"command": "in_transit", "minutes": True}, "minutes must be a whole number"),
        ({"command": "delete"}, "a command that does not exist"),
        ({"snapshot_id": "current"}, "without its snapshot"),
        ({"snapshot_id": None}, "without its snapshot"),
        ({"alert_id": ""}, "without its alert"),
        ({"command_id": None}, "without its alert"),
    ],
)
def test_what_is_no_press_is_told_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PressError, match=sentence):
        press_from(PRESS | changes)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(PRESS)), inner),
    max_leaves=12,
)


def is_press_or_sentence(value: Any) -> None:
    sentence = ""
    try:
        press = press_from(value)
        assert press.by
        assert press.alert_id
    except PressError as error:
        sentence = str(error)
    assert "\n" not in sentence


@given(anything)
def test_nothing_a_browser_sends_is_more_than_a_refused_press(value: Any) -> None:
    is_press_or_sentence(value)


@given(st.sampled_from(sorted(PRESS)), anything)
def test_no_field_of_a_press_can_break_the_page(name: str, value: Any) -> None:
    is_press_or_sentence(PRESS | {name: value})


def test_each_failure_has_its_sentence() -> None:
    assert why_not_sent(PressError("Not sent: why.")) == "Not sent: why."
    assert why_not_sent(ServiceUnavailableError("x")) == "Not sent: Redis does not answer."
    assert "secrets" in why_not_sent(SettingsError("x"))
    assert why_not_sent(FlashsaleError("NOPERM")) == "Not sent: Redis refused it; the page's log says why."
