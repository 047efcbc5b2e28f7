"""SIGKILL of a container's main process, from the host: well again, with a fresh snapshot, and nothing lost."""

import base64
import json
import os
import signal
import time
import zlib
from collections import Counter

import numpy as np
import pytest
from bson import json_util

from flashsale.minutes import MINUTE, utc_now
from flashsale.sale_run import SaleRun
from tests.compose.stack import ONE_SHOTS, ComposeStack, inside
from tests.support.known_orders import known_ids

pytestmark = [pytest.mark.compose, pytest.mark.timeout(3600)]

WELL_AGAIN_SECONDS = 90.0
SHORT = ("mongo", "spark-worker", "airflow-scheduler")


def _lasting(stack: ComposeStack) -> list[str]:
    return [
        name for name in json.loads(stack.compose("config", "--format", "json"))["services"] if name not in ONE_SHOTS
    ]


def _kill(stack: ComposeStack, service: str) -> dict[str, float]:
    """Kill the main process of `service`; seconds until it is healthy, and until a later snapshot is fresh."""
    before = stack.container(service)
    moment, began = utc_now(), time.monotonic()
    os.kill(before["State"]["Pid"], signal.SIGKILL)
    while time.monotonic() - began < WELL_AGAIN_SECONDS:
        now = stack.container(service)
        if now["RestartCount"] > before["RestartCount"] and now["State"].get("Health", {}).get("Status") == "healthy":
            break
        time.sleep(0.5)
    else:
        raise AssertionError(f"{service} is not healthy {WELL_AGAIN_SECONDS:.0f} s after the kill: {now['State']}")
    healthy = time.monotonic() - began
    stack.wait_for_snapshot(moment, WELL_AGAIN_SECONDS - healthy)
    return {"healthy": healthy, "fresh": time.monotonic() - began}


def _assert_nothing_is_lost(stack: ComposeStack) -> None:
    """The generator is a function of its seed: what it must have written by now is known without asking it."""
    found = json_util.loads(
        stack.one_off("sale", inside("fact_ids")), json_options=json_util.JSONOptions(tz_aware=True)
    )
    sale = SaleRun.from_document(found["sale"])
    for table, expected in known_ids(sale, found["watermark"] - MINUTE).items():
        stored = Counter(np.frombuffer(zlib.decompress(base64.b64decode(found[table])), np.int64).tolist())
        missing = expected - stored
        assert not missing, f"{table}: {len(missing)} of {len(expected)} facts lost"
        assert max(stored.values()) == 1, f"{table}: a fact stands twice"
        print(f"{table}: {len(expected)} facts acknowledged, none lost, none twice")


@pytest.mark.parametrize("service", SHORT)
def test_killed_service_comes_back(stack: ComposeStack, service: str) -> None:
    times = _kill(stack, service)
    print(f"\n{service}: healthy after {times['healthy']:.0f} s, fresh snapshot after {times['fresh']:.0f} s")
    _assert_nothing_is_lost(stack)


@pytest.mark.soak
def test_every_service_killed_in_turn_comes_back(stack: ComposeStack) -> None:
    failures = []
    for service in _lasting(stack):
        try:
            times = _kill(stack, service)
        except AssertionError as error:
            failures.append(f"{service}: {error}")
            stack.wait_for_snapshot(utc_now(), 300)
        else:
            print(f"{service}: healthy after {times['healthy']:.0f} s, fresh snapshot after {times['fresh']:.0f} s")
    _assert_nothing_is_lost(stack)
    assert not failures, failures
