"""
### retention

Every ten minutes: drop what nothing needs any more. The line each task returns says what was
dropped and what was kept.

* **drop_rollups**: `kpi_rollup_pwc` by age. `kpi_rollup_pw`, `kpi_history` and the quarantines leave by
  `archive_facts`, once archived; `kpi_state` stays.
* **clean_airflow**: logs older than `FLASHSALE_AIRFLOW_KEEP_DAYS` or beyond `FLASHSALE_AIRFLOW_LOGS_MB`;
  every six hours the rows of such runs, where `FLASHSALE_AIRFLOW_DATABASE` tells the database.
"""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task

from dags.pipeline import START, defaults, health_callbacks

PERIOD = timedelta(minutes=10)


@dag(
    dag_id="retention",
    schedule=CronDataIntervalTimetable("*/10 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    # The minute job must always find a free slot.
    max_active_tasks=1,
    dagrun_timeout=timedelta(seconds=580),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(seconds=240), retries=1, retry_delay=timedelta(seconds=10)),
    tags=["flashsale", "retention"],
    doc_md=__doc__,
    **health_callbacks(PERIOD),
)
def retention() -> None:
    @task
    def drop_rollups() -> str:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.retention import run

        with told_in_one_line():
            return run(load_settings()).line()

    @task
    def clean_airflow() -> str:
        from pathlib import Path

        from airflow.configuration import conf

        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.retention_airflow import run

        with told_in_one_line():
            return run(load_settings(), Path(conf.get_mandatory_value("logging", "base_log_folder")))

    drop_rollups()
    clean_airflow()


retention()
