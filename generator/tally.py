"""Counts of one tick while it is written: nothing is added to the ledger before all of it is through."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from flashsale.minutes import MINUTE, epoch_ms, from_epoch_ms
from flashsale.schema import ORDERS, Table
from flashsale.stores.ingest import LedgerEntry
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import quarantine_entry
from generator.door import Refusal, moment_ms
from generator.encoding import FactBlock
from generator.facts import IntArray
from generator.insertion import Outcome

_MINUTE_MS = MINUTE // timedelta(milliseconds=1)


class AckedIds:
    """Ids acknowledged in one tick, per table; put into a set only when somebody asks, which is seldom."""

    def __init__(self) -> None:
        self._ids: set[tuple[str, int]] = set()
        self._unread: list[tuple[str, IntArray]] = []

    def copy(self) -> "AckedIds":
        """These ids; what is added to the copy is added to it alone."""
        other = AckedIds()
        other._ids, other._unread = set(self._ids), list(self._unread)
        return other

    def add(self, table: Table, ids: IntArray) -> None:
        self._unread.append((table.name, ids))

    def has(self, table: Table, number: int) -> bool:
        for name, ids in self._unread:
            self._ids.update((name, one) for one in ids.tolist())
        self._unread = []
        return (table.name, number) in self._ids


class TickTally:
    """Adds this tick to `entry`, the counts of its minute so far, and to `acked`, the ids of the tick so far."""

    def __init__(self, tick_time: datetime, lateness: timedelta, entry: LedgerEntry, acked: AckedIds) -> None:
        self.tick_time = tick_time
        self.tick_ms = epoch_ms(tick_time)
        self.entry = entry
        self.acked = acked
        self._lateness_ms = lateness // timedelta(milliseconds=1)
        self._first_order_ms: int | None = None
        self._rejected: list[Document] = []

    @property
    def first_order(self) -> datetime | None:
        """Earliest order time among what was acknowledged in this tick."""
        return None if self._first_order_ms is None else from_epoch_ms(self._first_order_ms)

    def count_block(self, block: FactBlock, others: Mapping[int, Outcome], may_repeat: bool) -> None:
        """Count the rows of `block`: acknowledged, save those of `others`, whose outcome is told by row."""
        ids, event_ms = block.ids, block.event_ms
        if others:
            stored = np.ones(len(block), dtype=np.bool_)
            stored[list(others)] = False
            ids, event_ms = ids[stored], event_ms[stored]
        self._acknowledge(block.table, ids, event_ms, block.arrived_ms)
        for row in sorted(others):
            self.count(block.table, block.document(row), others[row], may_repeat)

    def count(self, table: Table, document: Document, outcome: Outcome, may_repeat: bool) -> None:
        """Count what became of `document`; `may_repeat`: this tick may have been written before."""
        if outcome.refusal is not None:
            self.refuse(document, outcome.refusal, conflict=outcome.kind == "conflict")
        elif outcome.kind == "stored" or (may_repeat and self._is_own(table, document)):
            ids = np.array([int(document["_id"])])
            event_ms = np.array([moment_ms(document[table.event_time or ""])])
            self._acknowledge(table, ids, event_ms, moment_ms(document["arrived_at"]))
        else:
            self.entry.duplicate_same += 1

    def refuse(self, document: Any, refusal: Refusal, *, conflict: bool = False) -> None:
        """Count `document` as refused, or as conflicting, and keep it for quarantine."""
        if conflict:
            self.entry.duplicate_conflict += 1
        else:
            self.entry.refused[refusal.reason] = self.entry.refused.get(refusal.reason, 0) + 1
        origin: Literal["refused", "conflict"] = "conflict" if conflict else "refused"
        entry = quarantine_entry(document, origin, refusal.reason, self.tick_time, refusal.detail)
        self._rejected.append(entry)

    def take_rejected(self) -> list[Document]:
        """Quarantine entries collected since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected

    def _is_own(self, table: Table, document: Document) -> bool:
        """Whether a document found stored was put there by an earlier try of this very tick.

        A duplicate of an older fact arrived with an older tick; a second copy within this
        tick finds its id counted already.
        """
        arrived_in_tick = moment_ms(document["arrived_at"]) == self.tick_ms
        return arrived_in_tick and not self.acked.has(table, int(document["_id"]))

    def _acknowledge(self, table: Table, ids: IntArray, event_ms: IntArray, arrived_ms: int) -> None:
        if not len(ids):
            return
        self.acked.add(table, ids)
        self.entry.acked += len(ids)
        # Late is what happened before this moment: whose minute, and the lateness allowed, had ended on arrival.
        late_before = (arrived_ms - self._lateness_ms) // _MINUTE_MS * _MINUTE_MS
        first = int(event_ms.min())
        if first < late_before:
            self.entry.late += int(np.count_nonzero(event_ms < late_before))
        if table.name == ORDERS.name and (self._first_order_ms is None or first < self._first_order_ms):
            self._first_order_ms = first
