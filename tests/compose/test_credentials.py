"""Every credential refuses: without login, with a wrong one, and beyond its rights."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from flashsale.redis_keys import SaleKeys
from tests.compose.stack import ComposeStack, inside
from tests.support.airflow_api import AirflowApi

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]


def test_mongodb(stack: ComposeStack) -> None:
    sale = stack.published()["sale_id"]
    outcome = json.loads(stack.one_off("sale", inside("mongo_rights"), sale))
    unauthorized, failed = 13, 18
    assert outcome == {
        "nobody reads": unauthorized,
        "nobody makes a user": unauthorized,
        "wrong password": failed,
        "generator reads orders": "allowed",
        "generator deletes": unauthorized,
        "generator reads KPIs": unauthorized,
        "jobs inserts an order": unauthorized,
        "jobs makes a user": unauthorized,
        "notifier reads orders": unauthorized,
        "notifier writes its outbox": "allowed",
        "notifier writes alerts": unauthorized,
        "jobs reads the outbox": unauthorized,
    }


def test_redis(stack: ComposeStack) -> None:
    keys = SaleKeys(stack.published()["sale_id"])
    key, stream = keys.current, keys.alert_commands
    attempts = [
        ["nobody", None, "GET", key],
        ["wrong password", "wrong", "GET", key],
        ["read: get", "dashboard_read", "GET", key],
        ["read: set", "dashboard_read", "SET", key, "x"],
        ["read: del", "dashboard_read", "DEL", key],
        ["read: other keys", "dashboard_read", "GET", "other"],
        ["read: keys", "dashboard_read", "KEYS", "*"],
        ["read: flushall", "dashboard_read", "FLUSHALL"],
        ["read: config", "dashboard_read", "CONFIG", "GET", "*"],
        ["read: acl", "dashboard_read", "ACL", "LIST"],
        ["read: append", "dashboard_read", "XADD", stream, "*", "a", "b"],
        ["command: append", "dashboard_command", "XADD", stream, "MAXLEN", "0", "*", "a", "b"],
        ["command: append elsewhere", "dashboard_command", "XADD", "fs:other", "*", "a", "b"],
        ["command: read", "dashboard_command", "GET", key],
        ["command: read its stream", "dashboard_command", "XRANGE", stream, "-", "+"],
        ["command: delete its stream", "dashboard_command", "DEL", stream],
        ["command: flushall", "dashboard_command", "FLUSHALL"],
    ]
    outcome = json.loads(stack.python("dashboard", inside("redis_rights"), json.dumps(attempts)).stdout)
    assert len(outcome) == len(attempts)
    assert outcome.pop("nobody") == "no login"
    assert outcome.pop("wrong password") == "no login"
    allowed = {name for name, what in outcome.items() if what == "allowed"}
    assert allowed == {"read: get", "command: append"}
    assert {what for name, what in outcome.items() if name not in allowed} == {"refused"}


def test_postgresql(stack: ComposeStack) -> None:
    outcome = json.loads(stack.python("airflow-scheduler", inside("postgres_logins")).stdout)
    assert outcome == dict.fromkeys(("nobody", "wrong password", "owner"), "refused")
    assert stack.python("airflow-scheduler", inside("postgres_rights")).stdout.split() == ["airflow", "f", "f", "f"]


def test_publisher_of_redis_has_no_dangerous_command(stack: ComposeStack) -> None:
    attempts = [
        ["read its keys", "publisher", "GET", SaleKeys(stack.published()["sale_id"]).current],
        ["other keys", "publisher", "SET", "other", "x"],
        ["keys", "publisher", "KEYS", "*"],
        ["flushall", "publisher", "FLUSHALL"],
        ["config", "publisher", "CONFIG", "GET", "*"],
        ["acl", "publisher", "ACL", "LIST"],
        ["shutdown", "publisher", "SHUTDOWN"],
        ["script", "publisher", "EVAL", "return 1", "0"],
    ]
    outcome = json.loads(stack.one_off("seed", inside("redis_rights"), json.dumps(attempts)))
    assert len(outcome) == len(attempts)
    assert outcome.pop("read its keys") == "allowed"
    assert set(outcome.values()) == {"refused"}, outcome


def test_notifier_of_redis_reads_and_writes_its_own_health_alone(stack: ComposeStack) -> None:
    keys = SaleKeys(stack.published()["sale_id"])
    attempts = [
        ["read: get", "notifier_read", "GET", keys.current],
        ["read: set", "notifier_read", "SET", keys.health("notifier"), "x"],
        ["read: keys", "notifier_read", "KEYS", "*"],
        ["health: set", "notifier_health", "SET", keys.health("notifier"), "{}", "EX", "1"],
        ["health: set another", "notifier_health", "SET", keys.health("kpi"), "{}"],
        ["health: get", "notifier_health", "GET", keys.current],
    ]
    outcome = json.loads(stack.python("notifier", inside("redis_rights"), json.dumps(attempts)).stdout)
    allowed = {name for name, what in outcome.items() if what == "allowed"}
    assert allowed == {"read: get", "health: set"}
    assert {what for name, what in outcome.items() if name not in allowed} == {"refused"}


def test_worker_without_the_clusters_secret_is_refused(stack: ComposeStack) -> None:
    """It reaches the master, and is not taken in."""
    script = (
        "cp /dev/null /tmp/none.conf; timeout 25 spark-class org.apache.spark.deploy.worker.Worker --host $(hostname) "
        "--work-dir /tmp --properties-file /tmp/none.conf spark://spark-master:7077"
    )
    command = ("docker", "compose", "run", "--rm", "--no-deps", "-T", "spark-worker", "bash", "-c", script)
    tried = stack.run(*command, check=False, timeout=90)
    assert "Failed to connect to master" in tried.stderr, tried.stderr[-1500:]
    alive = json.loads(stack.python("spark-master", inside("spark_workers")).stdout)
    assert alive == 1


def test_hdfs_takes_no_write_that_a_web_page_could_send(stack: ComposeStack) -> None:
    """A browser sends a plain POST wherever a page tells it to; without the header it is refused."""
    url = f"http://127.0.0.1:{stack.ports[2]}/webhdfs/v1/flashsale/x?op=CONCAT&sources=/flashsale/y&user.name=hadoop"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answers = {}
    for agent in ("Mozilla/5.0 (X11; Linux x86_64)", "python-requests/2.32"):
        request = urllib.request.Request(url, b"", {"User-Agent": agent}, method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(request, timeout=20)
        answers[agent[:7]] = caught.value.read().decode()
    assert "Missing Required Header" in answers["Mozilla"]
    assert "Missing Required Header" not in answers["python-"]


def test_airflow(stack: ComposeStack) -> None:
    url = f"http://127.0.0.1:{stack.ports[1]}"
    for path in ("/api/v2/dags", "/api/v2/config", "/api/v2/connections"):
        assert _status(url + path) == 401, path
    assert _status(f"{url}/auth/token", {"username": "admin", "password": "x" * 32}) == 401
    assert _status(f"{url}/auth/token", {"username": "admin", "password": ""}) in (400, 401)
    api = AirflowApi(url, "admin", stack.secrets()["airflow_admin"])
    dags = {dag["dag_id"]: dag["is_paused"] for dag in api.get("/dags")["dags"]}
    names = ("minute_kpis", "backfill_kpis", "archive_facts", "archive_maintenance", "retention", "seed_dimensions")
    assert dags == dict.fromkeys(names, False)


def _status(url: str, body: dict[str, Any] | None = None) -> int:
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data, {"Content-Type": "application/json"}), timeout=20) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    return status
