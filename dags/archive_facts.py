"""
### archive_facts

Every five minutes: facts of settled minutes older than `FLASHSALE_ARCHIVE_AGE_MINUTES` move to
`/flashsale/<sale>/archive/<table>/date=YYYY-MM-DD/hour=HH/` on HDFS as Parquet.

A batch is written to a staging folder, read back, compared with what was sealed, renamed into
place beside its manifest, and only then deleted from MongoDB, by id. Every step can be
interrupted and run again.
"""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task

from dags.pipeline import START, defaults, health_callbacks

PERIOD = timedelta(minutes=5)


@dag(
    dag_id="archive_facts",
    schedule=CronDataIntervalTimetable("*/5 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(seconds=290),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(seconds=240), retries=1, retry_delay=timedelta(seconds=10)),
    tags=["flashsale", "archive"],
    doc_md=__doc__,
    **health_callbacks(PERIOD),
)
def archive_facts() -> None:
    @task
    def archive() -> str:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.archive_facts import run

        with told_in_one_line():
            return run(load_settings()).line()

    archive()


archive_facts()
