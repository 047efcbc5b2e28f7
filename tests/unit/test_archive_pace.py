"""The archive's pace: a bound on rows a second, and way for the minute that is being worked out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flashsale.minutes import MINUTE
from spark_jobs.archive_pace import GIVE_WAY_SECONDS, Pace

T = datetime(2026, 11, 11, 10, 0, tzinfo=UTC)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def pace(self, rows_per_second: int, published: Callable[[], datetime | None]) -> Pace:
        return Pace(rows_per_second, published, self.now, self.sleep, lambda: self.seconds)


def test_rows_go_by_at_the_stated_rate() -> None:
    clock = Clock(T + timedelta(seconds=30))
    pace = clock.pace(1_000, lambda: T)
    for _ in range(20):
        pace.spend(500)
    assert clock.seconds == pytest.approx(10.0, abs=0.6)


def test_zero_is_no_bound() -> None:
    clock = Clock(T + timedelta(seconds=30))
    clock.pace(0, lambda: T).spend(10**9)
    assert clock.seconds == 0


def test_time_spent_elsewhere_counts_but_is_not_saved_up() -> None:
    clock = Clock(T + timedelta(seconds=20))
    pace = clock.pace(1_000, lambda: T)
    pace.spend(1_000)
    clock.seconds += 10
    before = clock.seconds
    pace.spend(2_000)
    assert clock.seconds - before == pytest.approx(2.0)


def test_it_waits_until_the_minute_is_published() -> None:
    clock = Clock(T + timedelta(seconds=0.5))
    pace = clock.pace(0, lambda: T if clock.seconds > 2 else T - MINUTE)
    pace.spend(1)
    assert clock.seconds == pytest.approx(2.1, abs=0.2)
    assert pace.gave_way_seconds == pytest.approx(clock.seconds)
    pace.spend(1)
    assert clock.seconds == pytest.approx(2.1, abs=0.2), "once a minute"


def test_it_never_waits_longer_than_a_minute_may_take() -> None:
    clock = Clock(T)
    clock.pace(0, lambda: T - MINUTE).spend(1)
    assert clock.seconds == pytest.approx(GIVE_WAY_SECONDS, abs=0.2)


@pytest.mark.parametrize("published", [None, T - 5 * MINUTE, T, T + MINUTE])
def test_it_waits_for_no_engine_that_is_not_at_the_minute(published: datetime | None) -> None:
    clock = Clock(T + timedelta(seconds=1))
    clock.pace(0, lambda: published).spend(1)
    assert clock.seconds == 0


def test_late_in_a_minute_it_asks_nobody() -> None:
    clock = Clock(T + timedelta(seconds=GIVE_WAY_SECONDS + 1))

    def asked() -> datetime:
        raise AssertionError("Redis was asked")

    clock.pace(0, asked).spend(1)
