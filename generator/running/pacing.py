"""When the tick that is next may begin."""

from datetime import datetime, timedelta

from generator.facts import TICK_MS
from generator.running.options import Pace

TICK = timedelta(milliseconds=TICK_MS)


def tick_end(sale_start: datetime, tick: int) -> datetime:
    """The first moment after `tick`; that of tick -1 is the start."""
    return sale_start + (tick + 1) * TICK


def seconds_until(pace: Pace, due: datetime, now: datetime) -> float | None:
    """Seconds to wait before a tick that ends at `due`; None: this run ends before it.

    No tick of a live sale is simulated before it is over: nothing can be stored of what has not happened.
    """
    if pace == "max" or due <= now:
        return 0.0
    return None if pace == "catch-up" else (due - now).total_seconds()
