"""`make demo`: start everything, keep it alive, say what happens, end everything."""

import os
import signal
import sys
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from types import FrameType

from embedded.airflow import USER, airflow_url
from embedded.catalog import with_needs
from embedded.config import HOST, StackConfig
from embedded.launch import CancelledError, RunningService
from embedded.minute_line import current_line, read_published
from embedded.preflight import check_before_start
from embedded.run_records import supervisor_lock
from embedded.stack import Stack
from flashsale.errors import FlashsaleError, one_line

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
STEADY_SECONDS = 120.0
"""A service that lived this long starts again with the first backoff."""
WATCH_SECONDS = 0.5
QUIET_SECONDS = 70.0


class Narrator:
    """Lines on stdout; when nobody reads them any more, the stack still runs and stops in order."""

    def __init__(self) -> None:
        self._lock = Lock()

    def say(self, text: str) -> None:
        with self._lock:
            try:
                print(text, flush=True)
            except OSError:
                sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the rest of the process


class Supervisor:
    """Runs one stack in the foreground until a signal ends it."""

    def __init__(self, config: StackConfig, names: tuple[str, ...] = ()) -> None:
        """`names` are the services to run, all by default; what they need comes with them."""
        self._config = config
        self._names = names
        self._stop = Event()
        self._say = Narrator().say
        self._restarting: dict[str, Thread] = {}
        self._failures: dict[str, tuple[int, float]] = {}

    def run(self) -> int:
        """Exit code: 0 after a signal, 1 when the stack did not come up."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        with supervisor_lock(self._config.run):
            stack = Stack(self._config, lambda text: self._say(f"  {text}"))
            left = stack.clear_leftovers()
            if left:
                self._say(f"stopped what an earlier run had left: {', '.join(left)}")
            names = with_needs(stack.services, self._names or stack.services)
            check_before_start(self._config, [stack.services[name] for name in names])
            watcher = Thread(target=self._watch, args=(stack,), daemon=True)
            watcher.start()
            try:
                self._start(stack, names)
                self._tell_minutes()
            except CancelledError:
                pass
            finally:
                self._end(stack, watcher)
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # Repeats change nothing: make passes on what the terminal has already sent to us all.
        # From a thread: the handler may interrupt this very event's own lock, and would wait for itself.
        Thread(target=self._stop.set).start()

    def _start(self, stack: Stack, names: list[str]) -> None:
        began = time.monotonic()
        self._say(f"starting {len(names)} services, logs in {self._config.logs}")

        def pass_on() -> None:
            self._stop.wait()
            stack.cancelled.set()

        Thread(target=pass_on, daemon=True).start()
        stack.start(*names)
        self._say(f"everything answers after {time.monotonic() - began:.0f} s")
        self._say(self._addresses())

    def _addresses(self) -> str:
        config = self._config
        return "\n".join(
            (
                "",
                f"  dashboard  http://localhost:{config.ports.dashboard}",
                f"  Airflow    {airflow_url(config).replace(HOST, 'localhost')}  "
                f"user {USER}, password {config.settings.secret('airflow_admin')}",
                f"  HDFS       http://localhost:{config.hdfs_http_port}",
                f"  Spark UI   http://localhost:{config.ports.spark_ui}",
                "",
                "  Ctrl-C (or `make down`) stops everything; the data stays for the next `make demo`.",
                "",
            )
        )

    def _tell_minutes(self) -> None:
        """A line for each new snapshot; when none comes for longer than a minute, a line that says so."""
        told: str | None = None
        last = time.monotonic()
        while not self._stop.wait(2.0):
            with suppress(FlashsaleError):
                published = read_published(self._config)
                newest = None if published is None or published.snapshot_id is None else published.snapshot_id[:14]
                if newest is not None and newest != told:
                    told, last = newest, time.monotonic()
                    self._say(current_line(self._config))
            if time.monotonic() - last > QUIET_SECONDS:
                last = time.monotonic()
                self._say(current_line(self._config))

    def _end(self, stack: Stack, watcher: Thread) -> None:
        self._stop.set()
        self._say("stopping")
        began = time.monotonic()
        stack.cancelled.set()
        watcher.join()
        for thread in self._restarting.values():
            thread.join()
        stack.stop()
        self._say(f"everything stopped after {time.monotonic() - began:.0f} s")

    def _watch(self, stack: Stack) -> None:
        """Notice services that died after they were ready, and bring each back in a thread of its own."""
        while not self._stop.wait(WATCH_SECONDS):
            for running in stack.ready:
                name = running.service.name
                busy = name in self._restarting and self._restarting[name].is_alive()
                if not busy and running.exit_code() is not None:
                    thread = Thread(target=self._bring_back, args=(running,), daemon=True)
                    self._restarting[name] = thread
                    thread.start()

    def _bring_back(self, running: RunningService) -> None:
        name = running.service.name
        while not self._stop.is_set():
            pause = self._next_pause(name)
            running.restarts += 1
            running.note("restarting")
            self._say(f"{name} {_ending(running)}; starting it again in {pause:.0f} s")
            running.clear_remains()
            if self._stop.wait(pause):
                return
            began = time.monotonic()
            try:
                running.start()
            except CancelledError:
                return
            except FlashsaleError as error:
                self._say(one_line(error))
                running.clear_remains()
                continue
            self._say(f"{name} answers again after {time.monotonic() - began:.1f} s")
            return

    def _next_pause(self, name: str) -> float:
        """Seconds to wait: doubled with each death in a row, up to a minute."""
        count, last = self._failures.get(name, (0, 0.0))
        now = time.monotonic()
        count = 1 if now - last > STEADY_SECONDS else count + 1
        self._failures[name] = (count, now)
        return float(min(FIRST_BACKOFF * 2 ** (count - 1), LONGEST_BACKOFF))


def _ending(running: RunningService) -> str:
    code = running.exit_code()
    if code is None:
        return "does not answer"
    if code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    # Only who ends by itself has last words that tell why.
    line = running.last_log_line()
    return f"ended with exit code {code}" + (f" ({line})" if line else "")


def demo(config: StackConfig) -> int:
    return Supervisor(config).run()
