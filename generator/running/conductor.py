"""May the next tick begin?  The clock, the sale's end, the disk and the user's wishes decide; nobody else asks them."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from flashsale.errors import ServiceUnavailableError
from flashsale.minutes import iso, utc_now
from generator.heartbeat import Heartbeat
from generator.running.disk import DiskGuard
from generator.running.options import RunOptions
from generator.running.pacing import TICK, seconds_until, tick_end
from generator.running.parcels import AckedTicks, Acknowledged
from generator.running.progress import Progress
from generator.running.sale_record import SaleRecord

_LOG = logging.getLogger("generator")

LOOK_SECONDS = 2.0
"""How old what is known of the sale may be: well below `sale_run.STOP_LEAD`."""
COMPLETED = timedelta(minutes=3)
"""From the end of a completed sale to its watermark: nothing late can come, all its minutes are final."""
_LONGEST_WAIT = 1.0


class Verdict(Enum):
    """GO: begin the tick; STOP: no tick begins any more."""

    GO = "go"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after so many seconds."""

    seconds: float


class Conductor:
    """One per run.  `stop`: it is wished to end after the writes at hand; `is_over`: the sale itself has ended."""

    def __init__(
        self,
        record: SaleRecord,
        options: RunOptions,
        disk: DiskGuard,
        progress: Progress,
        heartbeat: Heartbeat,
        stop: threading.Event,
    ) -> None:
        self._record, self._options, self._disk = record, options, disk
        self._progress, self._heartbeat, self.stop = progress, heartbeat, stop
        self._acked = self._last = -1
        self._known_at = self._told_at = -1e9
        self._away = False
        self.is_over = False

    @property
    def slow(self) -> bool:
        """Whether the writers are to rest as long as they write."""
        return self._disk.state == "slow"

    def begin(self, acked: AckedTicks) -> None:
        """Before the first tick: what is stored already."""
        self._acked = min(acked.values())
        self._last = self._acked + self._options.max_ticks if self._options.max_ticks else 1 << 62
        if self._acked >= 0:
            sale = self._record.sale
            _LOG.info("sale %s: going on at tick %d of %d", sale.sale_id, self._acked + 1, sale.seconds)
        self._progress.begin(acked)

    def decide(self, tick: int) -> Verdict | Wait:
        """Whether `tick` may begin now.  Raises FlashsaleError when the sale is not ours to write any more."""
        if self.stop.is_set() or tick > self._last:
            return Verdict.STOP
        if tick <= self._acked:
            # Stored by an earlier run; only the state after it is missing.
            return Verdict.GO
        if (obstacle := self._look()) is not None:
            return obstacle
        sale, now = self._record.sale, utc_now()
        if tick >= sale.seconds:
            self.is_over = True
            return Verdict.STOP
        seconds = seconds_until(self._options.pace, tick_end(sale.sale_start, tick), now)
        if seconds is None:
            return Verdict.STOP
        if seconds > 0:
            if now < sale.sale_start:
                self._before_the_start(now)
            return Wait(min(seconds, _LONGEST_WAIT))
        if self._disk.look() == "full":
            # Alive, though nothing is acknowledged: to start it again would not help.
            self._heartbeat.beat()
            return Wait(_LONGEST_WAIT)
        if tick == 0 and sale.phase == "planned":
            self._record.set_phase("live")
        self._progress.begun(tick)
        return Verdict.GO

    def wait_for(self, tick: int) -> bool:
        """Wait until `tick` may begin; False when no tick begins any more."""
        while isinstance(verdict := self.decide(tick), Wait):
            self.idle()
            self.stop.wait(verdict.seconds)
        self.idle()
        return verdict is Verdict.GO

    def acknowledged(self, report: Acknowledged) -> None:
        """Facts are stored; may be called from any thread."""
        if self._progress.acknowledged(report):
            self._heartbeat.beat()

    def idle(self) -> None:
        """Say how it goes, when it is time to."""
        self._progress.look()

    def conclude(self) -> None:
        """After the last write; at the pace of the clock the watermark of a sale that is over moves on until `stop`."""
        self._progress.finish()
        sale = self._record.sale
        if not self.is_over:
            if self._options.pace == "catch-up" and not self.stop.is_set():
                _LOG.info("sale %s: caught up with the clock", sale.sale_id)
            return
        if self._options.pace == "clock":
            self._after_the_end()
            return
        self._record.move_watermark(sale.sale_end + COMPLETED)
        self._record.set_phase("ended")
        _LOG.info("sale %s is complete up to its end at %s", sale.sale_id, iso(sale.sale_end))

    def _look(self) -> Verdict | Wait | None:
        """Read the sale anew when it is time to; what keeps the tick from beginning."""
        if time.monotonic() - self._known_at < LOOK_SECONDS:
            return None
        try:
            other = self._record.look()
        except ServiceUnavailableError as error:
            if not self._away:
                _LOG.warning("%s; no tick begins until it does", error)
            self._away = True
            return Wait(_LONGEST_WAIT / 4)
        self._away = False
        self._known_at = time.monotonic()
        if other is None:
            return None
        _LOG.info("sale %s is the active one now; leaving %s", other, self._record.sale.sale_id)
        return Verdict.STOP

    def _before_the_start(self, now: datetime) -> None:
        """Nothing can have been missed: the watermark moves with the clock."""
        if time.monotonic() - self._told_at >= TICK.total_seconds() * 0.9:
            self._told_at = time.monotonic()
            self._record.move_watermark(min(now, self._record.sale.sale_start))
            self._heartbeat.beat()

    def _after_the_end(self) -> None:
        self._record.set_phase("ended")
        _LOG.info("sale %s has ended; the watermark moves on with the clock", self._record.sale.sale_id)
        while not self.stop.is_set():
            now, sale = utc_now(), self._record.sale
            # One that was cancelled is over before it began.
            self._record.move_watermark(now if sale.seconds == 0 else max(now, sale.sale_end))
            self._heartbeat.beat()
            if self._look() is Verdict.STOP:
                return
            self.stop.wait(TICK.total_seconds())
