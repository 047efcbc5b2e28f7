"""
### archive_maintenance

Daily, in the quiet hour: looks after what the archive holds.

* **compact**: the small files of each closed hour become one; readers see the old ones or the new one, never both.
* **verify**: every file is read to its last byte, and each acknowledged id must stand exactly once in MongoDB, in the
  archive, or in quarantine. A finding fails the task and is told as the health of `archive verification`; nothing is
  deleted or repaired.
* **report**: hours, states, sizes and compression of each table.

All have the pool `archive`, so neither runs beside `archive_facts`. Each task's return value has its counts.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from dags.pipeline import START, defaults, health_callbacks, lowest_priority
from flashsale.airflow_pools import ARCHIVE_POOL

PERIOD = timedelta(days=1)


@dag(
    dag_id="archive_maintenance",
    schedule=CronDataIntervalTimetable("30 22 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    dagrun_timeout=timedelta(hours=8),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(hours=2), retries=1, retry_delay=timedelta(minutes=5)),
    tags=["flashsale", "archive"],
    doc_md=__doc__,
    **health_callbacks(PERIOD),
)
def archive_maintenance() -> None:
    @task(pool=ARCHIVE_POOL)
    def compact() -> list[str]:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.archive_tools.compact import compact

        with told_in_one_line(), lowest_priority():
            return [done.line() for done in compact(load_settings())]

    @task(pool=ARCHIVE_POOL)
    def verify() -> str:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.archive_maintenance import verify_and_tell

        with told_in_one_line(), lowest_priority():
            return verify_and_tell(load_settings()).line()

    @task(pool=ARCHIVE_POOL, trigger_rule="all_done")
    def report() -> dict[str, Any]:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.archive_tools.status import status

        with told_in_one_line(), lowest_priority():
            return status(load_settings()).plain()

    compact() >> verify() >> report()


archive_maintenance()
