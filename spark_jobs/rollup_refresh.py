"""Which minutes' rollups are missing or stale, and building those from the facts."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pymongo.database import Database

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, iso, minutes_between, utc_now
from flashsale.schema import ARCHIVE_BATCHES, FACTS, INVENTORY, ORDERS
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs import rollup_transforms
from spark_jobs.facts import read_facts
from spark_jobs.minute_store import MinuteStore, RollupMeta
from spark_jobs.pair_columns import PairColumns
from spark_jobs.rollups import PW_COLUMNS, MinuteRollup, build_rollups, known_only
from spark_jobs.sweep import FactSweep, KnownIds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ORDER_COLUMNS = ("order_ts", "arrived_at", "product_id", "warehouse_id", "city_id", "order_qty", "order_value")


class RollupRefresh:
    """Rollups of one sale, as its facts stand at `watermark`."""

    def __init__(
        self,
        spark: "SparkSession",
        database: Database[Document],
        store: MinuteStore,
        first_minute: datetime,
        known: KnownIds,
        settings: Settings,
        watermark: datetime,
    ) -> None:
        self._spark = spark
        self._database = database
        self._store = store
        self._first_minute = first_minute
        self._known = known
        self._settings = settings
        self._watermark = watermark

    def refresh(
        self, first_pass: datetime, end: datetime, *, force: bool
    ) -> tuple[dict[datetime, RollupMeta], dict[datetime, MinuteRollup]]:
        """Rollup metas of every minute the passes from `first_pass` to `end` need, and the rollups built anew.

        A minute is built when it is missing, when the index-only count of its facts changed, or
        when the minute before it closes otherwise than it carries on from.  Raises
        FlashsaleError when the facts of such a minute were archived.
        """
        open_from = first_pass - MINUTE
        needed_from = max(self._first_minute, first_pass - self._settings.window)
        metas = self._store.rollup_metas(needed_from, end)
        counts = {minute: self._count_facts(minute) for minute in minutes_between(open_from, end)}
        stale = [m for m in minutes_between(needed_from, end) if m not in metas]
        stale += [m for m, facts in counts.items() if m in metas and (force or metas[m].facts != facts)]
        stale += [m for m, meta in metas.items() if m - MINUTE in metas and meta.carried != metas[m - MINUTE].pw]
        if not stale:
            return metas, {}
        # A changed minute may close with another stock, which all later ones carry on.
        from_minute = min(stale)
        refuse_archived(self._database, from_minute, end)
        self._sweep(from_minute, end)
        minutes = list(minutes_between(from_minute, end))
        facts = {minute: self._count_facts(minute) for minute in minutes}
        rebuilt = {}
        for rollup in self._build(minutes):
            self._store.save_rollup(rollup, facts[rollup.minute], self._watermark)
            rebuilt[rollup.minute] = rollup
            metas[rollup.minute] = RollupMeta(
                rollup.digest(), rollup.pw.digest(), rollup.carried_digest, facts[rollup.minute]
            )
        return metas, rebuilt

    def _build(self, minutes: list[datetime]) -> list[MinuteRollup]:
        start, end = minutes[0], minutes[-1] + MINUTE
        name, lateness = self._database.name, self._settings.lateness
        orders = rollup_transforms.order_aggregates(
            read_facts(self._spark, name, ORDERS, start, end, _ORDER_COLUMNS), lateness
        ).toArrow()
        inventory = rollup_transforms.inventory_aggregates(
            read_facts(self._spark, name, INVENTORY, start, end), lateness
        ).toArrow()
        previous = self._store.last_rollup_before(start)
        carried = self._store.load_stock(previous) if previous else None
        return build_rollups(
            minutes,
            carried or PairColumns.empty(PW_COLUMNS),
            known_only(orders, self._known.by_field(ORDERS)),
            known_only(inventory, self._known.by_field(INVENTORY)),
        )

    def _sweep(self, start: datetime, end: datetime) -> None:
        """Move bad facts of the minutes in ``[start, end)``, and of no minute of the sale, to quarantine."""
        # Facts after `end` are the next minutes' and good; ones ahead of every clock are not.
        ahead = timedelta(seconds=self._settings.max_ahead_seconds)
        latest = max(utc_now(), self._watermark) + ahead
        sweep = FactSweep(self._database, self._known, self._first_minute, latest, ahead)
        for table in FACTS:
            sweep.minutes(table, start, end)
            sweep.outside(table)

    def _count_facts(self, minute: datetime) -> dict[str, int]:
        """Facts of a minute by table, counted on the index alone."""
        return {
            table.name: self._database[table.name].count_documents(
                {table.event_time or "": {"$gte": minute, "$lt": minute + MINUTE}}, hint=[(table.event_time or "", 1)]
            )
            for table in FACTS
        }


def refuse_archived(database: Database[Document], start: datetime, end: datetime) -> None:
    """Raise FlashsaleError when facts of ``[start, end)`` left MongoDB: counting the rest would be wrong."""
    batch = database[ARCHIVE_BATCHES].find_one(
        {"table": {"$in": [table.name for table in FACTS]}, "start": {"$lt": end}, "end": {"$gt": start}}
    )
    if batch is not None:
        raise FlashsaleError(
            f"facts from {iso(batch['start'])} to {iso(batch['end'])} are archived (batch {batch['_id']}), "
            f"so minutes from {iso(start)} cannot be counted again from MongoDB; choose later ones"
        )
