"""The door: facts enter MongoDB here, and each document is stored, or stands in quarantine with its reason.

The same ticks can be written any number of times: ids are deterministic, quarantine
entries are keyed by content, and the ledger's counts are set.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from flashsale.minutes import floor_minute
from flashsale.schema import FACTS, INVENTORY, ORDERS, Table
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry, put_ledger, read_ledger
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import put_in_quarantine
from flashsale.stores.sales import set_first_order
from generator.block_insertion import MAX_ROWS, insert_blocks, portions
from generator.door import Refusal, encode_at_door, part_ahead
from generator.encoding import FactBlock
from generator.insertion import Outcome, batches, insert_facts
from generator.retry import until_acknowledged
from generator.tally import AckedIds, TickTally
from generator.tick_write import TickWrite as TickWrite
from generator.tick_write import runs

T = TypeVar("T")


class FactWriter:
    """Writes the facts of one shard, some ticks at a time.

    `resume` is the ledger entry as of the last acknowledged tick (zeros before the
    first): the ticks that follow may have been written before, by a run that died,
    and what they find stored of their own counts as acknowledged once.  Without
    `resume` the writer adds to the counts that stand in the ledger.  `stop` ends
    waiting for a MongoDB that is away.
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
        self._acked_in_tick = AckedIds()
        self._newest: datetime | None = None
        self._tried_through: datetime | None = None
        self._first_order_known = False

    def write_tick(self, tick_time: datetime, orders: Sequence[Any], inventory: Sequence[Any]) -> LedgerEntry:
        """`write` one tick whose facts are all documents in stored form."""
        return self.write([TickWrite(tick_time, (), {ORDERS.name: orders, INVENTORY.name: inventory})])

    def write(self, ticks: Sequence[TickWrite]) -> LedgerEntry:
        """Write consecutive ticks, in large batches; returns the counts so far of the newest one's minute.

        What is stored and counted is the same as if each tick were written by itself, its blocks first.
        After it returned, every fact is stored or in quarantine, acknowledged by the
        majority, and the ledger says so.  Raises FlashsaleError only for failures that are
        no document's fault; then the ticks can be written again.
        """
        tallies = self._tallies([tick.tick_time for tick in ticks])
        self._newest = ticks[-1].tick_time
        try:
            for run in runs(ticks):
                self._write_run([(tick, tallies[tick.tick_time]) for tick in run])
            entries = {tally.entry.minute: tally.entry for tally in tallies.values()}
            for entry in entries.values():
                # Their order depends on how ticks were put together.
                entry.refused = dict(sorted(entry.refused.items()))
            self._acknowledged("write the ledger", lambda: put_ledger(self._database, list(entries.values())))
            first_orders = [tally.first_order for tally in tallies.values() if tally.first_order is not None]
            if first_orders:
                self._note_first_order(first_orders[0])
        except BaseException:
            # Part of it may be stored: a second try of these ticks is a repeat.
            self._tried_through = self._newest
            raise
        last = tallies[ticks[-1].tick_time]
        self._ledger, self._tick_time, self._acked_in_tick = last.entry, last.tick_time, last.acked
        return last.entry

    def _tallies(self, tick_times: Sequence[datetime]) -> dict[datetime, TickTally]:
        """A tally for each tick; those of one minute add to the same counts."""
        if not tick_times or any(later <= one for one, later in pairwise(tick_times)):
            raise ValueError("ticks must be one or more, each later than the one before")
        entries = {minute: self._entry(minute) for minute in sorted({floor_minute(time) for time in tick_times})}
        return {
            time: TickTally(
                time,
                self._lateness,
                entries[floor_minute(time)],
                self._acked_in_tick.copy() if time == self._tick_time else AckedIds(),
            )
            for time in tick_times
        }

    def _entry(self, minute: datetime) -> LedgerEntry:
        """Counts that a tick adds to: those of its minute so far."""
        if self._ledger is not None and self._ledger.minute == minute:
            return replace(self._ledger, refused=dict(self._ledger.refused))
        if self._resumed:
            return LedgerEntry(minute, self._shard)
        return self._acknowledged("read the ledger", lambda: read_ledger(self._database, minute, self._shard))

    def _write_run(self, run: Sequence[tuple[TickWrite, TickTally]]) -> None:
        """Write ticks whose documents can wait for all their blocks."""
        for table in FACTS:
            blocks: list[tuple[TickTally, FactBlock]] = []
            documents: list[tuple[TickTally, Any]] = []
            for tick, tally in run:
                for block in tick.blocks:
                    if block.table.name == table.name:
                        block, ahead = part_ahead(block, self._max_ahead_ms)
                        blocks.append((tally, block))
                        documents += [(tally, document) for document in ahead]
                documents += [(tally, document) for document in tick.documents.get(table.name, ())]
            for portion in portions([block for _, block in blocks], MAX_ROWS):
                self._write_blocks([(blocks[index][0], blocks[index][1].part(rows)) for index, rows in portion])
            self._write_documents(table, documents)
            rejected = [entry for _, tally in run for entry in tally.take_rejected()]
            if rejected:
                doing = f"put {len(rejected)} documents in quarantine"
                self._acknowledged(doing, partial(put_in_quarantine, self._database, table.name, rejected))

    def _write_blocks(self, parts: Sequence[tuple[TickTally, FactBlock]]) -> None:
        """Write one table's blocks, few enough for one command, and count what became of each row."""
        blocks = [block for _, block in parts]
        others = self._insert(
            f"write {sum(map(len, blocks))} documents to {blocks[0].table.name}",
            lambda again: insert_blocks(self._database, blocks, careful=again),
        )
        for (tally, block), of_block in zip(parts, others, strict=True):
            tally.count_block(block, of_block, self._may_repeat(tally))

    def _write_documents(self, table: Table, documents: Sequence[tuple[TickTally, Any]]) -> None:
        """Write one table's documents and count what became of each."""
        encoded: list[RawBSONDocument] = []
        received: list[tuple[TickTally, Any]] = []
        for tally, document in documents:
            raw = encode_at_door(table, document, tally.tick_ms, self._max_ahead_ms)
            if isinstance(raw, Refusal):
                tally.refuse(document, raw)
            else:
                encoded.append(raw)
                received.append((tally, document))
        for part in batches(encoded):
            outcomes = self._insert_documents(table, encoded[part])
            for (tally, document), outcome in zip(received[part], outcomes, strict=True):
                tally.count(table, document, outcome, self._may_repeat(tally))

    def _insert_documents(self, table: Table, batch: Sequence[RawBSONDocument]) -> list[Outcome]:
        doing = f"write {len(batch)} documents to {table.name}"
        return self._insert(doing, lambda _: insert_facts(self._database, table, batch))

    def _insert(self, doing: str, insert: Callable[[bool], T]) -> T:
        """Result of `insert`, which is told whether it was tried before."""
        tries = 0

        def attempt() -> T:
            nonlocal tries
            tries += 1
            if tries > 1:
                # An earlier try may have stored some of them without our hearing of it.
                self._tried_through = self._newest
            return insert(tries > 1)

        return self._acknowledged(doing, attempt)

    def _may_repeat(self, tally: TickTally) -> bool:
        """Whether this tick, or part of it, may have been written before."""
        return self._resumed or (self._tried_through is not None and tally.tick_time <= self._tried_through)

    def _note_first_order(self, moment: datetime) -> None:
        if self._first_order_known:
            return
        sale_id = self._database.name.removeprefix("flashsale_")
        self._acknowledged("note the first order", lambda: set_first_order(self._database.client, sale_id, moment))
        self._first_order_known = True

    def _acknowledged(self, doing: str, attempt: Callable[[], T]) -> T:
        return until_acknowledged(doing, attempt, self._stop)
