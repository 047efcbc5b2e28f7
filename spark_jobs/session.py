"""The one Spark session factory: a client of the warm Spark Connect server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SESSION_CONF = {
    # Minutes are UTC whatever the server's clock says.
    "spark.sql.session.timeZone": "UTC",
    # Two cores, small aggregates: more shuffle partitions only cost scheduling.
    "spark.sql.shuffle.partitions": "2",
    # Driver-side tables are small: in one partition their joins and aggregates need no shuffle.
    "spark.sql.leafNodeDefaultParallelism": "1",
    # Adaptive planning waits for stage statistics; these plans are a few stages of small data.
    "spark.sql.adaptive.enabled": "false",
}

DEFAULT_PORT = 15002
CONNECT_SECONDS = 3.0
# A server that went away in mid-run is given some 3 s; a minute job cannot wait longer.
_RETRIES: dict[str, Any] = {"max_retries": 4, "max_backoff": 2_000, "max_server_retry_delay": 2_000}

_COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


@contextmanager
def interpreted(spark: "SparkSession") -> Iterator[None]:
    """Run plans over small driver-side tables without generating code.

    Compiling such a plan costs Spark more than running it: a third of the KPI pass's CPU.
    Plans over facts stay compiled.
    """
    for key, value in _INTERPRETED.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in _COMPILED.items():
            spark.conf.set(key, value)


@contextmanager
def spark_session(settings: Settings) -> Iterator["SparkSession"]:
    """A session of its own on the server at `settings.spark_remote`, released at the end.

    Raises ServiceUnavailableError when the server does not answer or goes away.
    """
    import grpc
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    _refuse_unless_listening(settings)
    builder = SparkSession.builder.remote(_with_token(settings))
    spark: SparkSession | None = None
    try:
        spark = builder.create()
        spark.client.set_retry_policies([DefaultPolicy(**_RETRIES)])
        for key, value in _SESSION_CONF.items():
            spark.conf.set(key, value)
        yield spark
    except grpc.RpcError as error:
        raise _unavailable(settings, _grpc_text(error)) from error
    except PySparkException as error:
        # The client's own name for a broken connection; what Spark itself answers has subclasses.
        if type(error).__name__ == "SparkConnectGrpcException":
            raise _unavailable(settings, one_line(error)[:160]) from error
        raise FlashsaleError(f"Spark: {one_line(error)[:250]}") from error
    finally:
        if spark is not None:
            _release(spark)


def _refuse_unless_listening(settings: Settings) -> None:
    """Fail at once when nobody listens; the client would knock for ten minutes."""
    address = urlsplit(settings.spark_remote)
    try:
        socket.create_connection((address.hostname or "", address.port or DEFAULT_PORT), CONNECT_SECONDS).close()
    except OSError as error:
        raise _unavailable(settings, str(error)) from error


def _unavailable(settings: Settings, why: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(f"Spark Connect at {settings.spark_remote} does not answer ({why})")


def _with_token(settings: Settings) -> str:
    """The server on this machine asks for a token; one in a cluster is reached through its own network."""
    remote = settings.spark_remote
    return f"{remote}/;token={settings.secret('spark_connect')}" if urlsplit(remote).hostname == "localhost" else remote


def _release(spark: "SparkSession") -> None:
    import grpc
    from pyspark.errors import PySparkException

    try:
        spark.stop()
    except (grpc.RpcError, PySparkException):
        # The server is gone, and its session with it: nothing is left to release.
        return


def _grpc_text(error: Exception) -> str:
    details = getattr(error, "details", None)
    return one_line(Exception(details() if callable(details) else error))[:160]
