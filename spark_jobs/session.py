"""The one Spark session factory: a client of the warm Spark Connect server, or the driver itself."""

import re
import socket
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.settings import Settings
from spark_jobs.submitted_session import SUBMITTED, submitted_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SESSION_CONF = {
    # Minutes are UTC whatever the server's clock says.
    "spark.sql.session.timeZone": "UTC",
    # Driver-side tables are small: in one partition their joins and aggregates need no shuffle.
    "spark.sql.leafNodeDefaultParallelism": "1",
    # Adaptive planning waits for stage statistics; these plans are a few stages of small data.
    "spark.sql.adaptive.enabled": "false",
}

DEFAULT_PORT = 15002
_SESSIONS = uuid.UUID("5f1a5a1e-0000-4000-8000-000000000000")
_GENERATIONS = 100
_WORTH_COMPILING = 20_000
_DETAILS = re.compile(r'details = "([^"]*)"')
_USER = "flashsale"
CONNECT_SECONDS = 3.0
# A server that went away in mid-run is given some 3 s; a minute job cannot wait longer.
_RETRIES: dict[str, Any] = {"max_retries": 4, "max_backoff": 2_000, "max_server_retry_delay": 2_000}


_COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


@contextmanager
def interpreted(spark: "SparkSession", rows: int) -> Iterator[None]:
    """Run plans over tables of at most `rows` rows without generating code, unless they are large.

    Compiling a plan over a few thousand rows costs Spark more than running it.  Two runs in one
    session may take each other's way: it changes their speed, and nothing else.
    """
    if rows > _WORTH_COMPILING:
        yield
        return
    for key, value in _INTERPRETED.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in _COMPILED.items():
            spark.conf.set(key, value)


@contextmanager
def spark_session(settings: Settings, role: str) -> Iterator["SparkSession"]:
    """The session of `role` on the server at `settings.spark_remote`, or the driver's own under spark-submit.

    Raises ServiceUnavailableError when Spark does not answer or goes away.
    """
    conf = {**_SESSION_CONF, "spark.sql.shuffle.partitions": str(settings.spark_parallelism)}
    if settings.spark_remote == SUBMITTED:
        with submitted_session(conf) as spark:
            yield spark
    else:
        with _connected_session(settings, role, conf) as spark:
            yield spark


@contextmanager
def _connected_session(settings: Settings, role: str, conf: Mapping[str, str]) -> Iterator["SparkSession"]:
    """The server's session outlives the process that uses it.

    With it live the Python workers that read facts: they are slow to start, and a server
    does not end those of a session that was released.
    """
    import grpc
    from pyspark.errors import PySparkException

    _refuse_unless_listening(settings)
    # The client would say it in two lines of its own before it raises the error that says it.
    warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)
    spark: SparkSession | None = None
    try:
        spark = _attached(settings, role, conf)
        yield spark
    except grpc.RpcError as error:
        raise _unavailable(settings, _grpc_text(error)) from error
    except PySparkException as error:
        # The client's own name for a broken connection; what Spark itself answers has subclasses.
        if type(error).__name__ == "SparkConnectGrpcException":
            raise _unavailable(settings, _grpc_details(str(error))) from error
        raise FlashsaleError(f"Spark: {spark_reason(str(error))[:250]}") from error
    finally:
        if spark is not None:
            _close(spark)


def spark_reason(text: str) -> str:
    """What a message of Spark comes down to: of a Python worker's traceback, the line that says why."""
    _, traceback, rest = text.partition("Traceback (most recent call last):")
    reasons = [line for line in rest.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    return one_line(Exception(reasons[0] if traceback and reasons else text))


def _attached(settings: Settings, role: str, conf: Mapping[str, str]) -> "SparkSession":
    """The role's session, or its successor where the server closed it after a day without a run."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    for generation in range(_GENERATIONS):
        session_id = uuid.uuid5(_SESSIONS, f"{role}.{generation}")
        # Any: a client's session has more than the common type says.
        spark: Any = SparkSession.builder.remote(f"{_with_token(settings)};session_id={session_id}").create()
        spark.release_session_on_close = False
        spark.client.set_retry_policies([DefaultPolicy(**_RETRIES)])
        try:
            for key, value in conf.items():
                spark.conf.set(key, value)
        except PySparkException as error:
            _close(spark)
            if "SESSION_CLOSED" not in str(error):
                raise
        else:
            return cast("SparkSession", spark)
    raise FlashsaleError(
        f"Spark Connect at {settings.spark_remote} closed {_GENERATIONS} sessions of {role}; restart it"
    )


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
    login = f"/;user_id={_USER}"
    if urlsplit(remote).hostname == "localhost":
        login += f";token={settings.secret('spark_connect')}"
    return remote + login


def _close(spark: "SparkSession") -> None:
    """Let go of the connection; a server that is gone has nothing to let go of."""
    import grpc
    from pyspark.errors import PySparkException

    try:
        spark.stop()
    except (grpc.RpcError, PySparkException):
        return


def _grpc_text(error: Exception) -> str:
    details = getattr(error, "details", None)
    return _grpc_details(str(details() if callable(details) else error))


def _grpc_details(text: str) -> str:
    """Of gRPC's report of a call, what it says went wrong."""
    found = _DETAILS.search(text)
    return one_line(Exception(found[1] if found else text))[:160]
