"""Figures of the freshness benchmark from hand-made sightings: a missed minute is never left out."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.freshness_airflow import TaskTimes
from benchmarks.freshness_figures import Minute, figures, minute_of, table
from benchmarks.freshness_watch import Sighting
from flashsale.minutes import MINUTE
from spark_jobs.stage_times import Stages

END = datetime(2026, 11, 11, 9, 1, tzinfo=UTC)


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _minute(number: int, age: float | None) -> Minute:
    return Minute(END + number * MINUTE, age, {"spark": age} if age else {}, complete=True, orders=10, tries=1)


def test_the_split_of_a_minute_by_hand() -> None:
    task = TaskTimes(END + _seconds(0.25), END + _seconds(0.5), tries=1)
    stages = Stages(END + _seconds(0.75), {"watermark": 0.5, "spark": 1.0})
    minute = minute_of(END, Sighting(END, END + _seconds(2.5), True, 700, stages), task)
    assert minute.age == 2.5
    assert dict(minute.split) == {"queued": 0.25, "executor": 0.25, "task_start": 0.25, "watermark": 0.5, "spark": 1.0}


def test_one_of_six_minutes_missed_is_the_worst_of_them() -> None:
    minutes = [_minute(number, age) for number, age in enumerate([2.0, 3.0, None, 1.0, 4.0, 2.5])]
    goals, split = figures(minutes)
    found = {figure.name: figure for figure in goals}
    assert (found["minutes_missed"].value, found["minutes_missed"].verdict) == (1, "short")
    assert (found["freshness_p50"].value, found["freshness_p50"].verdict) == (2.75, "ok")
    assert (found["freshness_p95"].value, found["freshness_p95"].verdict) == (60.0, "short")
    assert [(figure.name, figure.value) for figure in split] == [("split_spark", 2.5)]
    assert "missed" in table(minutes)


def test_the_95th_percentile_of_thirty_is_the_second_worst() -> None:
    goals, _ = figures([_minute(number, float(number + 1)) for number in range(30)])
    assert {figure.name: figure.value for figure in goals}["freshness_p95"] == 29.0


@pytest.mark.parametrize(("seen", "tries"), [(True, 0), (False, 2)])
def test_what_was_not_told_is_left_out_of_the_split_alone(seen: bool, tries: int) -> None:
    sighting = Sighting(END, END + _seconds(2), True, 1, None) if seen else None
    minute = minute_of(END, sighting, TaskTimes(END, END, tries) if tries else None)
    assert (minute.age, dict(minute.split), minute.tries) == (2.0 if seen else None, {}, tries)
