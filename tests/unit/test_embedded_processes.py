"""Processes of a service are found and ended, however they try to get away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from embedded.processes import SERVICE_MARK, STACK_MARK, ProcessId, ProcessTable, identify, pss_bytes, stop

STACK = f"unit-{os.getpid()}"

# Starts a child and tells its pid; what the child is, the test says.
_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session={new_session}, env={env})
print(child.pid, flush=True)
time.sleep(60)
"""
_SLEEP = "import time; time.sleep(60)"
_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        env={**os.environ, STACK_MARK: STACK, SERVICE_MARK: "one"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _started(process: subprocess.Popen[str]) -> tuple[ProcessId, str]:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    identity = identify(process.pid)
    assert identity is not None
    return identity, line


def _wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("new_session", "env"),
    [
        pytest.param(True, None, id="its own session, the mark kept"),
        pytest.param(False, "{}", id="the session kept, the mark lost"),
        pytest.param(True, "{}", id="its own session, the mark lost"),
    ],
)
def test_child_that_gets_away_from_session_or_mark_is_ended_with_its_service(
    new_session: bool, env: str | None
) -> None:
    process = _start(_PARENT.format(new_session=new_session, env=env), _SLEEP)
    leader, child = _started(process)
    assert int(child) in ProcessTable(STACK).members(leader, "one")
    assert stop(leader, STACK, "one", signal.SIGTERM, 5)
    process.wait()
    assert identify(int(child)) is None


@pytest.mark.parametrize(("new_session", "env"), [(True, None), (False, "{}")])
def test_orphans_of_a_killed_leader_are_ended(new_session: bool, env: str | None) -> None:
    process = _start(_PARENT.format(new_session=new_session, env=env), _SLEEP)
    leader, child = _started(process)
    process.kill()
    process.wait()
    assert identify(int(child)) is not None
    stop(leader, STACK, "one", signal.SIGTERM, 5)
    assert _wait(lambda: identify(int(child)) is None)


def test_process_that_ignores_sigterm_is_killed_after_the_bound() -> None:
    process = _start(_STUBBORN)
    leader, line = _started(process)
    assert line == "up"
    began = time.monotonic()
    assert not stop(leader, STACK, "one", signal.SIGTERM, 1)
    assert time.monotonic() - began < 20, "it would have slept for 60 s"
    assert process.wait() == -signal.SIGKILL


def test_another_process_under_the_same_pid_is_left_alone() -> None:
    process = _start(_PARENT.format(new_session=False, env=None), _SLEEP)
    now, _ = _started(process)
    earlier = ProcessId(now.pid, now.start_ticks - 1, now.boot_id)
    assert not earlier.alive()
    assert ProcessTable("no such stack").members(earlier, "one") == set()
    before_boot = ProcessId(now.pid, now.start_ticks, "another boot")
    assert ProcessTable("no such stack").members(before_boot, "one") == set()
    stop(now, STACK, "one", signal.SIGTERM, 5)
    process.wait()


def test_memory_of_a_process_is_told_and_of_a_gone_one_is_nothing() -> None:
    assert pss_bytes([os.getpid()]) > 1024 * 1024
    assert pss_bytes([2**22 + 1]) == 0
