"""How fast the archive may go: at most so many rows a second, and not while a minute's KPIs are being worked out.

The archive can wait and a minute cannot, so it looks up between batches of rows, in the middle of a file too.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flashsale.minutes import MINUTE, floor_minute, utc_now

GIVE_WAY_SECONDS = 15.0
"""Longest wait for one minute; a run that takes longer has other troubles than the archive."""
_LOOK_SECONDS = 0.1
LastMinute = Callable[[], datetime | None]
"""End of the newest minute that was published, None when there is none."""


@dataclass
class Pace:
    """Waits in `spend` so that rows go by at `rows_per_second` at the most (0: as fast as they can).

    It also waits while the engine is at a minute: the minute before is published and this one is not.
    `gave_way_seconds` counts that waiting.
    """

    rows_per_second: int
    published: LastMinute
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    gave_way_seconds: float = 0.0
    _free_at: float = field(default=0.0, init=False)
    _waited_for: datetime | None = field(default=None, init=False)

    def spend(self, rows: int) -> None:
        """Account for `rows` and wait for as long as they and the minute need."""
        self.give_way()
        if self.rows_per_second:
            now = self.clock()
            self._free_at = max(self._free_at, now) + rows / self.rows_per_second
            # What is ahead of its time by less than a look costs no sleep.
            if self._free_at - now > _LOOK_SECONDS:
                self.sleep(self._free_at - now)

    def give_way(self) -> None:
        """Wait while a minute is being worked out, at most `GIVE_WAY_SECONDS` for each."""
        began = self.now()
        minute = floor_minute(began)
        if self._waited_for == minute or began - minute > timedelta(seconds=GIVE_WAY_SECONDS):
            return
        while self.published() == minute - MINUTE and self.now() - minute < timedelta(seconds=GIVE_WAY_SECONDS):
            self.sleep(_LOOK_SECONDS)
        self._waited_for = minute
        self.gave_way_seconds += (self.now() - began).total_seconds()
