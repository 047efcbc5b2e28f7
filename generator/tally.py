"""Counts of one tick while it is written: nothing is added to the ledger before all of it is through."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flashsale.minutes import MINUTE, epoch_ms, from_epoch_ms
from flashsale.schema import ORDERS, Table
from flashsale.stores.ingest import LedgerEntry
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import quarantine_entry
from generator.door import Refusal, moment_ms
from generator.insertion import Outcome

_MINUTE_MS = MINUTE // timedelta(milliseconds=1)

AckedId = tuple[str, int]
"""(table, id)."""


class TickTally:
    """`entry` is `before` plus this tick; `acked` the ids acknowledged in it so far."""

    def __init__(self, tick_time: datetime, lateness: timedelta, before: LedgerEntry, acked: set[AckedId]) -> None:
        self.tick_time = tick_time
        self.entry = replace(before, refused=dict(before.refused))
        self.acked = set(acked)
        self.tick_ms = epoch_ms(tick_time)
        self._lateness_ms = lateness // timedelta(milliseconds=1)
        self._first_order_ms: int | None = None
        self._rejected: list[Document] = []

    @property
    def first_order(self) -> datetime | None:
        """Earliest order time among what was acknowledged in this tick."""
        return None if self._first_order_ms is None else from_epoch_ms(self._first_order_ms)

    def count(self, table: Table, document: Document, outcome: Outcome, may_repeat: bool) -> None:
        """Count what became of `document`; `may_repeat`: this tick may have been written before."""
        if outcome.refusal is not None:
            self.refuse(document, outcome.refusal, conflict=outcome.kind == "conflict")
        elif outcome.kind == "stored" or (may_repeat and self._is_own(table, document)):
            self._acknowledge(table, document)
        else:
            self.entry.duplicate_same += 1

    def refuse(self, document: Any, refusal: Refusal, *, conflict: bool = False) -> None:
        """Count `document` as refused, or as conflicting, and keep it for quarantine."""
        if conflict:
            self.entry.duplicate_conflict += 1
        else:
            self.entry.refused[refusal.reason] = self.entry.refused.get(refusal.reason, 0) + 1
        self._rejected.append(
            quarantine_entry(
                document, "conflict" if conflict else "refused", refusal.reason, self.tick_time, refusal.detail
            )
        )

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
        return arrived_in_tick and (table.name, int(document["_id"])) not in self.acked

    def _acknowledge(self, table: Table, document: Document) -> None:
        self.acked.add((table.name, int(document["_id"])))
        self.entry.acked += 1
        event_ms = moment_ms(document[table.event_time or ""])
        end_of_minute = (event_ms // _MINUTE_MS + 1) * _MINUTE_MS
        if moment_ms(document["arrived_at"]) >= end_of_minute + self._lateness_ms:
            self.entry.late += 1
        if table.name == ORDERS.name and (self._first_order_ms is None or event_ms < self._first_order_ms):
            self._first_order_ms = event_ms
