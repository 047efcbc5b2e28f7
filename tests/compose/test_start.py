"""`docker compose up` on empty volumes, again, and after `down`: a live war room without another command."""

import json
import urllib.request
from typing import Any

import pytest

from flashsale.minutes import utc_now
from tests.compose.stack import ONE_SHOTS, ComposeStack, inside

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]


def _counted(stack: ComposeStack) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.one_off("sale", inside("count_orders")))
    return found


def test_up_alone_ends_with_a_live_snapshot(stack: ComposeStack) -> None:
    up, fresh = stack.seconds["up"], stack.seconds["first snapshot"]
    print(f"\nup --wait took {up:.0f} s, a fresh snapshot stood {fresh:.0f} s after the start")
    for name, container in stack.after_up.items():
        state = container["State"]
        if name.removesuffix("-1") in ONE_SHOTS:
            assert (state["Status"], state["ExitCode"]) == ("exited", 0), name
        else:
            assert state["Health"]["Status"] == "healthy", name
            assert container["RestartCount"] == 0, name


def test_pages_answer_where_the_file_says(stack: ComposeStack) -> None:
    dashboard, airflow, hdfs, spark = stack.ports
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for port, path, text in (
        (dashboard, "/", "<title>"),
        (airflow, "/", "Airflow"),
        (hdfs, "/dfshealth.html", "Namenode"),
        (spark, "/jobs/", "Spark"),
    ):
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            assert text.lower() in answer.read().decode().lower(), (port, path)


def test_second_up_and_down_up_keep_sale_and_orders(stack: ComposeStack) -> None:
    before = _counted(stack)
    moment = utc_now()
    stack.up()
    stack.wait_for_snapshot(moment, 180)
    assert _counted(stack)["sale"] == before["sale"]
    stack.compose("down", timeout=300)
    moment = utc_now()
    stack.up()
    stack.wait_for_snapshot(moment, 180)
    after = _counted(stack)
    assert after["sale"] == before["sale"]
    assert after["orders"] > before["orders"]
