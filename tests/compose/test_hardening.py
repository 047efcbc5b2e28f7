"""What every container is denied: root, capabilities, its own files, unbounded memory, processes and logs."""

import json
import socket
from pathlib import Path

import pytest

from tests.compose.stack import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]

_LISTENING = 0x0A


def test_containers_are_bounded_and_cannot_gain_rights(stack: ComposeStack) -> None:
    for name, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] is True, name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert host["Privileged"] is False, name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert 0 < host["Memory"] <= 2 * 1024**3, name
        assert 0 < host["PidsLimit"] <= 1024, name
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}, name
        assert not any("docker.sock" in mount["Source"] for mount in container["Mounts"]), name


def test_no_process_runs_as_root_or_with_a_capability(stack: ComposeStack) -> None:
    for name in stack.containers(running_only=True):
        rows = stack.run("docker", "top", f"{stack.project}-{name}", "-eo", "uid,pid,comm").stdout.splitlines()[1:]
        assert rows, name
        for row in rows:
            uid, pid, command = row.split(maxsplit=2)
            assert int(uid) != 0, (name, command)
            try:
                with Path(f"/proc/{pid}/status").open() as lines:
                    status = dict(line.strip().split(":\t", 1) for line in lines if ":\t" in line)
            except FileNotFoundError:
                continue  # a health check's process that has ended since
            assert int(status["CapEff"], 16) == 0, (name, command)
            assert int(status["CapBnd"], 16) == 0, (name, command)


def test_root_file_systems_cannot_be_written(stack: ComposeStack) -> None:
    for name in stack.containers(running_only=True):
        tried = stack.run(
            "docker", "exec", f"{stack.project}-{name}", "sh", "-c", "echo x > /etc/flashsale-was-here", check=False
        )
        assert tried.returncode != 0, name


def test_published_ports_are_the_pages_on_loopback_alone(stack: ComposeStack) -> None:
    published = {
        (name, binding["HostIp"], int(binding["HostPort"]))
        for name, container in stack.containers(running_only=True).items()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    dashboard, airflow, hdfs, spark = stack.ports
    assert published == {
        ("dashboard-1", "127.0.0.1", dashboard),
        ("airflow-api-1", "127.0.0.1", airflow),
        ("namenode-1", "127.0.0.1", hdfs),
        ("spark-connect-1", "127.0.0.1", spark),
    }
    assert {port: hosts for port, hosts in _listeners().items() if port in stack.ports} == {
        port: {"0100007F"} for port in stack.ports
    }


def _listeners() -> dict[int, set[str]]:
    """Port -> addresses (hexadecimal, as the kernel writes them) that listen on this machine."""
    found: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with Path(table).open() as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                address, port = fields[1].split(":")
                if int(fields[3], 16) == _LISTENING:
                    found.setdefault(int(port, 16), set()).add(address)
    return found


def test_listeners_are_read_rightly() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert _listeners()[server.getsockname()[1]] == {"0100007F"}


def test_health_checks_stand_in_every_lasting_service(stack: ComposeStack) -> None:
    config = json.loads(stack.compose("config", "--format", "json"))
    for name, service in config["services"].items():
        if service["restart"] == "unless-stopped":
            assert service["healthcheck"]["test"], name
            assert service["stop_grace_period"], name
        else:
            assert service["restart"] == "no", name
