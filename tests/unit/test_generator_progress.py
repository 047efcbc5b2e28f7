"""What a run says of itself: figures from what is acknowledged, and trouble at once."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from flashsale.minutes import iso
from flashsale.sale_run import SaleRun
from generator.running import progress as module
from generator.running.parcels import Acknowledged
from generator.running.progress import Figures, Progress
from generator.running.tellers import JsonLines, LogLines


class _Teller:
    every_seconds = 0.0

    def __init__(self) -> None:
        self.shown: list[Figures] = []
        self.events: list[str] = []
        self.totals: Figures | None = None

    def show(self, figures: Figures) -> None:
        self.shown.append(figures)

    def event(self, name: str, figures: Figures) -> None:
        self.events.append(name)

    def finish(self, totals: Figures) -> None:
        self.totals = totals


START = datetime(2026, 11, 11, tzinfo=UTC)


class _Clock:
    """Stands still until it is told to move: what a busy machine does between two lines is no matter."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def monotonic(self) -> float:
        return self._seconds

    def utc_now(self) -> datetime:
        return START + timedelta(seconds=self._seconds)

    def move(self, seconds: float) -> None:
        self._seconds += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """The clock of what is tested, which looks every time."""
    clock = _Clock()
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "utc_now", clock.utc_now)
    return clock


def _sale(began_seconds_ago: float, seconds: int = 1000) -> SaleRun:
    start = START - timedelta(seconds=began_seconds_ago)
    return SaleRun("a_sale", "demo", "", 1, start, start + timedelta(seconds=seconds))


def _report(shard: int, tick: int, orders: int = 10, events: int = 5, waited: float = 0.0) -> Acknowledged:
    return Acknowledged(shard, tick, orders, events, seconds=waited, waited=waited)


def test_figures_count_what_is_acknowledged_up_to_the_slowest_shard(clock: _Clock) -> None:
    teller, sale = _Teller(), _sale(5000)
    progress = Progress(sale, teller, "MongoDB", writers=2, clock=False)
    progress.begin({0: 9, 1: 11})
    assert not progress.acknowledged(_report(1, 19)), "shard 0 still stands at tick 9"
    assert progress.acknowledged(_report(0, 14))
    progress.look()
    figures = teller.shown[-1]
    assert (figures.tick, figures.ticks, figures.orders, figures.events) == (14, 1000, 20, 10)
    assert figures.event_time == sale.sale_start + timedelta(seconds=15)
    assert figures.lag_seconds is None
    progress.acknowledged(_report(0, 20, orders=7))
    clock.move(0.5)
    progress.finish()
    assert teller.totals is not None
    assert (teller.totals.tick, teller.totals.orders) == (19, 27)
    assert (teller.totals.seconds, teller.totals.orders_per_second) == (0.5, 54.0)


def test_waiting_is_a_share_of_all_writers_time(clock: _Clock) -> None:
    teller = _Teller()
    progress = Progress(_sale(5000), teller, "MongoDB", writers=2, clock=False)
    progress.begin({0: -1})
    clock.move(0.2)
    progress.acknowledged(_report(0, 1, waited=0.2))
    progress.look()
    assert teller.shown[-1].waiting_share == pytest.approx(0.5)


def test_falling_behind_the_clock_and_catching_up_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    teller = _Teller()
    progress = Progress(_sale(20.5), teller, "MongoDB", writers=1, clock=True)
    progress.begin({0: -1})
    with caplog.at_level(logging.INFO, "generator"):
        progress.acknowledged(_report(0, 10))
        for _ in range(3):
            progress.look()
        progress.acknowledged(_report(0, 19))
        for _ in range(3):
            progress.look()
    assert teller.events == ["behind", "caught_up"]
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "10 s behind the clock",
        "caught up with the clock",
    ]
    assert teller.shown[-1].lag_seconds == pytest.approx(0.5)


def test_a_silent_store_is_said_only_while_it_owes_something(caplog: pytest.LogCaptureFixture, clock: _Clock) -> None:
    teller = _Teller()
    progress = Progress(_sale(5000), teller, "MongoDB", writers=1, clock=False)
    progress.begin({0: 4})
    clock.move(6)
    progress.look()
    assert teller.events == [], "nothing was sent to it yet"
    progress.begun(5)
    progress.look()
    assert teller.events == []
    with caplog.at_level(logging.INFO, "generator"):
        clock.move(4.9)
        progress.look()
        assert teller.events == []
        clock.move(0.2)
        progress.look()
        progress.look()
        progress.acknowledged(_report(0, 5))
        progress.look()
    assert teller.events == ["silent", "heard"]
    assert "MongoDB has acknowledged nothing for" in caplog.records[0].message
    assert "MongoDB acknowledges again" in caplog.records[1].message


def test_json_lines_are_one_object_each() -> None:
    stream = io.StringIO()
    sale = _sale(50.2)
    progress = Progress(sale, JsonLines(stream), "MongoDB", writers=1, clock=True)
    progress.begin({0: -1})
    progress.acknowledged(_report(0, 49))
    progress.look()
    progress.finish()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["finished"], "a second has not passed yet"
    (totals,) = lines
    assert totals["event_time"] == iso(sale.sale_start + timedelta(seconds=50))
    assert (totals["tick"], totals["ticks"], totals["orders"], totals["inventory_events"]) == (49, 1000, 10, 5)
    assert totals["documents_per_second"] == pytest.approx(1.5 * totals["orders_per_second"], rel=0.01)
    assert totals["lag_seconds"] == pytest.approx(0.2)
    assert 0 <= totals["waiting_share"] <= 1


def test_a_log_line_tells_rate_lag_and_waiting(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogLines, "every_seconds", 0.0)
    progress = Progress(_sale(50), LogLines(), "MongoDB", writers=1, clock=True)
    progress.begin({0: -1})
    with caplog.at_level(logging.INFO, "generator"):
        progress.acknowledged(_report(0, 49))
        progress.look()
    assert caplog.records[-1].message.startswith("tick 49 of 1000: ")
    assert "lag 0." in caplog.records[-1].message
    assert "% waiting" in caplog.records[-1].message
