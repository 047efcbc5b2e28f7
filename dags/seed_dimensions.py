"""
### seed_dimensions

Daily, and whenever triggered: write the live sale's products, warehouses, cities, campaigns and
announced shipments to MongoDB, and their names to Redis. The start-up of the stack does the same;
repeating it changes nothing.
"""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task

from dags.pipeline import START, defaults, health_callbacks


@dag(
    dag_id="seed_dimensions",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    is_paused_upon_creation=False,
    default_args=defaults(timedelta(minutes=4), retries=2, retry_delay=timedelta(seconds=10)),
    tags=["flashsale", "dimensions"],
    doc_md=__doc__,
    **health_callbacks(timedelta(days=1)),
)
def seed_dimensions() -> None:
    @task
    def seed() -> str:
        from dags.outcome import told_in_one_line
        from flashsale.settings import load_settings
        from spark_jobs.seed_dimensions import seed as run

        with told_in_one_line():
            return run(load_settings()).line()

    seed()


seed_dimensions()
