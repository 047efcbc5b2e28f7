"""
### backfill_kpis

Compute past minutes again: rollups, carried state and `kpi_history`. Never moves the published
snapshot and never raises an alert. Trigger it with `from` and `to` (UTC); it runs beside `minute_kpis`.

Minutes whose facts were archived are refused: they cannot be counted again from MongoDB.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from dags.pipeline import START, defaults


@dag(
    dag_id="backfill_kpis",
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(hours=1), retries=1, retry_delay=timedelta(seconds=10)),
    tags=["flashsale", "kpi", "backfill"],
    doc_md=__doc__,
    params={
        "from": Param(type="string", format="date-time", description="first minute, e.g. 2026-11-11T09:00:00Z"),
        "to": Param(type="string", format="date-time", description="end of the last minute (exclusive)"),
        "sale_id": Param(None, type=["null", "string"], description="empty: the live sale"),
    },
)
def backfill_kpis() -> None:
    @task
    def compute(**context: Any) -> int:
        from dags.outcome import told_in_one_line
        from flashsale.minutes import parse_iso
        from flashsale.settings import load_settings
        from spark_jobs import minute_kpis as job

        params = context["params"]
        with told_in_one_line():
            return job.backfill(load_settings(), parse_iso(params["from"]), parse_iso(params["to"]), params["sale_id"])

    compute()


backfill_kpis()
