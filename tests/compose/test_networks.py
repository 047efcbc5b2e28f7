"""Who can reach whom: a stranger's port stays closed, also when its address is known."""

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


@pytest.mark.parametrize("service", REACH)
def test_no_way_out_to_other_machines(stack: ComposeStack, service: str) -> None:
    """Addresses that answer this machine, if it has any, must not answer a container."""
    gateway = stack.run(
        "sh", "-c", "ip -4 route get 192.0.2.1 | sed -n 's/.* via \\\\([^ ]*\\\\).*/\\\\1/p'", check=False
    )
    resolvers = stack.run("sh", "-c", "sed -n 's/^nameserver //p' /etc/resolv.conf").stdout.split()
    outside = [f"{host}:{port}" for host in {*gateway.stdout.split(), *resolvers} for port in (53, 80, 443)]
    rows = stack.python(service, inside("try_ports"), "192.0.2.1:443", *outside).stdout.splitlines()
    assert not [row for row in rows if row.startswith("open")]
