"""`make demo` keeps a stack alive and leaves nothing behind, whatever ends it."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from embedded.config import StackConfig, isolated_config
from embedded.stack import Stack
from flashsale.stores.mongo import mongo_client
from flashsale.stores.sales import list_sales
from tests.support.scenarios import SMALL
from tests.support.stacks import temporary_home as temporary_home
from tests.support.supervised import SupervisedStack, run_command


@pytest.fixture
def config(tmp_path: Path) -> Iterator[StackConfig]:
    scenario = tmp_path / "small.toml"
    scenario.write_text(SMALL)
    with temporary_home() as home:
        config = isolated_config(home, sale=scenario)
        yield config
        # Only after a failed test is anything left.
        Stack(config).clear_leftovers()


def _start(config: StackConfig, tmp_path: Path, *services: str) -> SupervisedStack:
    return SupervisedStack(config, tmp_path / f"output-{len(list(tmp_path.iterdir()))}", *services)


def _assert_nothing_left(stack: SupervisedStack, pids: list[int]) -> None:
    assert stack.survivors() == {}
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_killed_services_come_back_and_an_interrupt_ends_all(config: StackConfig, tmp_path: Path) -> None:
    stack = _start(config, tmp_path, "generator")
    stack.wait_for("everything answers after")
    for service in ("redis", "generator", "mongo"):
        os.kill(stack.pid_of(service), signal.SIGKILL)
        stack.wait_for(rf"^{service} was killed \(SIGKILL\); starting it again in 1 s")
        stack.wait_for(rf"^{service} answers again after")
    os.kill(stack.pid_of("redis"), signal.SIGKILL)
    stack.wait_for(r"^redis was killed \(SIGKILL\); starting it again in 2 s")
    status = run_command(config, "status")
    assert status.returncode == 1, "Spark and others are not running, so all is not well"
    assert any(line.split()[:2] == ["mongo", "answers"] for line in status.stdout.splitlines())
    assert any(line.split()[:2] == ["spark", "stopped"] for line in status.stdout.splitlines())
    pids = [stack.pid_of(service) for service in ("mongo", "generator")]
    stack.send(signal.SIGINT)
    with suppress(ProcessLookupError):
        stack.send(signal.SIGINT)
    assert stack.wait() == 0
    _assert_nothing_left(stack, pids)
    assert stack.text.rstrip().splitlines()[-1].startswith("everything stopped after")
    assert "was killed after" not in stack.text, "every service ended by itself"


def test_killed_supervisor_leaves_services_that_the_next_start_takes_over(config: StackConfig, tmp_path: Path) -> None:
    first = _start(config, tmp_path, "generator")
    first.wait_for("everything answers after")
    pids = [first.pid_of(service) for service in ("mongo", "redis", "generator")]
    first.process.kill()
    first.wait()
    assert all(psutil.pid_exists(pid) for pid in pids)
    refused = run_command(config, "clean")
    assert refused.returncode == 1
    assert "still running: " in refused.stderr
    second = _start(config, tmp_path, "generator")
    second.wait_for("stopped what an earlier run had left: generator, redis, mongo")
    second.wait_for("everything answers after")
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with mongo_client(config.settings, "jobs") as jobs:
        assert len(list_sales(jobs)) == 1, "the pause was short: the same sale goes on"
    second.process.kill()
    second.wait()
    down = run_command(config, "down")
    assert down.returncode == 0
    assert "stopped what an earlier run had left" in down.stdout
    _assert_nothing_left(second, pids)


def test_down_ends_a_running_stack_and_clean_forgets_it(config: StackConfig, tmp_path: Path) -> None:
    stack = _start(config, tmp_path, "redis", "postgres")
    stack.wait_for("everything answers after")
    for command in ("clean", "demo"):
        refused = run_command(config, command)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert f"already running (pid {stack.process.pid})" in refused.stderr
    down = run_command(config, "down")
    assert (down.returncode, down.stderr) == (0, "")
    assert stack.wait() == 0
    _assert_nothing_left(stack, [])
    assert (config.home / "postgres" / "data" / "PG_VERSION").exists()
    assert "nothing is running" in run_command(config, "down").stdout
    assert run_command(config, "clean").returncode == 0
    assert list(config.home.iterdir()) == []


def test_interrupt_in_the_middle_of_the_start_leaves_nothing(config: StackConfig, tmp_path: Path) -> None:
    stack = _start(config, tmp_path, "airflow-scheduler")
    stack.wait_for(r"^  mongo +ready")
    pids = [stack.pid_of("namenode"), stack.pid_of("spark")]
    stack.send(signal.SIGTERM)
    assert stack.wait() == 0
    _assert_nothing_left(stack, pids)


def test_port_in_use_is_one_line_and_nothing_starts(config: StackConfig, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", config.settings.redis_port))
        other.listen()
        stack = _start(config, tmp_path, "mongo", "redis")
        assert stack.wait() == 1
    assert stack.text.count("\n") == 1
    assert f"port {config.settings.redis_port} (redis) is in use" in stack.text
    assert not config.logs.exists()
    _assert_nothing_left(stack, [])


def test_service_that_cannot_start_is_told_with_its_last_words(config: StackConfig, tmp_path: Path) -> None:
    (config.home / "redis" / "appendonly.aof").mkdir(parents=True)
    stack = _start(config, tmp_path, "mongo", "redis")
    assert stack.wait() == 1
    last = stack.text.rstrip().splitlines()[-1]
    assert last.startswith("error: redis ended with exit code 1: ")
    assert str(config.logs / "redis.log") in last
    assert "Traceback" not in stack.text
    _assert_nothing_left(stack, [])


def test_services_that_answered_already_are_not_brought_back_when_another_fails(
    config: StackConfig, tmp_path: Path
) -> None:
    (config.home / "hdfs").mkdir()
    (config.home / "hdfs" / "name").write_text("in the way")
    stack = _start(config, tmp_path, "redis", "spark", "namenode")
    assert stack.wait() == 1
    assert "redis" in stack.text
    assert "starting it again" not in stack.text
    assert stack.text.rstrip().splitlines()[-1].startswith("error: namenode (format) failed with exit code 1: ")
    _assert_nothing_left(stack, [])
