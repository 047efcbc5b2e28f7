"""A bounded queue of parcels and the thread that stores them: the simulation runs ahead of the store."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from generator.running.options import Batching
from generator.running.parcels import Parcel

IDLE_SECONDS = 0.25
"""How often whoever waits for room gets to do something else."""

FAREWELL_SECONDS = 5.0


class WriteBehind:
    """Calls `write(shard, parcels)` in a thread of its own, with consecutive ticks of one shard.

    A `patient` one lets facts gather until there is a large write, an impatient one writes
    what there is.  While `slow` it rests after each write for as long as that took.
    """

    def __init__(
        self,
        write: Callable[[int, list[Parcel]], None],
        shards: Iterable[int],
        batching: Batching,
        *,
        patient: bool,
    ) -> None:
        self._write, self._batching, self._patient = write, batching, patient
        self._waiting: dict[int, deque[Parcel]] = {shard: deque() for shard in shards}
        self._ticks = dict.fromkeys(self._waiting, 0)
        self._bytes = 0
        self._pressed = self._closing = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self.slow = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def put(self, shard: int, parcel: Parcel, idle: Callable[[], None]) -> None:
        """Add the shard's next tick; waits for room and calls `idle` meanwhile.

        Raises what `write` raised; then nothing is written any more.
        """
        while True:
            with self._changed:
                self._raise_error()
                self._pressed = not self._has_room(shard, parcel)
                if not self._pressed:
                    self._waiting[shard].append(parcel)
                    self._ticks[shard] += 1
                    self._bytes += parcel.size
                self._changed.notify_all()
                if not self._pressed:
                    return
                self._changed.wait(IDLE_SECONDS)
            idle()

    def close(self, idle: Callable[[], None]) -> None:
        """Return when everything is written; raises what `write` raised."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(IDLE_SECONDS)
            idle()
        self._raise_error()

    def abandon(self) -> None:
        """Write nothing more; what is being written may finish, for a few seconds."""
        with self._changed:
            for queue in self._waiting.values():
                queue.clear()
            self._closing = True
            self._changed.notify_all()
        self._thread.join(FAREWELL_SECONDS)

    def _has_room(self, shard: int, parcel: Parcel) -> bool:
        bounds = self._batching
        if self._ticks[shard] >= bounds.queue_ticks:
            return False
        # One that is larger than the whole queue passes alone.
        return self._bytes == 0 or self._bytes + parcel.size <= bounds.queue_bytes

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(self._is_ready)
                    shard, parcels = self._take()
                if not parcels:
                    return
                began = time.perf_counter()
                self._write(shard, parcels)
                took = time.perf_counter() - began
                with self._changed:
                    self._ticks[shard] -= len(parcels)
                    self._bytes -= sum(parcel.size for parcel in parcels)
                    self._changed.notify_all()
                    if self.slow:
                        self._changed.wait_for(lambda: self._closing, timeout=took)
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _is_ready(self) -> bool:
        if self._closing:
            return True
        queues = [queue for queue in self._waiting.values() if queue]
        if not queues or self._pressed or not self._patient:
            return bool(queues)
        bounds = self._batching
        return (
            max(len(queue) for queue in queues) >= min(bounds.write_ticks, bounds.queue_ticks // 2)
            or 2 * self._bytes >= bounds.queue_bytes
        )

    def _take(self) -> tuple[int, list[Parcel]]:
        """The next write: of the shard that is furthest behind; no parcels when there is nothing left."""
        open_shards = [shard for shard, queue in self._waiting.items() if queue]
        if not open_shards:
            return -1, []
        shard = min(open_shards, key=lambda one: self._waiting[one][0].tick)
        queue, size = self._waiting[shard], 0
        taken: list[Parcel] = []
        while queue and len(taken) < self._batching.write_ticks:
            if taken and size + queue[0].size > self._batching.write_bytes:
                break
            size += queue[0].size
            taken.append(queue.popleft())
        return shard, taken
