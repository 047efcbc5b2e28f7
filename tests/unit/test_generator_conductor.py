"""When a tick may begin, and when none begins any more."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flashsale.minutes import utc_now
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from generator.heartbeat import Heartbeat
from generator.running import disk
from generator.running.conductor import Conductor, Verdict, Wait
from generator.running.disk import GB, RELIEF_GB, DiskGuard
from generator.running.options import LONGEST_SAVE_TICKS, Pace, RunOptions
from generator.running.pacing import seconds_until, tick_end
from generator.running.progress import Progress
from generator.running.sale_record import FixedSale
from generator.running.save_schedule import LARGE_STATE_BYTES, SaveSchedule
from generator.running.tellers import LogLines

SETTINGS = Settings(disk_slow_gb=5.0, disk_pause_gb=2.0)


class _Free:
    """Free space that a test sets, in GB."""

    def __init__(self, gb: float) -> None:
        self.gb = gb

    def __call__(self) -> int:
        return int(self.gb * GB)


@pytest.fixture(autouse=True)
def _look_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOOK_SECONDS", 0.0)


def _sale(start: datetime, seconds: int = 100) -> SaleRun:
    return SaleRun("a_sale", "demo", "", 1, start, start + timedelta(seconds=seconds))


def _conductor(
    sale: SaleRun, pace: Pace = "clock", *, max_ticks: int | None = None, free: Callable[[], int] | None = None
) -> Conductor:
    options = RunOptions(pace, max_ticks=max_ticks)
    progress = Progress(sale, LogLines(), "MongoDB", writers=1, clock=pace == "clock")
    guard = DiskGuard(free or _Free(100), SETTINGS, "MongoDB")
    conductor = Conductor(FixedSale(sale), options, guard, progress, Heartbeat(None), threading.Event())
    conductor.begin({0: -1, 1: -1})
    return conductor


def test_at_the_clocks_pace_a_tick_begins_when_it_is_over() -> None:
    conductor = _conductor(_sale(utc_now() - timedelta(seconds=10)))
    assert conductor.decide(9) is Verdict.GO
    verdict = conductor.decide(10)
    assert isinstance(verdict, Wait)
    assert 0 < verdict.seconds <= 1


def test_nothing_begins_before_the_start() -> None:
    verdict = _conductor(_sale(utc_now() + timedelta(hours=1))).decide(0)
    assert verdict == Wait(1.0)


def test_a_tick_waits_for_its_end_to_the_millisecond() -> None:
    start = utc_now()
    due = tick_end(start, 4)
    assert due == start + timedelta(seconds=5)
    before = due - timedelta(milliseconds=1)
    assert seconds_until("clock", due, before) == pytest.approx(0.001)
    assert seconds_until("clock", due, due) == 0
    assert seconds_until("catch-up", due, before) is None
    assert seconds_until("catch-up", due, due) == 0
    assert seconds_until("max", due, start - timedelta(days=1)) == 0


def test_catching_up_stops_at_the_present() -> None:
    conductor = _conductor(_sale(utc_now() - timedelta(seconds=10)), "catch-up")
    assert conductor.decide(9) is Verdict.GO
    assert conductor.decide(10) is Verdict.STOP
    assert not conductor.is_over


@pytest.mark.parametrize("pace", ["clock", "max", "catch-up"])
def test_the_last_tick_of_the_sale_is_the_last(pace: Pace) -> None:
    conductor = _conductor(_sale(utc_now() - timedelta(hours=1)), pace)
    assert conductor.decide(99) is Verdict.GO
    assert conductor.decide(100) is Verdict.STOP
    assert conductor.is_over


def test_a_run_may_be_limited_and_can_be_stopped() -> None:
    conductor = _conductor(_sale(utc_now() - timedelta(hours=1)), "max", max_ticks=3)
    conductor.begin({0: 6, 1: 4})
    assert conductor.decide(7) is Verdict.GO
    assert conductor.decide(8) is Verdict.STOP
    assert not conductor.is_over
    conductor.stop.set()
    assert conductor.decide(5) is Verdict.STOP


def test_ticks_that_are_stored_already_wait_for_nothing() -> None:
    free = _Free(0)
    conductor = _conductor(_sale(utc_now() - timedelta(hours=1)), free=free)
    conductor.begin({0: 20, 1: 30})
    assert conductor.decide(20) is Verdict.GO
    assert isinstance(conductor.decide(21), Wait)


def test_a_full_disk_pauses_a_fuller_one_slows_and_each_is_said_once(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    free = _Free(6.0)
    conductor = _conductor(_sale(utc_now() - timedelta(hours=1)), "max", free=free)
    with caplog.at_level(logging.INFO, "generator"):
        seen = []
        for gb in (6.0, 4.9, 4.0, 5.1, 5.0 + RELIEF_GB, 1.9, 2.1, 2.0 + RELIEF_GB, 9.0):
            free.gb = gb
            seen.append((gb, conductor.decide(3) is Verdict.GO, conductor.slow))
    assert seen == [
        (6.0, True, False),
        (4.9, True, True),
        (4.0, True, True),
        (5.1, True, True),
        (5.0 + RELIEF_GB, True, False),
        (1.9, False, False),
        (2.1, False, False),
        (2.0 + RELIEF_GB, True, True),
        (9.0, True, False),
    ]
    told = [record.message for record in caplog.records if "disk" in record.message]
    assert [text.split(":")[0] for text in told] == [
        "the disk of MongoDB has 4.9 GB free, needed are 5.0 GB",
        "the disk of MongoDB has 5.2 GB free again",
        "the disk of MongoDB has 1.9 GB free, needed are 2.0 GB",
        "the disk of MongoDB has 2.2 GB free, needed are 5.0 GB",
        "the disk of MongoDB has 9.0 GB free again",
    ]


def test_saved_states_share_their_ticks_and_large_ones_are_saved_less_often() -> None:
    schedule = SaveSchedule(10)
    assert [tick for tick in range(40) if schedule.is_due(tick)] == [9, 19, 29, 39]
    schedule.saved(LARGE_STATE_BYTES + 1)
    twice = {tick for tick in range(2000) if schedule.is_due(tick)}
    assert min(twice) == 19
    schedule.saved(1 << 40)
    rarely = sorted(tick for tick in range(2000) if schedule.is_due(tick))
    assert set(rarely) <= twice, "shards whose states differ in size must still meet"
    assert 0 < rarely[1] - rarely[0] <= LONGEST_SAVE_TICKS
    schedule.saved(10)
    assert schedule.is_due(9)
