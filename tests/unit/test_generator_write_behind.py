"""The queue between simulation and store: bounded, in order, in large writes, and honest about failures."""

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

import pytest

from generator.running.options import Batching
from generator.running.parcels import Parcel
from generator.running.write_behind import WriteBehind
from tests.support.timed_writes import TimedWrites


def _parcel(tick: int, size: int = 10) -> Parcel:
    return Parcel(tick, orders=1, events=0, size=size, content=None)


class _Store:
    """Remembers what it was given; `gate` holds it back, `speed` is seconds for a write."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.writes: list[tuple[int, list[int]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._seconds = seconds

    def write(self, shard: int, parcels: list[Parcel]) -> None:
        self.gate.wait()
        time.sleep(self._seconds)
        self.writes.append((shard, [parcel.tick for parcel in parcels]))

    def ticks(self, shard: int) -> list[int]:
        return [tick for of, ticks in self.writes if of == shard for tick in ticks]


def _put_all(behind: WriteBehind, ticks: Iterable[int]) -> None:
    for tick in ticks:
        behind.put(0, _parcel(tick), _idle)


def _idle() -> None:
    """Nothing else to do."""


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize(
    "batching", [Batching(), Batching(write_ticks=1), Batching(queue_bytes=25), Batching(5, 3, 30, 4)]
)
def test_every_tick_of_every_shard_is_written_once_and_in_order(patient: bool, batching: Batching) -> None:
    store = _Store()
    behind = WriteBehind(store.write, (0, 1, 2), batching, patient=patient)
    for tick in range(200):
        for shard in (0, 1, 2):
            behind.put(shard, _parcel(tick), _idle)
    behind.close(_idle)
    for shard in (0, 1, 2):
        assert store.ticks(shard) == list(range(200))
    assert max(len(ticks) for _, ticks in store.writes) <= batching.write_ticks


def test_what_is_not_acknowledged_never_exceeds_the_bounds() -> None:
    store = _Store()
    asked: list[int] = []
    store.gate.clear()
    behind = WriteBehind(store.write, (0,), Batching(queue_bytes=100), patient=False)

    def put_all() -> None:
        for tick in range(50):
            behind.put(0, _parcel(tick), partial(asked.append, tick))
        behind.close(_idle)

    thread = threading.Thread(target=put_all, daemon=True)
    thread.start()
    _until(lambda: bool(asked))
    assert set(asked) == {10}, "the eleventh tick of ten bytes must wait, and its sender be let do something else"
    store.gate.set()
    thread.join(60)
    assert store.ticks(0) == list(range(50))


def test_ticks_of_one_shard_are_bounded_however_small() -> None:
    store, stuck = _Store(), threading.Event()
    store.gate.clear()
    behind = WriteBehind(store.write, (0,), Batching(queue_ticks=7), patient=False)
    sent = []

    def put_all() -> None:
        for tick in range(20):
            behind.put(0, _parcel(tick, size=0), stuck.set)
            sent.append(tick)
        behind.close(_idle)

    thread = threading.Thread(target=put_all, daemon=True)
    thread.start()
    _until(stuck.is_set)
    # Those in the writer's hands count as well: so far may the shards' saved states lie apart.
    assert len(sent) == 7
    store.gate.set()
    thread.join(60)
    assert store.ticks(0) == list(range(20))


def test_a_patient_queue_writes_large_batches_and_an_impatient_one_at_once() -> None:
    patient = _Store()
    behind = WriteBehind(patient.write, (0, 1), Batching(), patient=True)
    for tick in range(40):
        for shard in (0, 1):
            behind.put(shard, _parcel(tick), _idle)
    time.sleep(0.1)
    assert patient.writes == [], "half a queue should have gathered first"
    behind.close(_idle)
    assert [len(ticks) for _, ticks in patient.writes] == [40, 40]

    quick = _Store()
    behind = WriteBehind(quick.write, (0,), Batching(), patient=False)
    for tick in range(3):
        behind.put(0, _parcel(tick), _idle)
        _until(lambda: quick.ticks(0) == list(range(tick + 1)))  # noqa: B023 - called at once
    behind.close(_idle)


def test_the_shard_that_is_furthest_behind_is_written_first() -> None:
    store = _Store()
    store.gate.clear()
    behind = WriteBehind(store.write, (0, 1), Batching(write_ticks=5), patient=False)
    for tick in range(10):
        behind.put(0, _parcel(tick), _idle)
    for tick in range(10):
        behind.put(1, _parcel(tick), _idle)
    store.gate.set()
    behind.close(_idle)
    first = next(index for index, (shard, _) in enumerate(store.writes) if shard == 1)
    assert sum(len(ticks) for _, ticks in store.writes[:first]) <= 6, "shard 0 must not be written to its end first"


def test_a_parcel_larger_than_the_queue_passes_alone() -> None:
    store = _Store()
    behind = WriteBehind(store.write, (0,), Batching(queue_bytes=50), patient=True)
    for tick in range(5):
        behind.put(0, _parcel(tick, size=1000), _idle)
    behind.close(_idle)
    assert store.ticks(0) == list(range(5))


def test_a_failure_reaches_whoever_puts_or_closes_and_nothing_more_is_written() -> None:
    calls = []

    def fail(shard: int, parcels: list[Parcel]) -> None:
        calls.append(shard)
        raise OSError("the disk is gone")

    behind = WriteBehind(fail, (0,), Batching(queue_ticks=2), patient=False)
    behind.put(0, _parcel(0), _idle)
    _until(lambda: calls == [0])
    with pytest.raises(OSError, match="the disk is gone"):
        _put_all(behind, range(1, 10))
    with pytest.raises(OSError, match="the disk is gone"):
        behind.close(_idle)
    assert calls == [0]


def test_what_is_abandoned_is_not_written() -> None:
    store = _Store()
    behind = WriteBehind(store.write, (0,), Batching(), patient=True)
    for tick in range(10):
        behind.put(0, _parcel(tick), _idle)
    behind.abandon()
    assert store.writes == []


def test_a_slow_one_rests_as_long_as_it_writes_but_not_at_the_end() -> None:
    def rests(slow: bool) -> tuple[list[float], list[float]]:
        """After the writes that were over when the last tick was put in, and after those at the end."""
        store, timed = _Store(), TimedWrites(0.02)

        def write(shard: int, parcels: list[Parcel]) -> None:
            timed.write()
            store.write(shard, parcels)

        behind = WriteBehind(write, (0,), Batching(write_ticks=1, queue_ticks=5), patient=False)
        behind.slow = slow
        _put_all(behind, range(30))
        over = len(timed) - 1
        behind.close(_idle)
        assert store.ticks(0) == list(range(30))
        return timed.rests()[:over], timed.rests()[over:]

    resting, at_the_end = rests(slow=True)
    assert len(resting) > 20
    assert min(resting) > 0.95
    assert min(at_the_end) < 0.5
    assert min(rests(slow=False)[0]) < 0.5
