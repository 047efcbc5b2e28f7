"""From a live minute that is computed to a snapshot that can be read: what surrounds the settled parts.

Decisions, alerts, scores and the data's quality are the live minute's alone: a backfill publishes nothing.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from flashsale.alerts.life import bad_pairs
from flashsale.alerts.view import alert_view, flood_of
from flashsale.decisions.rules import load_decision_rules
from flashsale.dimensions import planned_intensity
from flashsale.errors import NothingToDoError, SupersededRunError
from flashsale.minutes import MINUTE, floor_minute, iso
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from flashsale.stores.context import write_history, write_sale
from flashsale.stores.health import write_health
from flashsale.stores.mongo import Client
from flashsale.stores.redis_client import RedisClient
from flashsale.stores.sales import active_sale
from flashsale.stores.snapshots import current_snapshot_id, publish_snapshot
from spark_jobs.alert_desk import take_minute
from spark_jobs.data_quality import data_quality
from spark_jobs.drill_downs import drill_downs
from spark_jobs.forecast_scoring import score_forecasts
from spark_jobs.live_decisions import live_decisions
from spark_jobs.live_snapshot import ACTION_ROWS, action_rows, make_snapshot, trend_rows
from spark_jobs.minute_engine import MinuteEngine, UpToDate
from spark_jobs.stage_times import StageTimes
from spark_jobs.warehouse_details import warehouse_details

_LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 60
TREND_MINUTES = 60


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did; `snapshot_id` was read back from Redis; `forecast_seconds` of it went into the forecast."""

    snapshot_id: str
    orders: int
    complete: bool
    passes: int
    rebuilt_minutes: int
    seconds: float
    stages: str
    forecast_seconds: float

    def line(self) -> str:
        return (
            f"published {self.snapshot_id}: {self.orders} orders, complete={self.complete}, "
            f"{self.passes} passes, {self.rebuilt_minutes} minutes rolled up, {self.seconds:.2f} s; {self.stages}"
        )


def publish(
    redis: RedisClient,
    mongo: Client,
    engine: MinuteEngine,
    sale: SaleRun,
    settings: Settings,
    watermark: datetime,
    done: UpToDate,
    stages: StageTimes,
) -> RunReport:
    """Publish what the engine has done, and read it back; alerts and scores are stored before they are shown.

    Raises SupersededRunError when a newer snapshot is current, and FlashsaleError when the decision rules say no.
    """
    database = mongo[sale.database]
    end, rules = done.settled.end, load_decision_rules(settings.decisions)
    parts = {**done.settled.parts}
    quality = data_quality(database, done.window[-1], end)
    parts["headline"] = {**parts["headline"], "data_quality_score": quality["score"]}
    decisions = live_decisions(done.last, engine.dimensions, rules)
    refuse_unless_newest(redis, sale, end)
    book = take_minute(database, redis, sale.sale_id, bad_pairs(parts["products"], settings), end, rules.alerts)
    actions = action_rows(parts["products"], book.shown(), decisions, done.window, settings)
    shown = actions[:ACTION_ROWS]
    parts["alerts"] = alert_view(book.latest.values(), decisions, engine.dimensions.warehouse_names())
    parts["actions"] = {"total": len(actions), "rows": shown, **flood_of(shown, parts["alerts"])}
    parts["trend"] = trend_rows(engine.store.history(end - (TREND_MINUTES - 1) * MINUTE, end))
    parts["data_quality"] = quality
    parts["forecast_quality"] = score_forecasts(database, engine.store, end)
    complete = watermark >= end and done.lineage
    settled = complete and watermark >= end + settings.lateness
    snapshot = make_snapshot(
        sale.sale_id,
        end,
        watermark,
        parts,
        done.settled.texts,
        complete=complete,
        settled=settled,
        calibration_id=engine.calibration.calibration_id,
        details={
            **drill_downs(shown, done.last, decisions, book.shown()),
            **warehouse_details(
                parts["warehouses"], actions, book.shown(), done.last, done.window, settings.window_minutes
            ),
        },
    )
    campaigns = engine.dimensions.campaigns
    # A run of the sale before may end after another was opened: the page must not go back to it.
    active = active_sale(mongo).sale_id == sale.sale_id
    write_sale(redis, sale, planned_intensity(campaigns, sale.sale_start, sale.minutes), active=active)
    publish_snapshot(redis, sale.sale_id, snapshot, watermark, settings.superseded_ttl_minutes)
    stages.mark("publish")
    write_history(redis, sale.sale_id, end, {"headline": parts["headline"], "alerts": parts["alerts"]})
    report = RunReport(
        snapshot.snapshot_id,
        parts["headline"]["orders_per_minute"],
        complete,
        done.computed,
        done.rebuilt,
        sum(stages.seconds.values()),
        stages.line(),
        done.last.forecast_seconds,
    )
    write_health(redis, SaleKeys(sale.sale_id).health("kpi"), "ok", report.line(), PERIOD_SECONDS)
    _LOG.info(report.line())
    return report


def refuse_unless_newest(redis: RedisClient, sale: SaleRun, end: datetime) -> None:
    """Stop early what could not be published anyway, before it touches an alert."""
    if end <= floor_minute(sale.sale_start):
        raise NothingToDoError(f"sale {sale.sale_id} has no whole minute before {iso(end)}")
    current = current_snapshot_id(redis, sale.sale_id)
    if current is not None and interval_end_of(current) > end:
        raise SupersededRunError(f"minute {iso(end)}: {current} is already published; use backfill for older minutes")
