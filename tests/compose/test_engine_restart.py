"""The engine is restarted: everything comes back by itself, with its data."""

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flashsale.minutes import utc_now
from tests.compose.conftest import lab_script
from tests.compose.stack import ONE_SHOTS, ComposeStack, inside

pytestmark = [pytest.mark.compose, pytest.mark.soak, pytest.mark.timeout(2400)]


def _restart_engine() -> None:
    """COMPOSE_ENGINE_RESTART (for example ``systemctl restart docker``), or the lab's own engine."""
    command = os.environ.get("COMPOSE_ENGINE_RESTART")
    if command:
        subprocess.run(shlex.split(command), check=True, timeout=300)
        return
    pid_file = Path(os.environ.get("LAB_HOME", "/var/tmp/compose-lab")) / "run" / "dockerd.pid"
    if not pid_file.exists():
        pytest.fail("how is the engine restarted here? set COMPOSE_ENGINE_RESTART", pytrace=False)
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 120
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.5)
    subprocess.run([lab_script(), "engine-up"], check=True, capture_output=True, timeout=300)


def test_data_and_services_survive_a_restart_of_the_engine(stack: ComposeStack) -> None:
    before = json.loads(stack.one_off("sale", inside("count_orders")))
    moment, began = utc_now(), time.monotonic()
    _restart_engine()
    stack.wait_for_snapshot(moment, 300)
    print(f"\nfresh snapshot {time.monotonic() - began:.0f} s after the engine was told to end")
    after = json.loads(stack.one_off("sale", inside("count_orders")))
    assert after["sale"] == before["sale"]
    assert after["orders"] > before["orders"]
    lasting = {name for name in stack.after_up if name.removesuffix("-1") not in ONE_SHOTS}
    deadline = time.monotonic() + 90
    while lasting - _healthy(stack) and time.monotonic() < deadline:
        time.sleep(1)
    assert not lasting - _healthy(stack)


def _healthy(stack: ComposeStack) -> set[str]:
    running = stack.containers(running_only=True)
    return {name for name, container in running.items() if container["State"]["Health"]["Status"] == "healthy"}
