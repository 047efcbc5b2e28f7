"""The Spark session of the `spark-submit` that started this process: the job is the driver itself.

Chosen by ``FLASHSALE_SPARK_REMOTE=submit``; master, jars and memory are what `spark-submit` was told.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUBMITTED = "submit"
_GATEWAY = "PYSPARK_GATEWAY_PORT"  # set by spark-submit for the Python process it starts
# Left in the environment by a process that used Connect before it started spark-submit.
_OF_CONNECT = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE")


def started_by_spark_submit() -> bool:
    """Whether this process is the Python half of a driver."""
    return _GATEWAY in os.environ


@contextmanager
def submitted_session(conf: Mapping[str, str]) -> Iterator["SparkSession"]:
    """The driver's session with `conf` set, stopped at the end.

    Raises FlashsaleError when no spark-submit started this process, and when Spark refuses;
    ServiceUnavailableError when the driver's JVM or the master goes away.
    """
    from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    from spark_jobs.session import spark_reason  # which imports this module

    if not started_by_spark_submit():
        raise FlashsaleError(
            f"FLASHSALE_SPARK_REMOTE={SUBMITTED}: spark-submit did not start this process; start it with "
            "`spark-submit --properties-file FILE` (`flashsale-kpi submit-conf` writes FILE), or name a server, sc://HOST:PORT"
        )
    for name in _OF_CONNECT:
        os.environ.pop(name, None)
    spark: SparkSession | None = None
    try:
        spark = SparkSession.builder.getOrCreate()
        for key, value in conf.items():
            spark.conf.set(key, value)
        yield spark
    except Py4JJavaError as error:
        # Its text is a stack trace: the first line of Java's own message says what it was.
        raise FlashsaleError(f"Spark: {_java_message(str(error))[:250]}") from error
    except PySparkException as error:
        raise FlashsaleError(f"Spark: {spark_reason(str(error))[:250]}") from error
    except (Py4JNetworkError, ConnectionError, Py4JError) as error:
        raise ServiceUnavailableError(f"Spark: the driver's JVM does not answer ({one_line(error)[:160]})") from error
    finally:
        if spark is not None:
            _stop(spark)


def _java_message(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line.removeprefix(": ") for line in lines if line.startswith(": ")]
    return " ".join((named or lines or ["no message"])[0].split())


def _stop(spark: "SparkSession") -> None:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        spark.stop()
    except (Py4JError, PySparkException, ConnectionError):
        # The JVM is gone, and the session with it: nothing is left to stop.
        return
