"""Spark's daemon of Python workers, with what they need already loaded: a worker is then forked in no time.

Named by ``spark.python.daemon.module``; a worker that idles for a minute is ended, and the next run
gets a new one.
"""

import pyarrow.compute
from pyspark import daemon

from spark_jobs import fact_source, pair_columns

_LOADED = (pyarrow.compute, fact_source, pair_columns)

if __name__ == "__main__":
    daemon.manager()
