"""
### minute_kpis

Every minute: facts of the minute that just closed become rollups, KPIs, and one snapshot in Redis.

* **Green** means that a snapshot was published and read back. **Skipped** means that there was
  nothing to publish: the sale has not begun, or a newer snapshot is already current.
* **Red** says why in one line; the last good snapshot stays.
* After an outage the newest minute runs first and rebuilds what its window misses.
* To compute past minutes again, trigger `backfill_kpis`.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from dags.pipeline import START, defaults, every_minute, health_callbacks, interval_end


@dag(
    dag_id="minute_kpis",
    schedule=every_minute(),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(seconds=58),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(seconds=50), retries=2, retry_delay=timedelta(seconds=5)),
    tags=["flashsale", "kpi"],
    doc_md=__doc__,
    **health_callbacks(timedelta(minutes=1)),
)
def minute_kpis() -> None:
    @task
    def publish(**context: Any) -> str:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs import minute_kpis as job

        with told_in_one_line():
            return job.run(load_settings(), interval_end(context)).line()

    publish()


minute_kpis()
