"""Who can reach whom: a stranger's port stays closed, also when its address is known."""

import json
import socket

import pytest

from tests.compose.stack import ComposeStack, inside

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]


PORTS = {
    "mongo": 27017,
    "redis": 6379,
    "postgres": 5432,
    "namenode": 9870,
    "datanode": 9866,
    "spark-master": 7077,
    "spark-connect": 15002,
    "airflow-api": 8080,
}
REACH = {
    "dashboard": {"redis"},
    "generator": {"mongo"},
    "notifier": {"mongo", "redis"},
    "airflow-api": {"postgres"},
    "airflow-dag-processor": {"postgres", "airflow-api", "redis"},
    "airflow-scheduler": {"postgres", "airflow-api", "redis", "mongo", "namenode", "datanode", "spark-connect"},
}


@pytest.mark.parametrize("service", REACH)
def test_service_reaches_what_it_needs_and_nothing_else(stack: ComposeStack, service: str) -> None:
    names = [f"{host}:{port}" for host, port in PORTS.items() if host != service]
    addresses = {
        f"{network['IPAddress']}:{port}": host
        for host, port in PORTS.items()
        if host != service
        for network in stack.container(host)["NetworkSettings"]["Networks"].values()
    }
    rows = [line.split() for line in stack.python(service, inside("try_ports"), *names, *addresses).stdout.splitlines()]
    assert len(rows) == len(names) + len(addresses)
    opened = {addresses.get(target, target.split(":")[0]) for state, target in rows if state == "open"}
    assert opened == REACH[service]


@pytest.mark.parametrize(
    ("service", "found"),
    [("generator", "closed"), ("airflow-dag-processor", "closed"), ("spark-worker", "closed"), ("notifier", "open")],
)
def test_none_but_the_notifier_reaches_this_machine(stack: ComposeStack, service: str, found: str) -> None:
    """A server on an address of this machine that is not loopback, which this machine reaches itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; the kernel chooses the address
        address = probe.getsockname()[0]
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection((address, port), 5).close()
        (row,) = stack.python(service, inside("try_ports"), f"{address}:{port}").stdout.splitlines()
        assert row == f"{found} {address}:{port}"


def test_pages_have_no_way_to_other_machines(stack: ComposeStack) -> None:
    """Their networks are not masqueraded: nothing they send finds its way back."""
    for service in ("dashboard", "airflow-api", "namenode", "spark-connect"):
        networks = stack.container(service)["NetworkSettings"]["Networks"]
        for name in networks:
            (network,) = json.loads(stack.run("docker", "network", "inspect", name).stdout)
            options = network["Options"] or {}
            assert network["Internal"] or options["com.docker.network.bridge.enable_ip_masquerade"] == "false", name
