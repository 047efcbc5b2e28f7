"""Quiet hours by the shop's clock, and what makes a flood; what a digest says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flashsale.errors import SettingsError
from flashsale.settings import Settings, load_settings
from notifier.digest import digest_message
from notifier.holding import Hold, holds, quiet_until
from notifier.message import Message

NOON = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
KARACHI = ZoneInfo("Asia/Karachi")


def _message(number: int, **changes: Any) -> Message:
    values = {"severity": "high", "urgent": False, "kind": "alert", **changes}
    return Message(
        key=f"m{number}", section="high", subject=f"HIGH: product {number}", body="", born_at=NOON,
        alert_id=f"a{number}", **values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "utc", "end"),
    [
        ("23:00-07:00", "17:59", None),  # 22:59 in Karachi
        ("23:00-07:00", "18:00", "2026-11-12T02:00"),
        ("23:00-07:00", "01:59", "2026-11-11T02:00"),
        ("23:00-07:00", "02:00", None),
        ("12:00-13:30", "07:00", "2026-11-11T08:30"),
        ("12:00-13:30", "08:30", None),
        ("00:00-00:00", "19:00", None),
        ("", "18:00", None),
    ],
)
def test_quiet_hours_follow_the_shops_clock(hours: str, utc: str, end: str | None) -> None:
    settings = Settings(notify_quiet_hours=hours, shop_time_zone="Asia/Karachi")
    now = datetime.fromisoformat(f"2026-11-11T{utc}").replace(tzinfo=UTC)
    expected = None if end is None else datetime.fromisoformat(end).replace(tzinfo=UTC)
    assert quiet_until(settings, now) == expected


def test_quiet_hours_keep_their_clock_when_the_clocks_change() -> None:
    settings = Settings(notify_quiet_hours="23:00-07:00", shop_time_zone="Europe/Berlin")
    night_of_change = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # 00:00 summer time; 07:00 is winter time
    assert quiet_until(settings, night_of_change) == datetime(2026, 10, 25, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("hours", ["23-7", "24:00-07:00", "23:00", "23:60-07:00"])
def test_wrong_quiet_hours_stop_the_start(hours: str) -> None:
    with pytest.raises(SettingsError, match="FLASHSALE_NOTIFY_QUIET_HOURS"):
        load_settings(notify_quiet_hours=hours)


def test_urgent_messages_go_through_quiet_hours_unless_told_otherwise() -> None:
    messages = [_message(1), _message(2, urgent=True)]
    settings = Settings(notify_quiet_hours="16:00-18:00")
    end = datetime(2026, 11, 11, 13, 0, tzinfo=UTC)
    assert holds(messages, 0, None, NOON, settings) == [Hold("quiet", end), None]
    strict = settings.model_copy(update={"notify_quiet_holds_urgent": True})
    assert holds(messages, 0, None, NOON, strict) == [Hold("quiet", end)] * 2


def test_more_messages_than_the_limit_are_a_flood_and_digests_keep_their_distance() -> None:
    settings = Settings(notify_flood_messages=3, notify_flood_minutes=5)
    three = [_message(n) for n in range(3)]
    assert holds(three, 0, None, NOON, settings) == [None] * 3
    assert holds(three, 1, None, NOON, settings) == [Hold("flood", NOON)] * 3
    earlier = NOON - timedelta(minutes=2)
    assert holds(three, 1, earlier, NOON, settings) == [Hold("flood", earlier + timedelta(minutes=5))] * 3


def test_urgent_fault_of_the_pipeline_is_in_no_digest_of_a_flood() -> None:
    stale = _message(9, kind="fault", urgent=True)
    settings = Settings(notify_flood_messages=1)
    assert holds([_message(1), _message(2), stale], 0, None, NOON, settings) == [
        Hold("flood", NOON),
        Hold("flood", NOON),
        None,
    ]


def test_digest_counts_by_severity_and_names_the_worst_first() -> None:
    members = [_message(n) for n in range(40)] + [_message(99, severity="sold_out"), _message(98, severity="critical")]
    digest = digest_message(members, "flood", NOON, KARACHI)
    assert digest.subject == "42 messages: 1 sold out, 1 critical, 40 high"
    lines = digest.body.splitlines()
    assert [line for line in lines if line.startswith("- ")][:2] == ["- HIGH: product 99", "- HIGH: product 98"]
    assert "… and 12 more" in lines
    assert digest.key == digest_message(list(reversed(members)), "flood", NOON + timedelta(1), KARACHI).key
