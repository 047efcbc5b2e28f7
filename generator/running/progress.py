"""How a run goes: counted from what is acknowledged, told every so often, and at once when something is wrong."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from flashsale.minutes import utc_now
from flashsale.sale_run import SaleRun
from generator.running.pacing import tick_end
from generator.running.parcels import AckedTicks, Acknowledged

_LOG = logging.getLogger("generator")

BEHIND = timedelta(seconds=5)
LOOK_SECONDS = 0.1
SILENT_SECONDS = 5.0
"""So long may the store acknowledge nothing of what was sent to it before that is said."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`orders` and `events` were stored by this run; rates are per second of real time since the last figures.

    `tick`: the last that every shard has stored, of `ticks`; `event_time`: its end;
    `lag_seconds`: of it behind the clock, None when the run does not follow the clock;
    `waiting_share`: of the writers' time, spent waiting for the store; `seconds`: since the run began.
    """

    tick: int
    ticks: int
    event_time: datetime
    orders: int
    events: int
    orders_per_second: float
    events_per_second: float
    lag_seconds: float | None
    waiting_share: float
    seconds: float


class Teller(Protocol):
    """Shows figures to somebody, every `every_seconds`."""

    every_seconds: float

    def show(self, figures: Figures) -> None:
        """How it goes."""

    def event(self, name: str, figures: Figures) -> None:
        """behind, caught_up, silent, heard: what the log says as well."""

    def finish(self, totals: Figures) -> None:
        """Figures of the whole run."""


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    orders: int = 0
    events: int = 0
    waited: float = 0.0


class Progress:
    """Told of every acknowledgement, from any thread; `look` is called a few times a second, from one.

    `writers` threads write to `store`; `clock`: the run follows the clock.
    """

    def __init__(self, sale: SaleRun, teller: Teller, store: str, *, writers: int, clock: bool) -> None:
        self._sale, self._teller, self._store, self._writers, self._clock = sale, teller, store, writers, clock
        self._lock = threading.Lock()
        self._acked: dict[int, int] = {}
        self._begun = -1
        self._first = self._last = self._now = _Reading(time.monotonic())
        self._heard_at = self._first.at
        self._silent_since: float | None = None
        self._behind = False
        self._next_look = 0.0

    def begin(self, acked: AckedTicks) -> None:
        """Before the first tick: what was stored by earlier runs."""
        with self._lock:
            self._acked = dict(acked)
            self._begun = self._tick()

    def begun(self, tick: int) -> None:
        """`tick` is being simulated, and will be sent to the store."""
        with self._lock:
            if not self._is_owed():
                self._heard_at = time.monotonic()
            self._begun = tick

    def acknowledged(self, report: Acknowledged) -> bool:
        """Count it; whether every shard has a further tick stored by it."""
        with self._lock:
            before, now = self._tick(), self._now
            self._acked[report.shard] = report.tick
            self._heard_at = time.monotonic()
            self._now = _Reading(
                0.0, now.orders + report.orders, now.events + report.events, now.waited + report.waited
            )
            return self._tick() > before

    def look(self) -> None:
        """Tell what it is time to tell."""
        now = time.monotonic()
        if not self._acked or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        self._look_for_silence(now)
        if self._clock:
            self._look_at_clock(now)
        if now - self._last.at >= self._teller.every_seconds:
            self._teller.show(self._figures(self._last, now))
            self._last = self._reading(now)

    def finish(self) -> None:
        """Tell the totals."""
        if self._acked:
            self._teller.finish(self._figures(self._first, time.monotonic()))

    def _look_for_silence(self, now: float) -> None:
        with self._lock:
            silent = self._is_owed() and now - self._heard_at > SILENT_SECONDS
            heard_at = self._heard_at
        if silent and self._silent_since is None:
            self._silent_since = heard_at
            _LOG.warning("%s has acknowledged nothing for %.0f s; waiting for it", self._store, now - heard_at)
            self._teller.event("silent", self._figures(self._last, now))
        elif not silent and self._silent_since is not None:
            _LOG.info("%s acknowledges again, after %.0f s", self._store, heard_at - self._silent_since)
            self._silent_since = None
            self._teller.event("heard", self._figures(self._last, now))

    def _look_at_clock(self, now: float) -> None:
        figures = self._figures(self._last, now)
        lag = figures.lag_seconds or 0.0
        if (lag > BEHIND.total_seconds()) == self._behind:
            return
        self._behind = not self._behind
        if self._behind:
            _LOG.warning(
                "%.0f s behind the clock, %.0f %% of the time waiting for %s; ticks run back to back until caught up",
                lag,
                100 * figures.waiting_share,
                self._store,
            )
        else:
            _LOG.info("caught up with the clock")
        self._teller.event("behind" if self._behind else "caught_up", figures)

    def _reading(self, now: float) -> _Reading:
        with self._lock:
            return _Reading(now, self._now.orders, self._now.events, self._now.waited)

    def _figures(self, since: _Reading, now: float) -> Figures:
        reading = self._reading(now)
        seconds = max(now - since.at, 1e-3)
        with self._lock:
            tick, owed = self._tick(), self._is_owed()
            # A write that is still under way has not told what it waited.
            pending = now - self._heard_at if owed and now - self._heard_at > 1.0 else 0.0
        waited = (reading.waited - since.waited) / self._writers + min(pending, seconds)
        event_time = tick_end(self._sale.sale_start, tick)
        return Figures(
            tick,
            self._sale.seconds,
            event_time,
            reading.orders,
            reading.events,
            (reading.orders - since.orders) / seconds,
            (reading.events - since.events) / seconds,
            self._lag(event_time) if self._clock else None,
            min(1.0, waited / seconds),
            now - self._first.at,
        )

    def _lag(self, event_time: datetime) -> float:
        """Seconds since the last stored tick ended; below one tick nothing is owed."""
        now = utc_now()
        if event_time >= self._sale.sale_end or now < self._sale.sale_start:
            return 0.0
        return max(0.0, (now - event_time).total_seconds())

    def _is_owed(self) -> bool:
        return self._begun > self._tick()

    def _tick(self) -> int:
        return min(self._acked.values(), default=-1)
