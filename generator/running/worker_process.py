"""A worker in a process of its own: it obeys the pipe to its leader, and dies with it."""

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from flashsale.errors import FlashsaleError, one_line
from generator.running.exchange import Go
from generator.running.job import Job
from generator.running.messages import Aggregates, Begin, Done, Failed, Finish, FromLeader, FromWorker, Ready, Said
from generator.running.parcels import AckedTicks, Acknowledged
from generator.running.worker import Worker
from generator.shard_state import Aggregate


def work(connection: Connection, job: Job, shards: Sequence[int]) -> None:
    """Main function of the process: simulate and store `shards` until the leader says that it is over."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # A terminal signals the whole group; the leader alone decides what that means.
        signal.signal(number, signal.SIG_IGN)
    leader = _Leader(connection)
    logging.getLogger().handlers[:] = [_ToLeader(leader)]
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("pymongo").setLevel(logging.WARNING)
    stop = threading.Event()
    try:
        with job.open_sink(stop) as sink:
            Worker(job.worlds(shards), sink, PipeExchange(leader, stop), job.options).run()
    except FlashsaleError as error:
        leader.send(Failed(one_line(error)))
        sys.exit(1)
    except BaseException as error:
        traceback.print_exc()
        leader.send(Failed(f"a worker met a defect, told in full above: {type(error).__name__}: {one_line(error)}"))
        sys.exit(1)
    leader.send(Done())


class _Leader:
    """The pipe to the leader.  One that is gone may have been started again: whom it led writes nothing more."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: FromWorker) -> None:
        """From any thread."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(1)

    def receive(self) -> FromLeader:
        try:
            message: FromLeader = self._connection.recv()
        except (EOFError, OSError):
            os._exit(1)
        return message

    def has_spoken(self) -> bool:
        """Whether `receive` returns at once."""
        try:
            return self._connection.poll()
        except OSError:
            os._exit(1)


class _ToLeader(logging.Handler):
    def __init__(self, leader: _Leader) -> None:
        super().__init__()
        self._leader = leader

    def emit(self, record: logging.LogRecord) -> None:
        self._leader.send(Said(record.name, record.levelno, self.format(record)))


class PipeExchange:
    """The exchange of a worker that has a leader; `stop` is set when it is not to wait for the store any more."""

    def __init__(self, leader: _Leader, stop: threading.Event) -> None:
        self._leader, self._stop = leader, stop
        self._is_over = False

    def begin(self, saved: int, acked: AckedTicks) -> int:
        self._leader.send(Ready(saved, acked))
        message = self._leader.receive()
        if isinstance(message, Begin):
            return message.tick
        self._obey(message)
        return saved + 1

    def totals(self, tick: int, aggregates: Mapping[int, Aggregate]) -> Go | None:
        if self._is_over:
            return None
        self._leader.send(Aggregates(tick, aggregates))
        message = self._leader.receive()
        if isinstance(message, Go):
            return message
        self._obey(message)
        return None

    def acknowledged(self, report: Acknowledged) -> None:
        self._leader.send(report)

    def idle(self) -> None:
        """The leader speaks unasked only to end the run."""
        if self._leader.has_spoken():
            self._obey(self._leader.receive())

    def _obey(self, message: FromLeader) -> None:
        if isinstance(message, Finish):
            self._is_over = True
            if message.at_once:
                self._stop.set()
