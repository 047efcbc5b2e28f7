"""The services: each that is not well, with its reason, the causes before what they cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from containers.host.answers import Project
from containers.host.causes import because_of, causes_of, in_order, with_runtime_needs
from containers.host.container import WELL, Container
from containers.host.findings import Finding, ok, problem, warning
from containers.host.service_words import Case, finding_of

LOOP_RESTARTS = 3
LOOP_SECONDS = 120
MEMORY_SHARE = 0.93

LastError = Callable[[Container], str]


def check_services(
    project: Project,
    containers: list[Container],
    now: datetime,
    last_error: LastError,
    memory: dict[str, int],
    out_of_memory: frozenset[str],
) -> list[Finding]:
    """`memory` is bytes used by container id, `out_of_memory` the services that lost a process to the limit."""
    needs = with_runtime_needs(project.needs)
    unwell = unwell_services(project, containers, now)
    finished = finished_services(project, containers)
    place = {name: index for index, name in enumerate(in_order(needs))}
    findings: list[Finding] = []
    for container in sorted(containers, key=lambda c: (place.get(c.service, len(place)), c.number)):
        condition = container.condition(project.awaited)
        trouble = condition not in (*WELL, "starting", "waiting") or is_looping(container, now)
        finding = finding_of(
            Case(
                container,
                condition,
                looping=is_looping(container, now),
                out_of_memory=container.out_of_memory or container.service in out_of_memory,
                because=because_of(causes_of(container.service, needs, unwell, finished)),
                said=last_error(container) if trouble else "",
                now=now,
            )
        )
        findings += [finding] if finding else []
        findings += _of_memory(container, memory.get(container.identifier))
    findings += _missing(project, containers)
    if any(finding.mark == "problem" for finding in findings):
        return findings
    late = {c.service for c in containers if c.condition(project.awaited) not in WELL}
    running = len({c.service for c in containers} - late - finished)
    starting = f", {len(late)} still starting" if late else ""
    return [*findings, ok("services", f"{running} running, {len(finished)} done{starting}")]


def unwell_services(project: Project, containers: list[Container], now: datetime) -> set[str]:
    """Services with a container in trouble, or with none at all; one that is starting is not in trouble."""
    conditions = {c.service: c.condition(project.awaited) for c in containers}
    there = {name for name, condition in conditions.items() if condition not in (*WELL, "starting")}
    loops = {container.service for container in containers if is_looping(container, now)}
    return there | loops | {name for name in project.needs if name not in conditions}


def finished_services(project: Project, containers: list[Container]) -> set[str]:
    return {container.service for container in containers if container.condition(project.awaited) == "done"}


def is_looping(container: Container, now: datetime) -> bool:
    """Restarted again and again, the last time just now."""
    return container.restarts >= LOOP_RESTARTS and _age(container.started_at, now) < LOOP_SECONDS


def _of_memory(container: Container, used: int | None) -> list[Finding]:
    if not used or not container.memory_limit or used < MEMORY_SHARE * container.memory_limit:
        return []
    text = f"uses {used / 2**20:,.0f} of its {container.memory_limit / 2**20:,.0f} MB"
    return [warning(container.service, text, "it is killed when it reaches them; raise its mem_limit")]


def _missing(project: Project, containers: list[Container]) -> list[Finding]:
    missing = sorted(set(project.needs) - {container.service for container in containers})
    if not missing:
        return []
    verb = "has" if len(missing) == 1 else "have"
    return [problem("services", f"{', '.join(missing)} {verb} no container", "`make up` starts what is missing")]


def _age(moment: datetime | None, now: datetime) -> float:
    return float("inf") if moment is None else (now - moment).total_seconds()
