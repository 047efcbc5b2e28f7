"""Minutes that are computed to be compared: kept in memory, so that nothing is written to the live store."""

from datetime import datetime
from typing import Any

from pymongo.database import Database

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, iso
from flashsale.stores.mongo import Document
from spark_jobs.carried_state import CarriedState
from spark_jobs.minute_store import MinuteStore, RollupMeta, StateMeta
from spark_jobs.pair_columns import PairColumns
from spark_jobs.rollups import MinuteRollup


class ReplayedMinutes(MinuteStore):
    """A minute store that starts from what the live one knew before the first replayed minute.

    `computed`: end of each minute -> its headline and digest.
    """

    def __init__(
        self,
        database: Database[Document],
        before: tuple[datetime, CarriedState, StateMeta] | None,
        stock: tuple[datetime, PairColumns] | None,
    ) -> None:
        """`before`: end and state of the minute before; `stock`: pw part of the minute before the first window."""
        super().__init__(database)
        self.computed: dict[datetime, tuple[dict[str, Any], str]] = {}
        self._states = {before[0]: before[1:]} if before else {}
        self._stock = dict([stock]) if stock else {}
        self._rollups: dict[datetime, tuple[MinuteRollup, RollupMeta]] = {}

    def forget_before(self, minute: datetime) -> None:
        """Let go of rollups and states that no later minute needs."""
        self._rollups = {m: kept for m, kept in self._rollups.items() if m >= minute}
        self._states = {end: kept for end, kept in self._states.items() if end >= minute}

    def rollup_metas(self, start: datetime, end: datetime) -> dict[datetime, RollupMeta]:
        return {minute: meta for minute, (_, meta) in self._rollups.items() if start <= minute < end}

    def load_rollup(self, minute: datetime) -> MinuteRollup:
        return self._rollups[minute][0]

    def load_stock(self, minute: datetime) -> PairColumns | None:
        return self._rollups[minute][0].pw if minute in self._rollups else self._stock.get(minute)

    def last_rollup_before(self, minute: datetime) -> datetime | None:
        return max((m for m in (*self._rollups, *self._stock) if m < minute), default=None)

    def save_rollup(self, rollup: MinuteRollup, facts: dict[str, int], _: datetime) -> None:
        meta = RollupMeta(rollup.digest(), rollup.pw.digest(), rollup.carried_digest, facts)
        self._rollups[rollup.minute] = (rollup, meta)

    def state_metas(self, start: datetime, end: datetime) -> dict[datetime, StateMeta]:
        return {minute: meta for minute, (_, meta) in self._states.items() if start <= minute <= end}

    def load_state(self, end: datetime) -> CarriedState:
        return self._states[end][0]

    def save_state(self, end: datetime, state: CarriedState, meta: StateMeta, _: datetime) -> None:
        self._states[end] = (state, meta)

    def save_history(self, end: datetime, headline: dict[str, Any], digest: str, *_: object) -> None:
        self.computed[end] = (headline, digest)

    def _replace(self, collection: str, key: datetime, watermark: datetime, fields: Document) -> None:
        raise NotImplementedError(f"{collection} of {iso(key)}: a replay writes to no store")

    def settle(self, end: datetime, watermark: datetime) -> None:
        raise NotImplementedError(f"minute {iso(end)}: a replay settles nothing")


def state_before(live: MinuteStore, start: datetime, first_minute: datetime) -> tuple[CarriedState, StateMeta] | None:
    """What the minute that ends at `start` carried on; None at the sale's start.  Raises FlashsaleError when gone."""
    if start <= first_minute:
        return None
    meta = live.state_metas(start, start).get(start)
    if meta is None or not meta.settled:
        raise FlashsaleError(
            f"replay: the minute before {iso(start)} is not settled, so nothing tells what it carried on; "
            f"start at {iso(first_minute)} or after a settled minute"
        )
    return live.load_state(start), meta


def minute_before_window(start: datetime, first_minute: datetime, window_minutes: int) -> datetime | None:
    """The minute whose closing stock the first window carries on; None when it begins with the sale."""
    window_from = start + MINUTE - window_minutes * MINUTE
    return window_from - MINUTE if window_from > first_minute else None
