"""A worker simulates its shards tick by tick and hands each tick over once; where that goes is not its affair."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from generator.running.exchange import Go, totals_of
from generator.running.options import Batching, RunOptions
from generator.running.parcels import AckedTicks, Acknowledged, Parcel
from generator.running.sinks import Resume
from generator.running.worker import Worker
from generator.shard_state import Aggregate, ShardState, TickFacts
from generator.simulation import opening_state
from generator.world import World, open_worlds
from tests.support.scenarios import SMALL
from tests.support.timed_writes import TimedWrites

TICKS = 40


class _Exchange:
    """Lets all shards run for some ticks."""

    def __init__(self, ticks: int = TICKS, slow: bool = False) -> None:
        self._ticks, self._slow = ticks, slow
        self.acked: dict[int, int] = {}
        self.reports: list[Acknowledged] = []

    def begin(self, saved: int, acked: AckedTicks) -> int:
        self.acked = dict(acked)
        return saved + 1

    def totals(self, tick: int, aggregates: Mapping[int, Aggregate]) -> Go | None:
        return Go(totals_of(aggregates), self._slow) if tick < self._ticks else None

    def acknowledged(self, report: Acknowledged) -> None:
        self.reports.append(report)

    def idle(self) -> None:
        """Nothing else to do."""


class _Sink:
    """Remembers what it stores, a write taking some seconds; goes on from `points`, the opening by default."""

    keeps_states = True

    def __init__(self, points: Mapping[int, Resume] | None = None, seconds: float = 0.0) -> None:
        self._points, self.timed = dict(points or {}), TimedWrites(seconds)
        self.stored: dict[int, list[Parcel]] = {}
        self.finished: dict[int, ShardState] = {}

    def resume(self, world: World) -> Resume:
        self.stored[world.shard] = []
        return self._points.get(world.shard, Resume(opening_state(world), -1))

    def pack(self, world: World, facts: TickFacts) -> Parcel:
        return Parcel(facts.tick, len(facts.orders.ts), len(facts.inventory.ts), size=1, content=facts)

    def write(self, shard: int, parcels: Sequence[Parcel]) -> None:
        self.timed.write()
        self.stored[shard] += parcels

    def finish(self, shard: int, state: ShardState) -> None:
        self.finished[shard] = state

    def ticks(self, shard: int) -> list[int]:
        return [parcel.tick for parcel in self.stored[shard]]

    def orders(self, shard: int) -> list[list[int]]:
        return [parcel.content.orders.order_id.tolist() for parcel in self.stored[shard]]


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    start = datetime(2026, 11, 11, tzinfo=UTC)
    sale = SaleRun("a_sale", "test_small", SMALL, 7, start, start + timedelta(minutes=10))
    return open_worlds(parse_scenario(SMALL, "of the test"), sale)


def _run(worlds: list[World], sink: _Sink, exchange: _Exchange, batching: Batching | None = None) -> None:
    Worker(worlds, sink, exchange, RunOptions("max", batching=batching or Batching())).run()


def test_every_tick_is_handed_over_and_reported_and_the_last_state_kept(worlds: list[World]) -> None:
    sink, exchange = _Sink(), _Exchange()
    _run(worlds, sink, exchange)
    assert exchange.acked == {0: -1, 1: -1}
    for shard in (0, 1):
        assert sink.ticks(shard) == list(range(TICKS))
        assert sink.finished[shard].tick == TICKS - 1
        reports = [report for report in exchange.reports if report.shard == shard]
        assert reports[-1].tick == TICKS - 1
        assert sum(report.orders for report in reports) == sum(map(len, sink.orders(shard))) > 0


def test_what_is_stored_already_is_simulated_again_and_not_handed_over(worlds: list[World]) -> None:
    whole = _Sink()
    _run(worlds, whole, _Exchange())
    early, late = _Sink(), _Sink()
    _run(worlds, early, _Exchange(10))
    _run(worlds, late, _Exchange(25))
    # One shard's state is of tick 9 and its facts are stored up to 17; the other is at tick 24.
    sink = _Sink({0: Resume(early.finished[0], 17), 1: Resume(late.finished[1], 24)})
    exchange = _Exchange()
    _run(worlds, sink, exchange)
    assert exchange.acked == {0: 17, 1: 24}
    assert sink.ticks(0) == list(range(18, TICKS))
    assert sink.ticks(1) == list(range(25, TICKS))
    assert sink.orders(0) == whole.orders(0)[18:]
    assert sink.orders(1) == whole.orders(1)[25:]


def test_a_state_that_is_older_than_what_is_stored_is_not_kept_as_the_last(worlds: list[World]) -> None:
    """Told to stop while it is still on its way to where the run before it stopped."""
    early = _Sink()
    _run(worlds, early, _Exchange(10))
    sink = _Sink({shard: Resume(early.finished[shard], 30) for shard in (0, 1)})
    _run(worlds, sink, _Exchange(20))
    assert sink.stored == {0: [], 1: []}
    assert sink.finished == {}


def test_a_worker_that_is_told_to_writes_half_of_the_time_only(worlds: list[World]) -> None:
    one_by_one = Batching(write_ticks=1, queue_ticks=2)
    rests = {}
    for slow in (False, True):
        sink = _Sink(seconds=0.02)
        _run(worlds, sink, _Exchange(slow=slow), one_by_one)
        # The first may be written before the word to go slowly has come, the last when all is said.
        rests[slow] = sink.timed.rests()[2:-4]
        assert len(rests[slow]) > TICKS
    assert min(rests[True]) > 0.95
    assert min(rests[False]) < 0.5
