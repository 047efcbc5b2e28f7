"""A run's stages add up to its time, and its line is read back as it was written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.stage_times import StageTimes, read_stages, stages_line

BEGAN = datetime(2026, 11, 11, 9, 1, 0, 512_000, tzinfo=UTC)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
MILLISECONDS = st.integers(0, 10_000_000)


def test_a_stage_lasts_from_the_mark_before_it_and_a_repeated_one_adds_up() -> None:
    moments = iter([100.0, 100.25, 101.75, 102.0, 104.0])
    stages = StageTimes.start(clock=lambda: next(moments))
    for name in ("watermark", "rollups", "passes", "rollups"):
        stages.mark(name)
    assert list(stages.seconds.items()) == [("watermark", 0.25), ("rollups", 3.5), ("passes", 0.25)]
    assert sum(stages.seconds.values()) == 4.0


def test_the_line_by_hand() -> None:
    line = stages_line(BEGAN, {"watermark": 0.1041, "spark": 1.4})
    assert line == "began 2026-11-11T09:01:00.512Z: watermark 0.104 s, spark 1.400 s"


@given(st.dictionaries(NAMES, MILLISECONDS, min_size=1), MILLISECONDS)
def test_a_line_is_read_back_inside_any_report(milliseconds: dict[str, int], offset: int) -> None:
    seconds = {name: value / 1000 for name, value in milliseconds.items()}
    told = read_stages(f"published x: 3 orders, {offset / 1000:.2f} s; {stages_line(BEGAN, seconds)}; and so on, 2.5 s")
    assert told is not None
    assert told.began == BEGAN
    assert list(told.seconds.items()) == list(seconds.items())


@pytest.mark.parametrize("text", ["", "published x: 3 orders, 1.00 s", "began 2026-11-11T09:01:00.512Z: ", "spark 1 s"])
def test_a_report_without_stages_tells_none(text: str) -> None:
    assert read_stages(text) is None


@pytest.mark.parametrize("name", ["", "Spark", "two words", "a,b"])
def test_a_name_that_could_not_be_read_back_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a-z"):
        StageTimes.start().mark(name)


def test_a_line_without_a_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="no stage"):
        StageTimes.start().line()
