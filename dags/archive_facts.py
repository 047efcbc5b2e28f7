"""
### archive_facts

Every five minutes: facts of settled minutes older than `FLASHSALE_ARCHIVE_AGE_MINUTES`, quarantined
documents of that age, and the rollups and history that nothing needs any more move to
`/flashsale/<sale>/archive/<table>/date=YYYY-MM-DD/hour=HH/` on HDFS as Parquet.

A batch is written to a staging folder, read back, compared with what was sealed, renamed into
place beside its manifest, and only then deleted from MongoDB, by id. Every step can be
interrupted and run again.

The task has the pool `archive` for itself, takes at most `FLASHSALE_ARCHIVE_ROWS_PER_SECOND` and waits while
a minute's KPIs are worked out. Above `FLASHSALE_ARCHIVE_HIGH_MB` of hot data it takes minutes as soon as they
are final, until `FLASHSALE_ARCHIVE_LOW_MB`. Its return value tells the rows of each table.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from dags.pipeline import START, defaults, health_callbacks, lowest_priority
from flashsale.airflow_pools import ARCHIVE_POOL

PERIOD = timedelta(minutes=5)


@dag(
    dag_id="archive_facts",
    schedule=CronDataIntervalTimetable("*/5 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(seconds=290),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(seconds=240), retries=3, retry_delay=timedelta(seconds=15)),
    tags=["flashsale", "archive"],
    doc_md=__doc__,
    **health_callbacks(PERIOD),
)
def archive_facts() -> None:
    @task(pool=ARCHIVE_POOL)
    def archive() -> dict[str, Any]:
        from dataclasses import asdict

        from dags.outcome import told_in_one_line
        from flashsale.minutes import iso
        from flashsale.settings import load_settings
        from spark_jobs.archive_facts import run

        with told_in_one_line(), lowest_priority():
            report = run(load_settings())
            return {**asdict(report), "until": iso(report.until), "line": report.line()}

    archive()


archive_facts()
