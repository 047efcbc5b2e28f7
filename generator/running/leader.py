"""The process that leads workers of other processes: their barrier at every tick, and the one that ends them."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from flashsale.errors import FlashsaleError
from generator.running.conductor import Conductor, Verdict, Wait
from generator.running.exchange import Go, totals_of
from generator.running.job import Job
from generator.running.messages import Aggregates, Begin, Done, Failed, Finish, FromLeader, FromWorker, Ready, Said
from generator.running.parcels import Acknowledged
from generator.running.worker_process import work
from generator.shard_state import Aggregate

IDLE_SECONDS = 0.25
FAREWELL_SECONDS = 20.0
"""So long may workers take to store what they have after one of them, or the leader, has failed."""


@dataclass(slots=True)
class _Worker:
    number: int
    shards: Sequence[int]
    process: SpawnProcess
    connection: Connection
    ready: Ready | None = None
    aggregates: dict[int, Aggregate] = field(default_factory=dict)
    is_open: bool = True


class _OverError(Exception):
    """No tick begins any more, though workers have not all asked for the next."""


class Leader:
    """Runs `job` with as many workers as its options say; worker i of n has the shards i, i + n, …"""

    def __init__(self, job: Job, conductor: Conductor) -> None:
        self._job, self._conductor = job, conductor
        self._workers: list[_Worker] = []
        self._failure: str | None = None
        self._told: Finish | None = None

    def run(self) -> None:
        """Until no tick begins any more and everything is stored.

        Raises FlashsaleError when a worker failed or died, with the first one's reason; the
        others have stored what they had, and ended.
        """
        count = self._job.options.workers
        shards = range(self._job.scenario.shards)
        try:
            with _signals_held_back():
                for number in range(count):
                    self._workers.append(_started(self._job, number, list(shards[number::count])))
            self._lead()
            while any(worker.is_open for worker in self._workers):
                self._receive(IDLE_SECONDS)
                self._finish()
        finally:
            self._end()
        if self._failure is not None:
            raise FlashsaleError(self._failure)

    def _lead(self) -> None:
        try:
            while not all(worker.ready for worker in self._workers):
                self._receive_or_stop()
            ready = [worker.ready for worker in self._workers if worker.ready]
            self._conductor.begin({shard: tick for one in ready for shard, tick in one.acked.items()})
            tick = min(one.saved for one in ready) + 1
            self._tell(Begin(tick))
            while self._may_begin(tick):
                aggregates = {shard: one for worker in self._workers for shard, one in worker.aggregates.items()}
                for worker in self._workers:
                    worker.aggregates = {}
                self._tell(Go(totals_of(aggregates), self._conductor.slow))
                tick += 1
        except _OverError:
            pass
        self._finish()

    def _may_begin(self, tick: int) -> bool:
        while not all(worker.aggregates for worker in self._workers):
            self._receive_or_stop()
        while isinstance(verdict := self._conductor.decide(tick), Wait):
            self._receive(min(verdict.seconds, IDLE_SECONDS))
            if self._failure is not None:
                return False
        return verdict is Verdict.GO

    def _receive_or_stop(self) -> None:
        """Raises _OverError when it is no use to wait for the workers."""
        if self._failure is not None or self._conductor.stop.is_set():
            raise _OverError
        self._receive(IDLE_SECONDS)

    def _receive(self, seconds: float) -> None:
        """Take what the workers say, waiting for so long at most."""
        speaking = {worker.connection: worker for worker in self._workers if worker.is_open}
        for connection in wait(list(speaking), seconds):
            worker = speaking[connection]  # type: ignore[index]
            try:
                message: FromWorker = worker.connection.recv()
            except (EOFError, OSError):
                self._lost(worker)
            else:
                self._take(worker, message)
        self._conductor.idle()

    def _take(self, worker: _Worker, message: FromWorker) -> None:
        match message:
            case Acknowledged():
                self._conductor.acknowledged(message)
            case Aggregates():
                worker.aggregates = dict(message.of_shards)
            case Ready():
                worker.ready = message
            case Said():
                logging.getLogger(message.logger).log(message.level, message.text)
            case Failed():
                worker.is_open = False
                self._failure = self._failure or message.text
            case Done():
                worker.is_open = False

    def _lost(self, worker: _Worker) -> None:
        worker.is_open = False
        worker.process.join(FAREWELL_SECONDS)
        code = worker.process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        shards = ", ".join(map(str, worker.shards))
        self._failure = self._failure or (
            f"worker {worker.number + 1} of {len(self._workers)} (shards {shards}) {how}; "
            "the next start goes on from the last acknowledged tick"
        )

    def _tell(self, message: FromLeader) -> None:
        for worker in self._workers:
            if worker.is_open:
                try:
                    worker.connection.send(message)
                except OSError:
                    self._lost(worker)

    def _finish(self, at_once: bool = False) -> None:
        """Once, and once more when somebody has lost patience since."""
        told = Finish(at_once or self._conductor.stop.is_set() or self._failure is not None)
        if self._told is None or (told.at_once and not self._told.at_once):
            self._told = told
            self._tell(told)

    def _end(self) -> None:
        """Whatever happened: no worker is left behind."""
        self._finish(at_once=True)
        deadline = time.monotonic() + FAREWELL_SECONDS
        while any(worker.is_open for worker in self._workers) and time.monotonic() < deadline:
            self._receive(IDLE_SECONDS)
        for worker in self._workers:
            # Whoever still works sees the pipe close, and ends.
            worker.connection.close()
            worker.process.join(FAREWELL_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _started(job: Job, number: int, shards: Sequence[int]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, job, shards), name=f"worker-{number + 1}")
    process.start()
    # The worker's end is the worker's alone: the pipe closes when it dies.
    theirs.close()
    return _Worker(number, shards, process, ours)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Processes that are started meanwhile do not see what a terminal sends to the group."""
    # Started with the first process otherwise, and it lets go of the signals.
    resource_tracker.ensure_running()
    held = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
