"""The door: facts enter MongoDB here, and each document is stored, or stands in quarantine with its reason.

The same tick can be written any number of times: ids are deterministic, quarantine
entries are keyed by content, and the ledger's counts are set.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from flashsale.minutes import floor_minute
from flashsale.schema import INVENTORY, ORDERS, Table
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry, put_ledger, read_ledger
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import put_in_quarantine
from flashsale.stores.sales import set_first_order
from generator.door import Refusal, encode_at_door
from generator.insertion import Outcome, batches, insert_facts
from generator.retry import until_acknowledged
from generator.tally import AckedId, TickTally

T = TypeVar("T")


class FactWriter:
    """Writes the facts of one shard, tick by tick.

    `resume` is the ledger entry as of the last acknowledged tick (zeros before the
    first): the first tick written may then have been written before, by a run that
    died, and what it finds stored counts as acknowledged once.  Without `resume` the
    writer adds to the counts that stand in the ledger.  `stop` ends waiting for a
    MongoDB that is away.
    """

    def __init__(
        self,
        database: Database[Document],
        settings: Settings,
        shard: int,
        *,
        resume: LedgerEntry | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._database, self._shard = database, shard
        self._lateness = settings.lateness
        self._max_ahead_ms = settings.max_ahead_seconds * 1000
        self._stop = stop or threading.Event()
        self._resumed = resume is not None
        self._ledger = resume
        self._tick_time: datetime | None = None
        self._may_repeat = False
        self._acked_in_tick: set[AckedId] = set()
        self._first_order_known = False

    def write_tick(self, tick_time: datetime, orders: Sequence[Any], inventory: Sequence[Any]) -> LedgerEntry:
        """Write documents in stored form that arrive at `tick_time`; returns the minute's counts so far.

        After it returned, every document is stored or in quarantine, acknowledged by the
        majority, and the ledger says so.  Raises FlashsaleError only for failures that are
        no document's fault; then the tick can be written again.
        """
        if tick_time != self._tick_time:
            self._may_repeat = self._resumed and self._tick_time is None
            self._tick_time = tick_time
            self._acked_in_tick = set()
        tally = TickTally(tick_time, self._lateness, self._entry(tick_time), self._acked_in_tick)
        try:
            self._write(ORDERS, orders, tally)
            self._write(INVENTORY, inventory, tally)
            self._acknowledged("write the ledger", lambda: put_ledger(self._database, [tally.entry]))
            if tally.first_order is not None:
                self._note_first_order(tally.first_order)
        except BaseException:
            # Part of it may be stored: a second try of this tick is a repeat.
            self._may_repeat = True
            raise
        self._ledger, self._acked_in_tick = tally.entry, tally.acked
        return tally.entry

    def _entry(self, tick_time: datetime) -> LedgerEntry:
        """Counts that this tick adds to: those of its minute so far."""
        minute = floor_minute(tick_time)
        if self._ledger is not None and self._ledger.minute == minute:
            return self._ledger
        if self._resumed:
            return LedgerEntry(minute, self._shard)
        return self._acknowledged("read the ledger", lambda: read_ledger(self._database, minute, self._shard))

    def _write(self, table: Table, documents: Sequence[Any], tally: TickTally) -> None:
        """Write one table's documents and count what became of each."""
        encoded: list[RawBSONDocument] = []
        received: list[Any] = []
        for document in documents:
            raw = encode_at_door(table, document, tally.tick_ms, self._max_ahead_ms)
            if isinstance(raw, Refusal):
                tally.refuse(document, raw)
            else:
                encoded.append(raw)
                received.append(document)
        for part in batches(encoded):
            outcomes = self._insert(table, encoded[part])
            for document, outcome in zip(received[part], outcomes, strict=True):
                tally.count(table, document, outcome, self._may_repeat)
        rejected = tally.take_rejected()
        if rejected:
            self._acknowledged(
                f"put {len(rejected)} documents in quarantine",
                lambda: put_in_quarantine(self._database, table.name, rejected),
            )

    def _insert(self, table: Table, batch: list[RawBSONDocument]) -> list[Outcome]:
        tries = 0

        def attempt() -> list[Outcome]:
            nonlocal tries
            tries += 1
            # An earlier try may have stored some of them without our hearing of it.
            self._may_repeat = self._may_repeat or tries > 1
            return insert_facts(self._database, table, batch)

        return self._acknowledged(f"write {len(batch)} documents to {table.name}", attempt)

    def _note_first_order(self, moment: datetime) -> None:
        if self._first_order_known:
            return
        sale_id = self._database.name.removeprefix("flashsale_")
        self._acknowledged("note the first order", lambda: set_first_order(self._database.client, sale_id, moment))
        self._first_order_known = True

    def _acknowledged(self, doing: str, attempt: Callable[[], T]) -> T:
        return until_acknowledged(doing, attempt, self._stop)
