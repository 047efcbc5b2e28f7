"""Rollups and carried state in MongoDB: one document a minute, replaced as a whole.

``kpi_rollup_pw`` and ``kpi_rollup_pwc`` are keyed by the minute's start, ``kpi_state`` and
``kpi_history`` by its end.  A single-document replace is atomic, so a reader sees one
version of a minute and never half of it.  Each document carries the watermark it was
computed at, and only gives way to one of the same or a later watermark: of two runs that
overlap, the better informed wins, whoever is faster.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, iso, minutes_between, utc_now
from flashsale.schema import KPI_HISTORY, KPI_STATE, ROLLUP_PW, ROLLUP_PWC, SETTLED_INDEX
from flashsale.stores.mongo import Document
from spark_jobs.carried_state import CarriedState
from spark_jobs.pair_columns import PairColumns, decode, encode
from spark_jobs.rollups import MinuteRollup, pw_columns


@dataclass(frozen=True, slots=True)
class RollupMeta:
    """What is known of a stored rollup without loading it.

    `facts` counts the facts it was built from; `carried` and `pw` tell whether it carries
    on from the minute before as that stands now.
    """

    digest: str
    pw: str
    carried: str
    facts: dict[str, int]


@dataclass(frozen=True, slots=True)
class StateMeta:
    """`settled`: final; `lineage`: every minute of the sale before it was computed too."""

    digest: str
    inputs_digest: str
    settled: bool
    lineage: bool


def first_open_end(settled: Collection[datetime], first_minute: datetime, before: datetime) -> datetime:
    """End of the oldest minute from `first_minute` on that is not among the `settled` ends; at most `before`."""
    for minute_end in minutes_between(first_minute + MINUTE, before):
        if minute_end not in settled:
            return minute_end
    return before


class MinuteStore:
    """Minutes of one sale."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database

    def rollup_metas(self, start: datetime, end: datetime) -> dict[datetime, RollupMeta]:
        """Rollups of the minutes in ``[start, end)`` whose two parts stand and agree."""
        spans = {"_id": {"$gte": start, "$lt": end}}
        cities = {d["_id"]: d["digest"] for d in self._database[ROLLUP_PWC].find(spans, {"digest": 1})}
        metas = {}
        for document in self._database[ROLLUP_PW].find(spans, {"rows": 0}):
            # The finer part leaves after 15 minutes; for a window that needs it, its absence is a gap.
            if cities.get(document["_id"]) == document["pwc_digest"]:
                metas[document["_id"]] = RollupMeta(
                    document["digest"] + document["pwc_digest"],
                    document["digest"],
                    document["carried_digest"],
                    document["facts"],
                )
        return metas

    def load_rollup(self, minute: datetime) -> MinuteRollup:
        """Raises FlashsaleError when a part is missing: what needs it can be built by the next run."""
        pw = self._database[ROLLUP_PW].find_one({"_id": minute})
        pwc = self._database[ROLLUP_PWC].find_one({"_id": minute})
        if pw is None or pwc is None:
            raise self._gone(f"rollup of {iso(minute)}")
        columns = pw_columns(decode(pw["rows"]))
        return MinuteRollup(minute, columns, decode(pwc["rows"]), pw["carried_digest"])

    def load_stock(self, minute: datetime) -> PairColumns | None:
        """The pw part alone, from which the next minute carries on; None when there is none."""
        document = self._database[ROLLUP_PW].find_one({"_id": minute})
        return pw_columns(decode(document["rows"])) if document else None

    def last_rollup_before(self, minute: datetime) -> datetime | None:
        document = self._database[ROLLUP_PW].find_one({"_id": {"$lt": minute}}, {"_id": 1}, sort=[("_id", -1)])
        return document["_id"] if document else None

    def save_rollup(self, rollup: MinuteRollup, facts: dict[str, int], watermark: datetime) -> None:
        """Store both parts; the coarse one, which names the fine one's digest, last."""
        pwc = encode(rollup.pwc)
        pwc_digest = rollup.pwc_digest
        self._replace(ROLLUP_PWC, rollup.minute, watermark, {"digest": pwc_digest, "rows": pwc})
        self._replace(
            ROLLUP_PW,
            rollup.minute,
            watermark,
            {
                "digest": rollup.pw.digest(),
                "pwc_digest": pwc_digest,
                "facts": facts,
                "carried_digest": rollup.carried_digest,
                "orders": rollup.orders,
                "rows": encode(rollup.pw.to_arrow()),
            },
        )

    def state_metas(self, start: datetime, end: datetime) -> dict[datetime, StateMeta]:
        """States of the minutes ending in ``[start, end]``."""
        cursor = self._database[KPI_STATE].find({"_id": {"$gte": start, "$lte": end}}, {"pairs": 0, "mix": 0})
        return {d["_id"]: StateMeta(d["digest"], d["inputs_digest"], d["settled"], d["lineage"]) for d in cursor}

    def load_state(self, end: datetime) -> CarriedState:
        """Raises FlashsaleError when there is none."""
        document = self._database[KPI_STATE].find_one({"_id": end})
        if document is None:
            raise self._gone(f"state at {iso(end)}")
        return CarriedState.read(decode(document["pairs"]), decode(document["mix"]))

    def save_state(self, end: datetime, state: CarriedState, meta: StateMeta, watermark: datetime) -> None:
        self._replace(
            KPI_STATE,
            end,
            watermark,
            {
                "digest": meta.digest,
                "inputs_digest": meta.inputs_digest,
                "settled": meta.settled,
                "lineage": meta.lineage,
                "pairs": encode(state.pairs),
                "mix": encode(state.mix),
            },
        )

    def save_history(
        self, end: datetime, headline: dict[str, Any], digest: str, settled: bool, watermark: datetime
    ) -> None:
        self._replace(KPI_HISTORY, end, watermark, {"headline": headline, "digest": digest, "settled": settled})

    def settle(self, end: datetime, watermark: datetime) -> None:
        """Mark a minute final whose inputs did not change since it was computed."""
        change = {"settled": True, "watermark": watermark}
        self._database[KPI_HISTORY].update_one({"_id": end}, {"$set": change})
        self._database[KPI_STATE].update_one({"_id": end}, {"$set": {**change, "lineage": True}})

    def settled_ends(self, start: datetime, end: datetime) -> set[datetime]:
        """Ends in ``[start, end]`` of the minutes that are final; answered by an index alone."""
        query = {"settled": True, "_id": {"$gte": start, "$lte": end}}
        return {d["_id"] for d in self._database[KPI_STATE].find(query, {"_id": 1}).hint(SETTLED_INDEX)}

    def first_open_end(self, first_minute: datetime, before: datetime) -> datetime:
        """`first_open_end` of the minutes stored."""
        return first_open_end(self.settled_ends(first_minute + MINUTE, before), first_minute, before)

    def history(self, start: datetime, end: datetime) -> list[Document]:
        """History of the minutes ending in ``[start, end]``, oldest first."""
        return list(self._database[KPI_HISTORY].find({"_id": {"$gte": start, "$lte": end}}).sort("_id", 1))

    def _gone(self, what: str) -> FlashsaleError:
        return FlashsaleError(f"{self._database.name}: the {what} went while it was needed; run again")

    def _replace(self, collection: str, key: datetime, watermark: datetime, fields: Document) -> None:
        document = {**fields, "watermark": watermark, "computed_at": utc_now()}
        try:
            self._database[collection].replace_one(
                {"_id": key, "watermark": {"$lte": watermark}}, document, upsert=True
            )
        except DuplicateKeyError:
            # A run with a later watermark was here: its version knows everything ours does.
            return
