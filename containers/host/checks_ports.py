"""The published ports: free, or ours."""

from __future__ import annotations

import errno
import re
import socket
from collections import Counter

from containers.host.answers import PublishedPort
from containers.host.container import Container
from containers.host.engine import Docker, EngineError
from containers.host.findings import Finding, ok, problem, warning
from containers.host.port_holder import holder_of

VARIABLES = {
    "dashboard": "FLASHSALE_PORT_DASHBOARD",
    "airflow-api": "FLASHSALE_PORT_AIRFLOW",
    "namenode": "FLASHSALE_PORT_HDFS",
    "spark-connect": "FLASHSALE_PORT_SPARK_UI",
}
_EVERYWHERE = ("0.0.0.0", "::", "[::]", "")  # noqa: S104 - compared with, not bound
_PUBLISHED = re.compile(r"(\S*):(\d+)(?:-(\d+))?->")


def check_ports(
    docker: Docker, ports: tuple[PublishedPort, ...], containers: list[Container], endpoint: str
) -> list[Finding]:
    """A problem for each published port that another program holds."""
    if not ports:
        return []
    twice = _asked_twice(ports)
    if twice:
        return twice
    if not endpoint.startswith(("unix://", "npipe://")):
        return [warning("ports", f"cannot be checked: the engine is on another machine ({endpoint})")]
    ours = {address for container in containers if container.state == "running" for address in container.addresses}
    foreign = _ports_of_others(docker, {container.identifier for container in containers})
    taken = [
        _taken(port, who)
        for port in ports
        if f"{port.address}:{port.number}" not in ours
        for who in [_foreign_holder(port, foreign) or _host_holder(port)]
        if who is not None
    ]
    numbers = ", ".join(str(port.number) for port in ports)
    return taken or [ok("ports", f"{numbers}: free or held by this stack")]


def published_by(text: str) -> list[tuple[str, int]]:
    """(address, port) of each entry of a container's Ports column, ranges spelled out."""
    found = []
    for address, first, last in _PUBLISHED.findall(text):
        found += [(address, number) for number in range(int(first), int(last or first) + 1)]
    return found


def _asked_twice(ports: tuple[PublishedPort, ...]) -> list[Finding]:
    services: dict[int, list[str]] = {}
    for port in ports:
        services.setdefault(port.number, []).append(port.service)
    count = Counter(port.number for port in ports)
    return [
        problem(
            "ports",
            f"{number} is asked for by {' and '.join(services[number])}",
            f"set {' or '.join(VARIABLES.get(s, f'the port of {s}') for s in services[number])} to another one",
        )
        for number, times in sorted(count.items())
        if times > 1
    ]


def _ports_of_others(docker: Docker, ours: set[str]) -> dict[tuple[str, int], str]:
    """Containers that publish a port and are not of this project, by (address, port)."""
    try:
        lines = docker.text("ps", "--format", "{{.ID}}\t{{.Names}}\t{{.Ports}}").splitlines()
    except EngineError:
        return {}
    rows = [line.split("\t") for line in lines if line.count("\t") == 2]
    return {
        place: f"the container {name}"
        for identifier, name, text in rows
        if identifier[:12] not in ours
        for place in published_by(text)
    }


def _foreign_holder(port: PublishedPort, foreign: dict[tuple[str, int], str]) -> str | None:
    for (address, number), name in foreign.items():
        same_place = address == port.address or address in _EVERYWHERE or port.address in _EVERYWHERE
        if number == port.number and same_place:
            return name
    return None


def _host_holder(port: PublishedPort) -> str | None:
    """Who listens there ("" when the system does not tell), or None when the port can be had."""
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family) as probe:
        # Connections of a server that has ended linger; only a living listener is in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address.strip("[]"), port.number))
        except OSError as error:
            # A port below 1024 is refused to this user and not to the engine.
            return holder_of(port.number) if error.errno == errno.EADDRINUSE else None
    return None


def _taken(port: PublishedPort, who: str) -> Finding:
    variable = VARIABLES.get(port.service)
    way_out = f"set {variable} to another one" if variable else "publish another one in the compose file"
    by = f" by {who}" if who else " by another program"
    return problem("ports", f"{port.number} ({port.service}) is taken{by}", f"stop that or {way_out}")
