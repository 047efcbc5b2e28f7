"""Health checks of our own images: ``python -I -S health.py <service>`` exits 0 when the service does its work.

The engine runs one every few seconds in every container: only the standard library, nothing imported
that is not needed, so that a check costs some 20 ms and not a second.
"""

import json
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence

TIMEOUT_SECONDS = 5
WRITER_SECONDS = 20
HEARTBEAT = "FLASHSALE_HEARTBEAT_FILE"


class UnhealthyError(Exception):
    """What is wrong, in one line."""


def get(url: str) -> str:
    """The text at `url`; whatever goes wrong is told by the exception."""
    # A proxy of the environment must not stand between a service and its own check.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
        text: str = answer.read().decode()
    return text


def need(condition: bool, what: str) -> None:
    if not condition:
        raise UnhealthyError(what)


def airflow_part(part: str) -> None:
    """The API server tells of its parts; it answers 200 even when one is ill."""
    status = (json.loads(get("http://airflow-api:8080/api/v2/monitor/health")).get(part) or {}).get("status")
    need(status == "healthy", f"{part} is {status}")


def airflow_api() -> None:
    airflow_part("metadatabase")


def airflow_scheduler() -> None:
    # Its own server knows at once; the API server may still tell of the one before it.
    get("http://127.0.0.1:8974/health")
    airflow_part("scheduler")


def airflow_dag_processor() -> None:
    airflow_part("dag_processor")


def spark_master() -> None:
    need(json.loads(get("http://127.0.0.1:8080/json/"))["status"] == "ALIVE", "the master is not the active one")


def spark_worker() -> None:
    """The master counts this worker among the living."""
    name = socket.gethostname()
    workers = json.loads(get("http://spark-master:8080/json/"))["workers"]
    need(any(w["host"] == name and w["state"] == "ALIVE" for w in workers), "the master does not know this worker")


def spark_connect() -> None:
    """Clients are listened to, and there is an executor to run what they ask for."""
    socket.create_connection(("127.0.0.1", 15002), TIMEOUT_SECONDS).close()
    base = "http://127.0.0.1:4040/api/v1/applications"
    (application,) = json.loads(get(base))
    executors = json.loads(get(f"{base}/{application['id']}/executors"))
    need(any(e["id"] != "driver" for e in executors), "there is no executor")


def generator() -> None:
    """A tick was acknowledged by MongoDB a moment ago."""
    try:
        age = time.time() - os.stat(os.environ[HEARTBEAT]).st_mtime  # noqa: PTH116 - pathlib is half of what a check costs
    except FileNotFoundError:
        raise UnhealthyError("nothing was acknowledged yet") from None
    need(age <= WRITER_SECONDS, f"the last acknowledged tick is {age:.0f} s old")


def notifier() -> None:
    """It looked, and could write what it saw, a moment ago."""
    try:
        age = time.time() - os.stat(os.environ[HEARTBEAT]).st_mtime  # noqa: PTH116
    except FileNotFoundError:
        raise UnhealthyError("it has not looked yet") from None
    allowed = 3 * float(os.environ.get("FLASHSALE_NOTIFY_LOOK_SECONDS") or 10) + 15
    need(age <= allowed, f"its last look is {age:.0f} s old")


def dashboard() -> None:
    need(get("http://127.0.0.1:8501/_stcore/health").strip() == "ok", "the page's server is not well")
    need("<title>" in get("http://127.0.0.1:8501/"), "the page is empty")


CHECKS: dict[str, Callable[[], None]] = {
    "airflow-api": airflow_api,
    "airflow-scheduler": airflow_scheduler,
    "airflow-dag-processor": airflow_dag_processor,
    "spark-master": spark_master,
    "spark-worker": spark_worker,
    "spark-connect": spark_connect,
    "generator": generator,
    "dashboard": dashboard,
    "notifier": notifier,
}


def main(arguments: Sequence[str]) -> int:
    """Run the named check; 0 when well, 1 with one line on stdout when not."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        sys.stdout.write(f"usage: health.py {'|'.join(CHECKS)}\n")
        return 2
    try:
        CHECKS[arguments[0]]()
    except Exception as error:
        sys.stdout.write(f"{arguments[0]}: {' '.join(str(error).split()) or type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
