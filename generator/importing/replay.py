"""Store an imported sale at its pace: facts, then the checkpoint, and never the other way round."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from pymongo.database import Database

from flashsale.errors import ServiceUnavailableError
from flashsale.minutes import utc_now
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry
from flashsale.stores.mongo import Document
from generator.importing.import_checkpoint import SHARD, load_import, save_import
from generator.importing.pace import Pace
from generator.importing.replay_ticks import Portion, ReplayTicks
from generator.retry import until_acknowledged
from generator.running.disk import DiskGuard
from generator.running.pacing import tick_end
from generator.running.parcels import Acknowledged
from generator.running.progress import Progress
from generator.running.sale_record import SaleRecord
from generator.writer import FactWriter

T = TypeVar("T")

_LOG = logging.getLogger("generator")

COMPLETED = timedelta(minutes=3)
"""From the end of an imported sale to its watermark: nothing late can come, all its minutes are final."""
LOOK_SECONDS = 2.0
"""How old what is known of a live sale may be: well below `sale_run.STOP_LEAD`."""
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 1.0
"""Seconds: a fast replay stores some seconds of the sale at once; progress and signals are seen to in between."""


class Outcome(Enum):
    """How a replay ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    LEFT = "left"
    """Another sale is the live one now."""


class Replay:
    """Stores `ticks` as the sale of `record`.

    `content` says of what they were made; `stop` is the user's wish to end it after the portion at hand.
    """

    def __init__(
        self,
        database: Database[Document],
        settings: Settings,
        record: SaleRecord,
        ticks: ReplayTicks,
        pace: Pace,
        disk: DiskGuard,
        progress: Progress,
        content: str,
        stop: threading.Event,
    ) -> None:
        self._database, self._record, self._ticks, self._pace = database, record, ticks, pace
        self._disk, self._progress, self._content, self._stop = disk, progress, content, stop
        tick, ledger = self._acknowledged("read the checkpoint", lambda: load_import(database, record.sale, content))
        self._next = tick + 1
        self._ledger: LedgerEntry = ledger
        self._writer = FactWriter(database, settings, SHARD, resume=ledger, stop=stop)
        self._looked_at = -1e9

    @property
    def ledger(self) -> LedgerEntry:
        return self._ledger

    def run(self) -> Outcome:
        """Work until the sale is stored, until `stop`, or until another sale is the live one.

        Raises FlashsaleError when MongoDB refuses for good.
        """
        self._progress.begin({SHARD: self._next - 1})
        if self._next:
            _LOG.info("sale %s: going on at tick %d of %d", self._sale_id, self._next, self._record.sale.seconds)
        outcome = self._replay()
        self._progress.finish()
        if outcome is Outcome.COMPLETE:
            # Whoever watches must not see an ended sale that still lacks facts.
            self._save(self._record.sale.sale_end + COMPLETED)
            self._record.set_phase("ended")
        return outcome

    def _replay(self) -> Outcome:
        while self._next < self._record.sale.seconds:
            if self._stop.is_set():
                return Outcome.STOPPED
            if self._another_is_live():
                return Outcome.LEFT
            due = min(self._pace.ticks_due(utc_now()), self._record.sale.seconds)
            self._progress.look()
            if due <= self._next:
                if self._next == 0:
                    # Nothing can have been missed before the start: readers need not wait.
                    self._record.move_watermark(min(utc_now(), self._record.sale.sale_start))
                seconds = self._pace.seconds_until(self._next, utc_now())
                self._stop.wait(min(max(seconds, _SHORTEST_WAIT), _LONGEST_WAIT))
            elif self._disk.look() == "full":
                self._stop.wait(_LONGEST_WAIT)
            else:
                self._store(self._ticks.portion(self._next, due))
        return Outcome.COMPLETE

    def _store(self, portion: Portion) -> None:
        if self._record.sale.phase == "planned":
            self._record.set_phase("live")
            self._look_again()
        began, worked = time.perf_counter(), time.thread_time()
        last = portion.next_tick - 1
        self._progress.begun(last)
        if portion.ticks:
            self._ledger = self._writer.write(portion.ticks)
        self._next = portion.next_tick
        self._save(tick_end(self._record.sale.sale_start, last))
        seconds, worked = time.perf_counter() - began, time.thread_time() - worked
        waited = max(0.0, seconds - worked)
        self._progress.acknowledged(Acknowledged(SHARD, last, portion.orders, portion.events, seconds, waited))
        if self._disk.state == "slow":
            self._stop.wait(seconds)

    def _another_is_live(self) -> bool:
        """Read the sale anew when it is time to: its end may have come nearer."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return False
        try:
            other = self._record.look()
        except ServiceUnavailableError:
            # The next write waits until MongoDB answers, and says so.
            return False
        self._looked_at = time.monotonic()
        if other is not None:
            _LOG.info("sale %s is the active one now; leaving %s", other, self._sale_id)
        return other is not None

    def _look_again(self) -> None:
        self._looked_at = -1e9

    @property
    def _sale_id(self) -> str:
        return self._record.sale.sale_id

    def _save(self, acked_through: datetime) -> None:
        self._acknowledged(
            "save the checkpoint",
            lambda: save_import(self._database, acked_through, self._next - 1, self._ledger, self._content),
        )

    def _acknowledged(self, doing: str, attempt: Callable[[], T]) -> T:
        return until_acknowledged(doing, attempt, self._stop)
