"""Doctor and status on a real engine, with a small project of their own that has every trouble."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from containers.host.engine import Docker
from containers.host.survey import ask_containers

ROOT = Path(__file__).parents[2]
IMAGE = "debian:bookworm-slim"

TROUBLED = """
services:
  mongo:
    image: {image}
    command: [sh, -c, "echo 'error: the journal is damaged' >&2; echo done; exec sleep 600"]
    healthcheck: {{ test: ["CMD-SHELL", "echo no primary; exit 1"], interval: 1s, timeout: 5s, retries: 1 }}
    restart: unless-stopped
    stop_grace_period: 0s
  generator:
    image: {image}
    command: [sleep, "600"]
    depends_on: {{ mongo: {{ condition: service_healthy }} }}
    restart: unless-stopped
  init:
    image: {image}
    command: [sh, -c, "echo 'error: no secret is there' >&2; exit 3"]
  done:
    image: {image}
    command: ["true"]
  hog:
    image: {image}
    command: [sh, -c, "sleep 1; exec tail /dev/zero"]
    mem_limit: 20m
    memswap_limit: 20m
  loop:
    image: {image}
    command: [sh, -c, "echo 'FATAL: cannot bind'; exit 4"]
    restart: always
    depends_on: {{ done: {{ condition: service_completed_successfully }} }}
"""

WELL = """
services:
  page:
    image: {image}
    command: [sleep, "600"]
    mem_limit: 64m
    healthcheck: {{ test: ["CMD", "true"], interval: 1s, timeout: 5s, retries: 5 }}
    restart: unless-stopped
    stop_grace_period: 0s
    depends_on: {{ once: {{ condition: service_completed_successfully }} }}
  once:
    image: {image}
    command: ["true"]
"""

PUBLISHED = """
services:
  dashboard:
    image: {image}
    command: [sleep, "600"]
    ports: ["127.0.0.1:${{FLASHSALE_PORT_DASHBOARD:?say which}}:80"]
    stop_grace_period: 0s
"""

pytestmark = pytest.mark.compose


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Docker]]:
    """``project(compose_text)`` -> the docker command in its folder; everything is removed at the end."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"flashsale-doctor-test-{os.getpid()}")
    monkeypatch.delenv("FLASHSALE_PORT_DASHBOARD", raising=False)
    docker = Docker(tmp_path)

    def write(text: str) -> Docker:
        (tmp_path / "docker-compose.yml").write_text(text.format(image=IMAGE))
        return docker

    yield write
    monkeypatch.setenv("FLASHSALE_PORT_DASHBOARD", "1")
    docker.run("compose", "down", "--timeout", "0", "--volumes", timeout=60)


def _tool(docker: Docker, *arguments: str) -> tuple[int, dict[str, str], str]:
    """(exit code, line by subject, all it printed) of ``python -m containers.host``."""
    done = subprocess.run(
        [sys.executable, "-m", "containers.host", "--project", str(docker.folder), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    column = 1 if arguments[0] == "doctor" else 0
    lines = {line.split()[column]: line for line in done.stdout.splitlines() if len(line.split()) > column}
    return done.returncode, lines, done.stdout + done.stderr


def _wait(docker: Docker, ready: Callable[[dict[str, tuple[str, str, int]]], bool]) -> None:
    """Until the containers' (state, health, restarts) by service satisfy `ready`."""
    deadline = time.monotonic() + 60
    while True:
        seen = {c.service: (c.state, c.health, c.restarts) for c in ask_containers(docker)}
        if ready(seen):
            return
        assert time.monotonic() < deadline, seen
        time.sleep(0.5)


def test_every_trouble_of_a_running_project_is_told_with_its_reason(project: Callable[[str], Docker]) -> None:
    docker = project(TROUBLED)
    assert docker.run("compose", "up", "--detach", timeout=60).code != 0
    _wait(docker, lambda seen: seen["mongo"][1] == "unhealthy" and seen["loop"][2] >= 4 and seen["hog"][0] == "exited")
    code, lines, text = _tool(docker, "doctor")
    assert code == 1, text
    assert "unhealthy (its check says: no primary): error: the journal is damaged" in lines["mongo"]
    assert "(probably because of mongo)" in lines["generator"]
    assert "failed with exit code 3: error: no secret is there" in lines["init"]
    assert "killed for want of memory: 20 MB did not suffice" in lines["hog"]
    assert "restarts again and again" in lines["loop"]
    assert "FATAL: cannot bind" in lines["loop"]
    assert text.index(lines["mongo"]) < text.index(lines["generator"])
    assert "5 problems" in text.splitlines()[-1]
    code, lines, text = _tool(docker, "status")
    assert code == 1, text
    assert "UNHEALTHY" in lines["mongo"]
    assert "FAILED (exit code 3)" in lines["init"]
    assert "killed for want of memory" in lines["hog"]
    assert "done" in lines["done"]
    assert "NOT WELL" in lines["total"]


def test_well_project_passes_before_and_after_its_start(project: Callable[[str], Docker]) -> None:
    docker = project(WELL)
    code, _, text = _tool(docker, "status")
    assert (code, text) == (1, "nothing is running; `make up` starts the stack\n")
    began = time.monotonic()
    code, _, text = _tool(docker, "doctor", "--before-up")
    assert (code, time.monotonic() - began < 3) == (0, True), text
    docker.text("compose", "up", "--detach", "--wait", timeout=60)
    code, lines, text = _tool(docker, "doctor")
    assert code == 0, text
    assert "1 running, 1 done" in lines["services"]
    code, lines, text = _tool(docker, "status")
    assert code == 0, text
    assert "healthy" in lines["page"]
    assert "/ 64 MB" in lines["page"]
    assert "health check" in lines["page"]
    docker.text("compose", "stop", "--timeout", "0", timeout=60)
    code, lines, text = _tool(docker, "doctor")
    assert (code, "stopped with exit code 137, killed" in lines["page"]) == (1, True), text


def test_port_held_by_a_process_and_by_a_container_is_told_before_a_start(
    project: Callable[[str], Docker], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = project(PUBLISHED)
    code, lines, text = _tool(docker, "doctor", "--before-up")
    assert (code, "say which" in lines["configuration"]) == (1, True), text
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("FLASHSALE_PORT_DASHBOARD", str(port))
        code, lines, text = _tool(docker, "doctor", "--before-up")
        assert code == 1, text
        assert f"{port} (dashboard) is taken by" in lines["ports"]
        assert f"(pid {os.getpid()})" in lines["ports"]
        assert docker.run("compose", "up", "--detach", timeout=60).code != 0
        _, lines, text = _tool(docker, "doctor")
        assert "cannot be started:" in lines["dashboard"], text
    docker.text("compose", "up", "--detach", timeout=60)
    assert _tool(docker, "doctor", "--before-up")[0] == 0
    # The same file under another name is another project: the port is not its own.
    holder = os.environ["COMPOSE_PROJECT_NAME"]
    with monkeypatch.context() as other_name:
        other_name.setenv("COMPOSE_PROJECT_NAME", f"{holder}-second")
        code, lines, text = _tool(docker, "doctor", "--before-up")
    assert (code, f"taken by the container {holder}-dashboard-1" in lines["ports"]) == (1, True), text


def test_broken_env_file_and_silent_engine_are_one_line(
    project: Callable[[str], Docker], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = project(WELL)
    (docker.folder / ".env").write_text('SALE="unterminated\n')
    code, lines, text = _tool(docker, "doctor")
    assert (code, "unterminated" in lines["configuration"]) == (1, True), text
    assert _tool(docker, "status")[0] == 1
    (docker.folder / ".env").unlink()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
        code, lines, text = _tool(docker, "doctor")
        assert (code, "no engine answers at DOCKER_HOST=tcp://127.0.0.1:1" in lines["engine"]) == (1, True), text
        assert "error: Cannot connect" in _tool(docker, "status")[2]
