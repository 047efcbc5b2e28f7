"""The services together: started when what they need answers, stopped in reverse."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from types import TracebackType

from embedded.catalog import catalog, with_needs
from embedded.config import StackConfig
from embedded.launch import CancelledError, RunningService, stop_recorded
from embedded.service import Service
from flashsale.errors import FlashsaleError

Say = Callable[[str], None]


def _silent(_: str) -> None:
    return None


class Stack:
    """The embedded services of one configuration.

    ``Stack(config).start("mongo", "redis")`` starts a part, `start_all` everything;
    `stop` (or leaving the ``with`` block) ends all that was started.
    """

    def __init__(self, config: StackConfig, say: Say = _silent) -> None:
        self.config = config
        self.services: dict[str, Service] = catalog(config)
        self.running: dict[str, RunningService] = {}
        self.cancelled = Event()
        self._ready: list[str] = []
        self._say = say

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def ready(self) -> list[RunningService]:
        """Services that have answered, in the order they did; finished one-shots are not among them."""
        return [self.running[name] for name in list(self._ready) if not self.services[name].one_shot]

    def clear_leftovers(self) -> list[str]:
        """Stop what an earlier supervisor left running; returns the names."""
        return stop_recorded(self.config, self.services)

    def start_all(self) -> None:
        """Start every service; see `start`."""
        self.start(*self.services)

    def start(self, *names: str) -> None:
        """Start the named services and what they need, side by side where nothing forbids it.

        What is running already stays as it is.  Raises FlashsaleError when one does not come
        up, CancelledError when told to stop meanwhile; then only `stop` is left to do.
        """
        order = [name for name in with_needs(self.services, names) if name not in self.running]
        for name in order:
            place = len(self.running)
            self.running[name] = RunningService(self.config, self.services[name], place, self.cancelled)
        self._in_order(order, lambda name: [n for n in self.services[name].needs if n in order], self._start_one)

    def stop(self) -> None:
        """End everything, each service after those that need it; repeating it does nothing."""
        self.cancelled.set()
        order = list(reversed(self.running))

        def users_of(name: str) -> list[str]:
            return [other for other in order if name in self.services[other].needs]

        self._in_order(order, users_of, self._stop_one)
        self.running.clear()
        self._ready.clear()
        # Whatever changed its session and lost its mark on the way is found by neither: look again.
        self.clear_leftovers()

    def stop_one(self, name: str) -> None:
        """End one service; `start` brings it back.  What needs it meanwhile has to cope."""
        running = self.running.pop(name)
        self._ready.remove(name)
        running.stop()

    def _start_one(self, name: str) -> None:
        began = time.monotonic()
        one_shot = self.services[name].one_shot
        if one_shot and not self.services[name].needed():
            return
        self.running[name].start()
        self._ready.append(name)
        self._say(f"{name:<22} {'done' if one_shot else 'ready'} after {time.monotonic() - began:.1f} s")

    def _stop_one(self, name: str) -> None:
        began = time.monotonic()
        was_running = self.running[name].exit_code() is None
        gone = self.running[name].stop()
        if not gone:
            self._say(f"{name:<22} did not stop by itself and was killed after {time.monotonic() - began:.0f} s")
        elif was_running and time.monotonic() - began > 5:
            self._say(f"{name:<22} stopped after {time.monotonic() - began:.1f} s")

    def _in_order(self, names: Iterable[str], after: Callable[[str], list[str]], action: Callable[[str], None]) -> None:
        """Run `action` for each name as soon as those in `after(name)` are through; raise the first failure."""
        todo = list(names)
        through: set[str] = set()
        failure: BaseException | None = None
        with ThreadPoolExecutor(max_workers=max(1, len(todo)), thread_name_prefix="stack") as pool:
            open_futures: dict[Future[None], str] = {}
            try:
                while todo or open_futures:
                    for name in [n for n in todo if failure is None and set(after(n)) <= through]:
                        todo.remove(name)
                        open_futures[pool.submit(action, name)] = name
                    if not open_futures:
                        break
                    for future in wait(open_futures, return_when=FIRST_COMPLETED).done:
                        through.add(open_futures.pop(future))
                        error = future.exception()
                        if error is not None and (failure is None or isinstance(failure, CancelledError)):
                            failure = error
                            self.cancelled.set()
            except BaseException:
                # An interrupt: the pool waits for its threads, so they must learn of it.
                self.cancelled.set()
                raise
        if failure is not None:
            raise failure
        if todo:
            raise FlashsaleError(f"services {', '.join(todo)} wait for one another")
