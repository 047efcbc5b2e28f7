"""A replay's clock: N times as fast as the clock on the wall, and both meet at the end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.importing.command import _speed
from generator.importing.pace import AtOnce, Times, start_of_replay

NOW = datetime(2026, 11, 11, 9, 0, 0, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("speed", "minutes_back"), [(1, 0), (2, 90), (60, 177), (1000, 179.82)])
def test_the_clocks_meet_at_the_end(speed: float, minutes_back: float) -> None:
    length = timedelta(hours=3)
    start = start_of_replay(speed, NOW, length)
    assert timedelta(0) <= start - (NOW - timedelta(minutes=minutes_back)) < SECOND
    pace = Times(speed, start, start + length)
    end = start + length
    assert timedelta(0) <= end - (NOW + length / speed) < SECOND
    assert pace.ticks_due(end - timedelta(milliseconds=10)) < 10_800
    assert pace.ticks_due(end) == pace.ticks_due(end + timedelta(days=1)) == 10_800
    half_way = end - length / speed / 2
    assert pace.ticks_due(half_way) == 5_400


@given(st.floats(1, 1e6), st.integers(1, 604_800), st.floats(0, 1))
def test_no_second_is_stored_before_it_is_over(speed: float, seconds: int, share: float) -> None:
    start = start_of_replay(speed, NOW, seconds * SECOND)
    pace = Times(speed, start, start + seconds * SECOND)
    now = NOW + share * (pace.sale_end - NOW)
    due = pace.ticks_due(now)
    assert start + due * SECOND <= now + timedelta(microseconds=seconds)
    if due < seconds:
        wait = pace.seconds_until(max(due, 0), now)
        assert wait >= 0
        assert pace.ticks_due(now + timedelta(seconds=wait, milliseconds=2)) > due


def test_at_once_everything_is_due() -> None:
    assert AtOnce().ticks_due(NOW) > 1 << 24
    assert AtOnce().seconds_until(5, NOW) == 0


@pytest.mark.parametrize("text", ["0.5", "0", "-1", "nan", "inf", "fast", ""])
def test_a_speed_below_the_original_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="must be max or a number of at least 1"):
        _speed(text)
    assert _speed("max") is None
    assert _speed("1") == 1.0
