"""Doctor on the published ports."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.host.answers import PublishedPort
from containers.host.checks_ports import check_ports, published_by
from containers.host.engine import Docker
from tests.support.engine_answers import container, containers, project

SOCKET = "unix:///var/run/docker.sock"


@pytest.fixture
def no_docker(tmp_path: Path) -> Docker:
    """Other containers cannot be asked for: what the machine itself tells must do."""
    return Docker(tmp_path, "no-such-docker")


@pytest.fixture
def held() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_taken_port_names_service_holder_and_variable(no_docker: Docker, held: int) -> None:
    (found,) = check_ports(no_docker, (PublishedPort("dashboard", "127.0.0.1", held),), [], SOCKET)
    assert found.mark == "problem"
    assert f"{held} (dashboard) is taken by " in found.text
    assert f"(pid {os.getpid()})" in found.text
    assert "FLASHSALE_PORT_DASHBOARD" in found.way_out


def test_port_of_a_service_without_a_variable_is_changed_in_the_file(no_docker: Docker, held: int) -> None:
    (found,) = check_ports(no_docker, (PublishedPort("extra", "127.0.0.1", held),), [], SOCKET)
    assert "publish another one in the compose file" in found.way_out


def test_free_port_and_port_of_our_own_running_container_are_well(no_docker: Docker) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    (found,) = check_ports(no_docker, (PublishedPort("dashboard", "127.0.0.1", number),), [], SOCKET)
    assert found.mark == "ok"
    ours = container("mongo")
    assert ours.addresses == ("127.0.0.1:18999",)
    with socket.socket() as proxy:
        proxy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        proxy.bind(("127.0.0.1", 18999))
        proxy.listen()
        (found,) = check_ports(no_docker, project().ports, [ours], SOCKET)
        assert found.mark == "ok"
        # The same listener with our container gone is somebody else's.
        (found,) = check_ports(no_docker, project().ports, containers("ok"), SOCKET)
        assert found.mark == "problem"


def test_one_port_for_two_services_is_told_with_both_variables(no_docker: Docker) -> None:
    ports = (PublishedPort("dashboard", "127.0.0.1", 8501), PublishedPort("airflow-api", "127.0.0.1", 8501))
    (found,) = check_ports(no_docker, ports, [], SOCKET)
    assert (found.mark, found.text) == ("problem", "8501 is asked for by dashboard and airflow-api")
    assert "FLASHSALE_PORT_DASHBOARD or FLASHSALE_PORT_AIRFLOW" in found.way_out


def test_ports_of_another_machine_cannot_be_checked(no_docker: Docker, held: int) -> None:
    (found,) = check_ports(no_docker, (PublishedPort("dashboard", "127.0.0.1", held),), [], "ssh://me@far")
    assert (found.mark, "cannot be checked" in found.text) == ("warning", True)


def test_ports_column_of_the_engine_is_read() -> None:
    text = "9000/tcp, 127.0.0.1:8501->8501/tcp, 0.0.0.0:7000-7001->7000-7001/tcp, [::]:9870->9870/tcp"
    assert published_by(text) == [("127.0.0.1", 8501), ("0.0.0.0", 7000), ("0.0.0.0", 7001), ("[::]", 9870)]
