"""`--scale spark-worker=2`: the minute job's tasks run on both, by Spark's own account."""

import json
import time
import urllib.request
from typing import Any

import pytest

from flashsale.minutes import utc_now
from tests.compose.stack import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]


def _executors(stack: ComposeStack) -> dict[str, int]:
    """Tasks completed so far by the host of each living executor."""
    base = f"http://127.0.0.1:{stack.ports[3]}/api/v1/applications"
    (application,) = _get(base)
    return {
        e["hostPort"].split(":")[0]: e["completedTasks"]
        for e in _get(f"{base}/{application['id']}/executors")
        if e["id"] != "driver"
    }


def _get(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as answer:
        return json.loads(answer.read())


def test_two_workers_share_the_minute_job(stack: ComposeStack) -> None:
    assert len(_executors(stack)) == 1
    try:
        stack.up("--scale", "spark-worker=2")
        deadline = time.monotonic() + 60
        while len(before := _executors(stack)) < 2 and time.monotonic() < deadline:
            time.sleep(1)
        assert len(before) == 2
        hosts = {c["Config"]["Hostname"] for n, c in stack.containers().items() if n.startswith("spark-worker-")}
        assert before.keys() == hosts
        stack.wait_for_snapshot(utc_now(), 150)
        done = {host: count - before[host] for host, count in _executors(stack).items()}
        print(f"\ntasks of the minute job by worker: {sorted(done.values())}")
        assert min(done.values()) > 0.2 * sum(done.values())
    finally:
        stack.up("--scale", "spark-worker=1")
    assert len(_executors(stack)) >= 1
