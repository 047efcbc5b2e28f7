"""The minute job: facts to KPIs to one published snapshot, read back before it is called done."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from pymongo.database import Database

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, iso, utc_now
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Document, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs.health import failure_shown
from spark_jobs.hot_facts import refuse_archived
from spark_jobs.minute_engine import MinuteEngine
from spark_jobs.publication import PERIOD_SECONDS, RunReport, publish, refuse_unless_newest
from spark_jobs.session import spark_session
from spark_jobs.stage_times import StageTimes

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.05


def run(settings: Settings, end: datetime | None = None, sale_id: str | None = None) -> RunReport:
    """Compute and publish the snapshot of the minute that ends at `end` (default: the last whole one).

    Raises NothingToDoError before the sale's first whole minute, SupersededRunError when a
    newer snapshot is current, and FlashsaleError when a service or the data says no; the last
    good snapshot stays in every case.
    """
    stages = StageTimes.start()
    end = end or floor_minute(utc_now())
    with (
        failure_shown(settings, "kpi", PERIOD_SECONDS),
        redis_errors("minute KPIs"),
        mongo_errors("minute KPIs"),
        redis_client(settings, "publisher") as redis,
        mongo_client(settings, "jobs") as mongo,
    ):
        redis.ping()
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        refuse_unless_newest(redis, sale, end)
        check_sale(mongo, sale)
        stages.mark("connect")
        database = mongo[sale.database]
        watermark = _wait_for_watermark(database, end, settings.watermark_wait_seconds)
        # Read again: the first order may have arrived while we waited.
        sale = find_sale(mongo, sale.sale_id)
        stages.mark("watermark")
        with spark_session(settings, "minute") as spark:
            stages.mark("session")
            engine = MinuteEngine(spark, database, sale, settings, watermark)
            done = engine.update(end)
            stages.mark("spark")
            report = publish(redis, mongo, engine, sale, settings, watermark, done, stages)
            _fill_gap(engine, settings, end)
        return report


def backfill(
    settings: Settings,
    start: datetime,
    end: datetime,
    sale_id: str | None = None,
    progress: Callable[[int, datetime], None] | None = None,
) -> int:
    """Compute the minutes in ``[start, end)`` again: rollups, state and history, never the pointer or alerts.

    Oldest first, in stretches as long as a run rebuilds at once, so that memory does not grow with the
    range; what was computed stays when a later stretch fails.  After each, `progress` is told how many
    minutes are done, and up to when.
    Returns the number of minutes.  Raises FlashsaleError when a fact of the range is archived.
    """
    with mongo_errors("backfill"), mongo_client(settings, "jobs") as mongo:
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        check_sale(mongo, sale)
        database = mongo[sale.database]
        start = max(floor_minute(start), floor_minute(sale.sale_start))
        end = floor_minute(end)
        if end <= start:
            raise FlashsaleError(
                f"backfill: no whole minute of sale {sale.sale_id} between {iso(start)} and {iso(end)}"
            )
        watermark = read_watermark(database)
        if watermark is None or end > watermark:
            raise FlashsaleError(
                f"backfill: facts are complete up to {iso(watermark) if watermark else 'nowhere'}, asked for {iso(end)}"
            )
        refuse_archived(database, start, end)
        minutes = 0
        with spark_session(settings, "backfill") as spark:
            engine = MinuteEngine(spark, database, sale, settings, watermark)
            while start < end:
                until = min(end, start + settings.rebuild_limit_minutes * MINUTE)
                minutes += engine.update(until, start=start, force=True).computed
                start = until
                if progress is not None:
                    progress(minutes, until)
        return minutes


def _wait_for_watermark(database: Database[Document], end: datetime, seconds: float) -> datetime:
    deadline = time.monotonic() + seconds
    while True:
        watermark = read_watermark(database)
        if watermark is not None and (watermark >= end or time.monotonic() >= deadline):
            return watermark
        if time.monotonic() >= deadline:
            raise FlashsaleError(
                f"{database.name}: no shard of the generator has acknowledged a tick yet; is the generator running?"
            )
        time.sleep(_POLL_SECONDS)


def _fill_gap(engine: MinuteEngine, settings: Settings, end: datetime) -> None:
    """After a long outage: compute the oldest missing minutes, a bounded number per run."""
    horizon = end - settings.rebuild_limit_minutes * MINUTE
    gap = engine.oldest_gap(horizon)
    if gap is not None:
        until = min(horizon, gap + (settings.rebuild_limit_minutes // 2) * MINUTE)
        filled = engine.update(until, start=gap - MINUTE).computed
        _LOG.info("filled %d missing minutes from %s", filled, iso(gap))
