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
    }


def test_redis(stack: ComposeStack) -> None:
    keys = SaleKeys(stack.published()["sale_id"])
    outcome = json.loads(stack.python("dashboard", inside("redis_rights"), keys.current, keys.alert_commands).stdout)
    assert outcome.pop("nobody") == "no login"
    assert outcome.pop("wrong password") == "no login"
    allowed = {name for name, what in outcome.items() if what == "allowed"}
    assert allowed == {"read: get", "command: append"}
    assert {what for name, what in outcome.items() if name not in allowed} == {"refused"}


def test_postgresql(stack: ComposeStack) -> None:
    outcome = json.loads(stack.python("airflow-scheduler", inside("postgres_logins")).stdout)
    assert outcome == dict.fromkeys(("nobody", "wrong password", "superuser"), "refused")


def test_airflow(stack: ComposeStack) -> None:
    url = f"http://127.0.0.1:{stack.ports[1]}"
    for path in ("/api/v2/dags", "/api/v2/config", "/api/v2/connections"):
        assert _status(url + path) == 401, path
    assert _status(f"{url}/auth/token", {"username": "admin", "password": "x" * 32}) == 401
    assert _status(f"{url}/auth/token", {"username": "admin", "password": ""}) in (400, 401)
    api = AirflowApi(url, "admin", stack.secrets()["airflow_admin"])
    dags = {dag["dag_id"]: dag["is_paused"] for dag in api.get("/dags")["dags"]}
    assert dags == dict.fromkeys(("minute_kpis", "backfill_kpis", "archive_facts", "seed_dimensions"), False)


def _status(url: str, body: dict[str, Any] | None = None) -> int:
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data, {"Content-Type": "application/json"}), timeout=20) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    return status
