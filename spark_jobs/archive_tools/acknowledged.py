"""What the writer acknowledged, minute by minute of arrival, against what was found."""

from collections import Counter
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pymongo.database import Database

from flashsale.minutes import MINUTE, epoch_ms, floor_minute, iso
from flashsale.schema import INGEST_LEDGER
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Document
from spark_jobs.archive_tools.placement import Findings

MOST_TOLD = 20
"""Lines about one kind of trouble; what is beyond is counted."""
_MINUTE_MS = 60_000


class Acknowledged:
    """Distinct ids the writer saw stored, of the minutes it is done with; and facts found so far."""

    def __init__(self, database: Database[Document]) -> None:
        complete = read_watermark(database)
        before = floor_minute(complete) if complete else None
        self._acked: Counter[datetime] = Counter()
        self._found: Counter[int] = Counter()
        for entry in database[INGEST_LEDGER].find({}, {"acked": 1}):
            minute = entry["_id"]["minute"]
            if before is not None and minute + MINUTE <= before:
                self._acked[minute] += entry["acked"]

    @property
    def minutes(self) -> int:
        return len(self._acked)

    def found_one(self, arrived_at: object) -> None:
        """A fact with this time of arrival stands somewhere; one without a time is nobody's."""
        if isinstance(arrived_at, datetime):
            self._found[_number(arrived_at)] += 1

    def found(self, arrived_ms: npt.NDArray[np.int64]) -> None:
        """Facts stand somewhere that arrived then (epoch ms)."""
        minutes, counts = np.unique(arrived_ms // _MINUTE_MS, return_counts=True)
        self._found.update(dict(zip(minutes.tolist(), counts.tolist(), strict=True)))

    def compare(self, findings: Findings) -> None:
        """A minute with fewer facts than were acknowledged is wrong; one with more was not written by the writer."""
        missing = {minute: acked - self._found[_number(minute)] for minute, acked in self._acked.items()}
        lost = sorted(minute for minute, count in missing.items() if count > 0)
        for minute in lost[:MOST_TOLD]:
            findings.wrong.append(
                f"minute {iso(minute)}: the writer acknowledged {self._acked[minute]:,} facts, "
                f"{missing[minute]:,} of them are nowhere"
            )
        if len(lost) > MOST_TOLD:
            findings.wrong.append(f"{len(lost) - MOST_TOLD:,} more minutes lack facts that the writer acknowledged")
        extra = [minute for minute, count in missing.items() if count < 0]
        if extra:
            findings.notes.append(
                f"{len(extra):,} minutes, the first {iso(min(extra))}, hold facts that no writer acknowledged"
            )


def _number(moment: datetime) -> int:
    return epoch_ms(moment) // _MINUTE_MS
