"""What the generator says about itself: a line every ten seconds, and when it falls behind."""

import logging
import time
from datetime import timedelta

_LOG = logging.getLogger("generator")

LINE_EVERY_SECONDS = 10.0
BEHIND = timedelta(seconds=5)


class Progress:
    """Counts ticks of `tick_length` between two lines."""

    def __init__(self, tick_length: timedelta) -> None:
        self._tick_seconds = tick_length.total_seconds()
        self._next_line = time.monotonic() + LINE_EVERY_SECONDS
        self._ticks = self._orders = self._events = 0
        self._behind = False

    def tick_done(self, tick: int, *, orders: int, events: int, lag: timedelta) -> None:
        """Note a tick and what it carried; `lag` is the clock's lead over its end."""
        self._ticks += 1
        self._orders += orders
        self._events += events
        if (lag > BEHIND) != self._behind:
            self._behind = lag > BEHIND
            if self._behind:
                _LOG.warning("%.0f s behind the clock: ticks run back to back until caught up", lag.total_seconds())
            else:
                _LOG.info("caught up with the clock")
        if time.monotonic() >= self._next_line:
            self._say(tick, lag)

    def _say(self, tick: int, lag: timedelta) -> None:
        seconds = self._ticks * self._tick_seconds
        _LOG.info(
            "tick %d: %.0f orders/s, %.0f inventory events/s over %d ticks, lag %.1f s",
            tick,
            self._orders / seconds,
            self._events / seconds,
            self._ticks,
            lag.total_seconds(),
        )
        self._ticks = self._orders = self._events = 0
        self._next_line = time.monotonic() + LINE_EVERY_SECONDS
