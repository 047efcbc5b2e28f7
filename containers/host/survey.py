"""What there is now: asks the engine and Compose, and hands back values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from containers.host.answers import Info, Project, parse_info, parse_memory, parse_project
from containers.host.container import Container, parse_containers
from containers.host.engine import Docker, EngineError
from containers.host.findings import one_line

_WARNING = re.compile(r'level=warning msg="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Configuration:
    """The project as Compose understands it, and what Compose warned of."""

    project: Project
    warnings: tuple[str, ...]


def ask_info(docker: Docker) -> Info:
    """Raises EngineError only when there is no docker command; a silent engine is in `Info.error`."""
    # A format by template, since older clients do not know the word json.
    output = docker.run("info", "--format", "{{json .}}")
    return parse_info(output.out if output.out.lstrip().startswith("{") else "", output.err)


def ask_configuration(docker: Docker) -> Configuration:
    """Raises EngineError with Compose's own line when the file or `.env` cannot be used."""
    output = docker.run("compose", "config", "--format", "json")
    if output.code != 0:
        lines = [line for line in output.err.splitlines() if line.strip() and "level=warning" not in line]
        raise EngineError(one_line(lines[-1]) if lines else "docker compose config failed without a word")
    warnings = [one_line(found.replace('\\"', '"')) for found in _WARNING.findall(output.err)]
    return Configuration(parse_project(output.out), tuple(dict.fromkeys(warnings)))


def ask_containers(docker: Docker) -> list[Container]:
    """The project's containers in every state; raises EngineError."""
    identifiers = docker.text("compose", "ps", "--all", "--quiet").split()
    if not identifiers:
        return []
    # One that was removed meanwhile makes `inspect` fail and is still no reason to say nothing of the others.
    output = docker.run("inspect", "--type", "container", *identifiers)
    return parse_containers(output.out) if output.out.strip() else []


def ask_memory(docker: Docker, containers: list[Container]) -> dict[str, int]:
    """Bytes used by container id; empty when the engine cannot tell."""
    running = [container.identifier for container in containers if container.is_running]
    if not running:
        return {}
    try:
        return parse_memory(docker.text("stats", "--no-stream", "--format", "{{json .}}", *running))
    except EngineError:
        return {}


def ask_images(docker: Docker) -> frozenset[str]:
    """Names with tags of the images the engine has; raises EngineError."""
    return frozenset(docker.text("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())


def ask_out_of_memory(docker: Docker, project: str) -> frozenset[str]:
    """Services of which the engine still remembers that a process was killed for want of memory in the last hour."""
    try:
        lines = docker.text(
            *("events", "--since", "60m", "--until", "0s", "--filter", "event=oom"),
            *("--filter", f"label=com.docker.compose.project={project}"),
            *("--format", '{{index .Actor.Attributes "com.docker.compose.service"}}'),
        )
    except EngineError:
        return frozenset()
    return frozenset(lines.split())
