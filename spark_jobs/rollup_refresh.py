"""Which minutes' rollups are missing or stale, and building those from the facts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from flashsale.minutes import MINUTE, minutes_between
from flashsale.schema import INVENTORY, ORDERS
from flashsale.settings import Settings
from spark_jobs import rollup_transforms
from spark_jobs.bot_orders import bot_sums, no_bots, ranges_of, suspect_products
from spark_jobs.facts import time_slices
from spark_jobs.hot_facts import FactSource
from spark_jobs.minute_store import MinuteStore, RollupMeta
from spark_jobs.pair_columns import PairColumns
from spark_jobs.rollups import (
    PW_COLUMNS,
    MinuteRollup,
    build_rollups,
    counted_facts,
    that_count,
    unsound_facts,
)

_ORDER_COLUMNS = ("order_ts", "arrived_at", "product_id", "warehouse_id", "city_id", "order_qty", "order_value")
_BOT_COLUMNS = (*_ORDER_COLUMNS, "seller_id")
_INVENTORY_COLUMNS = tuple(field.name for field in INVENTORY.fields)


@dataclass(frozen=True)
class _Aggregated:
    """`orders` and `inventory` as `rollup_transforms` returns them, of the facts that count.

    `facts`: table -> minute -> facts read, the others among them; `unsound` of them are bad.
    `bots`: what `bot_orders` found among the orders.
    """

    orders: pa.Table
    inventory: pa.Table
    facts: dict[str, dict[datetime, int]]
    unsound: int
    bots: pa.Table

    @classmethod
    def of(cls, orders: pa.Table, inventory: pa.Table) -> "_Aggregated":
        return cls(
            that_count(orders),
            that_count(inventory),
            {ORDERS.name: counted_facts(orders, "orders"), INVENTORY.name: counted_facts(inventory, "delay_count")},
            unsound_facts(orders, "orders") + unsound_facts(inventory, "delay_count"),
            no_bots(),
        )

    def counts(self, minute: datetime) -> dict[str, int]:
        """Facts of `minute` by table."""
        return {name: by_minute.get(minute, 0) for name, by_minute in self.facts.items()}


class RollupRefresh:
    """Rollups of one sale, as its facts stand at `watermark`."""

    def __init__(
        self,
        facts: FactSource,
        store: MinuteStore,
        first_minute: datetime,
        settings: Settings,
        watermark: datetime,
    ) -> None:
        self._facts = facts
        self._store = store
        self._first_minute = first_minute
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
        stale = [m for m in minutes_between(needed_from, end) if m not in metas]
        known = [m for m in minutes_between(open_from, end) if m in metas]
        stale += [m for m in known if force or metas[m].facts != self._facts.count(m)]
        stale += [m for m, meta in metas.items() if m - MINUTE in metas and meta.carried != metas[m - MINUTE].pw]
        if not stale:
            return metas, {}
        # A changed minute may close with another stock, which all later ones carry on.
        from_minute = min(stale)
        self._facts.require(from_minute, end)
        minutes = list(minutes_between(from_minute, end))
        facts = self._aggregated(from_minute, end)
        stock, stock_digest = self._stock_before(from_minute)
        rebuilt = {}
        for rollup in build_rollups(minutes, stock, facts.orders, facts.inventory, facts.bots, stock_digest):
            counted = facts.counts(rollup.minute)
            self._store.save_rollup(rollup, counted, self._watermark)
            rebuilt[rollup.minute] = rollup
            metas[rollup.minute] = RollupMeta(rollup.digest(), rollup.pw.digest(), rollup.carried_digest, counted)
        return metas, rebuilt

    def _aggregated(self, start: datetime, end: datetime) -> "_Aggregated":
        """What Spark makes of the facts of ``[start, end)``, bad ones out of the way."""
        self._facts.sweep_ends()
        read = self._read(start, end)
        if read.unsound:
            self._facts.sweep(start, end)
            # One that slips in from now on does not count, and the next run moves it.
            read = self._read(start, end)
        return replace(read, bots=self._bots(suspect_products(read.orders)))

    def _read(self, start: datetime, end: datetime) -> "_Aggregated":
        lateness, workers = self._settings.lateness, self._settings.spark_parallelism
        # Long ranges in more parts than workers: a burst in one of them is shared out.
        ranges = time_slices(start, end, max(workers, int((end - start) / MINUTE)))
        frames = (
            rollup_transforms.order_aggregates(self._facts.rows(ORDERS, ranges, _ORDER_COLUMNS), lateness),
            rollup_transforms.inventory_aggregates(self._facts.rows(INVENTORY, ranges, _INVENTORY_COLUMNS), lateness),
        )
        with ThreadPoolExecutor(len(frames)) as pool:
            orders, inventory = pool.map(lambda frame: frame.toArrow(), frames)
        return _Aggregated.of(orders, inventory)

    def _bots(self, suspects: dict[datetime, tuple[int, ...]]) -> pa.Table:
        """What machines bought, as far as the orders of `suspects` (minute -> products), read once more, tell."""
        if not suspects:
            return no_bots()
        orders = self._facts.rows(ORDERS, ranges_of(suspects, self._settings.spark_parallelism), _BOT_COLUMNS)
        return bot_sums(orders, self._settings.lateness).toArrow()

    def _stock_before(self, start: datetime) -> tuple[PairColumns, str | None]:
        """The pw part `start` carries on from, and the digest it is stored under if that is still known."""
        previous = self._store.last_rollup_before(start)
        if previous is None:
            return PairColumns.empty(PW_COLUMNS), None
        # The digest first: of a part replaced in between, the older is named, and the next run builds again.
        meta = self._store.rollup_metas(previous, previous + MINUTE).get(previous)
        stock = self._store.load_stock(previous)
        return stock or PairColumns.empty(PW_COLUMNS), meta.pw if stock and meta else None
