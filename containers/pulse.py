"""What the running pipeline says of itself, as one JSON object: `status` and `doctor` ask for it.

Runs where the jobs run: it needs the secrets ``redis_publisher`` and ``mongo_jobs`` and
Airflow's log folder.  What does not answer is named under ``troubles``; the rest is told all the same.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from containers.airflow_pulse import import_errors, paused_dags
from containers.dag_logs import DagError, last_error, log_folder
from flashsale.errors import FlashsaleError, exit_with_one_line, one_line
from flashsale.minutes import iso, parse_iso, utc_now
from flashsale.settings import Settings, load_settings
from flashsale.stores.context import active_sale_id, read_sale
from flashsale.stores.health import Health, read_health
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.redis_client import RedisClient, redis_client, redis_errors
from flashsale.stores.sales import active_sale
from flashsale.stores.snapshots import current_snapshot_id, read_parts

DAGS = ("minute_kpis", "archive_facts", "archive_maintenance", "retention", "seed_dimensions", "backfill_kpis")
PARTS = ("kpi", "archive", "archive_verification", "notifier")

Pulse = dict[str, Any]


def read_pulse(settings: Settings) -> Pulse:
    """The sale, the age of its figures and facts (seconds), the health of the jobs and of the DAGs."""
    now = utc_now()
    pulse: Pulse = {"now": iso(now), "troubles": {}}
    health: dict[str, Health | None] = {}
    paused: frozenset[str] = frozenset()
    with _troubles(pulse, "redis"), redis_errors("published KPIs"), redis_client(settings, "publisher") as redis:
        pulse |= _published(redis, now)
        if pulse["sale_id"] is not None:
            tails = {part: part for part in PARTS} | {dag: f"dag:{dag}" for dag in DAGS}
            health = read_health(redis, pulse["sale_id"], tails)
    with _troubles(pulse, "mongo"), mongo_errors("watermark"), mongo_client(settings, "jobs") as mongo:
        watermark = read_watermark(mongo[active_sale(mongo).database])
        pulse["watermark_age_seconds"] = None if watermark is None else (now - watermark).total_seconds()
    with _troubles(pulse, "airflow"):
        paused = paused_dags()
        pulse["import_errors"] = import_errors()
    pulse["parts"] = {part: health.get(part) for part in PARTS}
    pulse["dags"] = {dag: _dag(dag, health.get(dag), dag in paused) for dag in DAGS}
    return pulse


def _published(redis: RedisClient, now: datetime) -> Pulse:
    """The live sale and its current snapshot; ages count from the time the figures are complete to."""
    sale_id = active_sale_id(redis)
    sale = read_sale(redis, sale_id) if sale_id else None
    snapshot = current_snapshot_id(redis, sale_id) if sale_id else None
    text = read_parts(redis, sale_id, snapshot, ("meta",))["meta"] if sale_id and snapshot else None
    pulse: Pulse = {
        "sale_id": sale_id,
        "phase": sale["phase"] if sale else None,
        "sale_start": sale["sale_start"] if sale else None,
        "snapshot_id": None,
        "snapshot_age_seconds": None,
        "complete": None,
    }
    if text is not None:
        meta = json.loads(text)
        through = parse_iso(meta["data_interval_end"])
        if meta["watermark"] is not None:
            through = min(through, parse_iso(meta["watermark"]))
        pulse["snapshot_id"], pulse["complete"] = snapshot, meta["complete"]
        pulse["snapshot_age_seconds"] = (now - through).total_seconds()
    return pulse


def _dag(dag_id: str, health: Health | None, paused: bool) -> Pulse:
    """State of a DAG: the newer of what its callback wrote and what its newest try logged."""
    folder = log_folder()
    logged = last_error(folder, dag_id) if folder else None
    state, at, error = (health["state"], health["at"], health["detail"]) if health else (None, None, "")
    if logged is not None and _counts(logged, health):
        state, at, error = "failed", iso(logged.at), logged.line
    return {"state": state, "at": at, "error": error if state == "failed" else "", "paused": paused}


def _counts(logged: DagError, health: Health | None) -> bool:
    """An error of an earlier try tells why the DAG is red; it does not make a green one red."""
    if health is not None and health["state"] == "failed":
        return True
    return logged.of_newest_try and (health is None or logged.at > parse_iso(health["at"]))


@contextmanager
def _troubles(pulse: Pulse, part: str) -> Iterator[None]:
    """Note a known failure of the block under ``troubles`` and go on."""
    try:
        yield
    except FlashsaleError as error:
        pulse["troubles"][part] = one_line(error)


def main() -> int:
    """Entry point; returns the exit code."""

    def tell() -> int:
        sys.stdout.write(json.dumps(read_pulse(load_settings())) + "\n")
        return 0

    return exit_with_one_line(tell)


if __name__ == "__main__":
    raise SystemExit(main())
