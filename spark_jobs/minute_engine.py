"""Bring the minutes of a sale up to date: rollups first, then one pass per minute, in order.

Works like a build tool.  A minute's KPIs are a function of its inputs (the window's rollups,
the state carried from the minute before, the dimensions, the rules); their digest is stored
with the result, and a minute is computed again only when it differs.  So a run after an
outage, a rerun, a backfill and a late fact are all the same code.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pymongo.database import Database

from flashsale import CONTRACT_VERSION
from flashsale.calibration import Calibration, load_calibration
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, iso, minutes_between
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs.carried_state import EMPTY, CarriedState
from spark_jobs.dimensions import SaleDimensions
from spark_jobs.hot_facts import FactSource, HotFacts
from spark_jobs.minute_pass import MinutePass, compute_minute
from spark_jobs.minute_store import MinuteStore, StateMeta
from spark_jobs.open_shipments import OpenShipments
from spark_jobs.rollup_refresh import RollupRefresh
from spark_jobs.rollups import MinuteRollup
from spark_jobs.sale_outlook import SaleOutlook
from spark_jobs.snapshot_parts import SettledParts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class UpToDate:
    """Outcome of `MinuteEngine.update`: the last minute's parts and pass, its rollups, and how far to trust it.

    `lineage`: every minute of the sale before it was computed too, so the carried state is exact.
    """

    settled: SettledParts
    last: MinutePass
    window: list[MinuteRollup]
    lineage: bool
    computed: int
    rebuilt: int


class MinuteEngine:
    """Minutes of one sale, as known at `watermark`."""

    def __init__(
        self,
        spark: "SparkSession",
        database: Database[Document],
        sale: SaleRun,
        settings: Settings,
        watermark: datetime,
        *,
        store: MinuteStore | None = None,
        facts: Callable[[HotFacts], FactSource] | None = None,
    ) -> None:
        """By default minutes are stored in MongoDB, where their facts are; `facts` makes another source of those."""
        self._spark = spark
        self._sale = sale
        self._settings = settings
        self._watermark = watermark
        self._dimensions = SaleDimensions.read(database)
        self._rules = _rules_digest(sale, settings, self._dimensions)
        calibration = load_calibration(settings.calibration)
        shipments = OpenShipments.read(database)
        self._outlook = SaleOutlook(sale, self._dimensions, shipments, calibration, settings.value_horizon_minutes)
        self.store = store or MinuteStore(database)
        self.first_minute = floor_minute(sale.sale_start)
        known = self._dimensions.known_ids()
        hot = HotFacts(spark, database, self.first_minute, known, settings, watermark)
        source = facts(hot) if facts else hot
        self._rollups = RollupRefresh(source, self.store, self.first_minute, settings, watermark)

    @property
    def calibration(self) -> Calibration:
        return self._outlook.calibration

    @property
    def dimensions(self) -> SaleDimensions:
        return self._dimensions

    def update(self, end: datetime, *, start: datetime | None = None, force: bool = False) -> UpToDate:
        """Compute what is missing or stale of the minutes ending in ``(start, end]``.

        By default it starts at the oldest minute not settled, if that lies within one and a
        half times rebuild_limit_minutes, else at `end` - rebuild_limit_minutes.  With `force`
        the whole range is computed again from the facts.  Raises FlashsaleError when `end` lies before the
        sale's first whole minute.
        """
        if end <= self.first_minute:
            raise FlashsaleError(f"minute {iso(end)}: sale {self._sale.sale_id} starts at {iso(self._sale.sale_start)}")
        start = max(self.first_minute, start if start is not None else self._live_start(end))
        states = self.store.state_metas(start + MINUTE, end)
        first_pass = start + MINUTE if force else self._first_open(start, end, states)
        metas, rebuilt = self._rollups.refresh(first_pass, end, force=force)
        loaded: dict[datetime, MinuteRollup] = dict(rebuilt)
        state, state_digest, lineage = self._state_before(first_pass)
        computed = 0
        for minute_end in minutes_between(first_pass, end + MINUTE):
            window_minutes = [m for m in minutes_between(minute_end - self._settings.window, minute_end) if m in metas]
            foreseen = self._outlook.digest(minute_end)
            inputs = _digest([metas[m].digest for m in window_minutes], state_digest, self._rules, foreseen)
            settled = lineage and self._watermark >= minute_end + self._settings.lateness
            stored = states.get(minute_end)
            if stored and stored.inputs_digest == inputs and minute_end != end and not force:
                if settled and not stored.settled:
                    self.store.settle(minute_end, self._watermark)
                state, state_digest = self.store.load_state(minute_end), stored.digest
                continue
            for minute in window_minutes:
                if minute not in loaded:
                    loaded[minute] = self.store.load_rollup(minute)
            window = [loaded[m] for m in window_minutes]
            result = compute_minute(
                self._spark, self._sale, self._settings, self._dimensions, self._outlook, minute_end, window, state
            )
            state, state_digest = result.state, result.state.digest()
            parts = self._save(result, StateMeta(state_digest, inputs, settled, lineage))
            computed += 1
        return UpToDate(parts, result, window, lineage, computed, len(rebuilt))

    def _live_start(self, end: datetime) -> datetime:
        # The slack lets a run reach back to where the filling of a long gap has come to.
        limit = self._settings.rebuild_limit_minutes * MINUTE
        gap = self.oldest_gap(end)
        return gap - MINUTE if gap is not None and end - gap <= 1.5 * limit else end - limit

    def oldest_gap(self, before: datetime) -> datetime | None:
        """End of the oldest minute before `before` that was never settled; None when all were."""
        gap = self.store.first_open_end(self.first_minute, before)
        return gap if gap < before else None

    def _first_open(self, start: datetime, end: datetime, states: dict[datetime, StateMeta]) -> datetime:
        for minute_end in minutes_between(start + MINUTE, end):
            if minute_end not in states or not states[minute_end].settled:
                return minute_end
        return end

    def _state_before(self, first_pass: datetime) -> tuple[CarriedState, str, bool]:
        before = first_pass - MINUTE
        if before <= self.first_minute:
            return EMPTY, EMPTY.digest(), True
        meta = self.store.state_metas(before, before).get(before)
        if meta is None:
            # A long outage left a gap: go on without, say so, and compute again once it is filled.
            return EMPTY, EMPTY.digest(), False
        return self.store.load_state(before), meta.digest, meta.lineage

    def _save(self, result: MinutePass, meta: StateMeta) -> SettledParts:
        parts = SettledParts.of(result, self._dimensions)
        # The state last: once it says settled, no later run looks at this minute again.
        self.store.save_history(result.end, dict(parts.headline), parts.digest, meta.settled, self._watermark)
        self.store.save_state(result.end, result.state, meta, self._watermark)
        return parts


def _rules_digest(sale: SaleRun, settings: Settings, dimensions: SaleDimensions) -> str:
    rules = settings.model_dump(
        include={
            "window_minutes",
            "lateness_minutes",
            "at_risk_eta_minutes",
            "at_risk_p15",
            "value_horizon_minutes",
            "overload_window_minutes",
            "overload_load",
            "overload_delay_minutes",
            "risk_window_minutes",
        }
    )
    first = iso(sale.first_order_ts) if sale.first_order_ts else ""
    return _digest([str(CONTRACT_VERSION), repr(sorted(rules.items())), dimensions.digest()], first, sale.sale_id)


def _digest(parts: list[str], *more: str) -> str:
    return hashlib.sha256("\n".join([*parts, *more]).encode()).hexdigest()
