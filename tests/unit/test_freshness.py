from datetime import UTC, datetime, timedelta

import pytest

from flashsale.freshness import data_through, freshness, writer_is_behind
from flashsale.minutes import iso
from flashsale.settings import load_settings

SETTINGS = load_settings()
END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)


def meta(watermark: datetime | None = END + timedelta(seconds=1), end: datetime = END):
    return {"data_interval_end": iso(end), "watermark": iso(watermark) if watermark else None}


def sale(phase: str, end: datetime):
    return {"phase": phase, "sale_end": iso(end)}


@pytest.mark.parametrize(
    ("age", "state"), [(0, "live"), (90, "live"), (90.001, "late"), (180, "late"), (180.001, "stale"), (1860, "stale")]
)
def test_state_follows_the_age(age, state):
    fresh = freshness(meta(), None, END + timedelta(seconds=age), SETTINGS)
    assert (fresh.state, fresh.age_seconds) == (state, age)


def test_age_counts_from_the_watermark_when_orders_lag_behind_the_minute():
    lagging = meta(END - timedelta(seconds=200))
    assert data_through(lagging) == END - timedelta(seconds=200)
    assert freshness(lagging, None, END + timedelta(seconds=5), SETTINGS).state == "stale"


def test_age_counts_from_the_end_of_the_minute_when_the_watermark_is_ahead_or_unknown():
    assert data_through(meta(END + timedelta(minutes=3))) == END
    assert data_through(meta(None)) == END


def test_a_clock_behind_the_data_gives_age_zero_not_a_negative_one():
    assert freshness(meta(), None, END - timedelta(seconds=7), SETTINGS).age_seconds == 0


def test_figures_that_reach_the_end_of_an_ended_sale_are_final_not_stale():
    later = END + timedelta(days=1)
    assert freshness(meta(), sale("ended", END), later, SETTINGS).state == "final"
    assert freshness(meta(), sale("ended", END + timedelta(minutes=1)), later, SETTINGS).state == "stale"
    assert freshness(meta(), sale("live", END), later, SETTINGS).state == "stale"


def test_writer_is_behind_only_beyond_the_usual_lag():
    assert writer_is_behind(meta(END - timedelta(seconds=121)))
    assert not writer_is_behind(meta(END - timedelta(seconds=119)))
    assert not writer_is_behind(meta(None))
