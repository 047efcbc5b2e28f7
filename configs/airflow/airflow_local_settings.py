"""Import what tasks need before Airflow forks them.

Tasks fork from the scheduler, so that a module it has imported costs them nothing;
a minute task would otherwise spend 3 to 4 CPU seconds importing the Spark client.
Only imports: a connection opened here would be shared by every child.
"""

import importlib
import sys

PRELOADED = (
    "pandas",
    "pyarrow",
    "pyarrow.parquet",
    "pymongo",
    "redis",
    "hdfs",
    "grpc",
    "pyspark.sql.connect.session",
    "flashsale.settings",
    "spark_jobs.minute_kpis",
    "spark_jobs.archive_facts",
    "spark_jobs.seed_dimensions",
)

if "scheduler" in sys.argv[1:2]:
    for name in PRELOADED:
        importlib.import_module(name)
