"""`doctor`: says in plain words what is wrong and the way out, the causes before what they cause."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from containers.host import checks_clock, checks_machine
from containers.host.answers import Info, Project
from containers.host.causes import because_of, causes_of, with_runtime_needs
from containers.host.checks_pipeline import Because, check_pipeline
from containers.host.checks_ports import check_ports
from containers.host.checks_services import check_services, finished_services, unwell_services
from containers.host.container import Container
from containers.host.engine import Docker, EngineError
from containers.host.findings import Finding, exit_code, ok, problem, verdict, warning
from containers.host.logs import last_error
from containers.host.pipeline import ASKED, Pulse, ask_pulse
from containers.host.survey import (
    ask_configuration,
    ask_containers,
    ask_images,
    ask_info,
    ask_memory,
    ask_out_of_memory,
)


def doctor(docker: Docker, before_up: bool) -> int:
    """Print one finding a line; 0 only without problems.

    `before_up` checks what must be true before a start, in less than 3 s, and prints only what is not.
    """
    findings = list(examine(docker, before_up))
    for finding in findings:
        if not before_up or finding.mark != "ok":
            print(finding.line())
    if not before_up or exit_code(findings):
        print(verdict(findings))
    return exit_code(findings)


def examine(docker: Docker, before_up: bool) -> Iterable[Finding]:
    """The findings, in the order in which one can be the cause of the next."""
    try:
        info = ask_info(docker)
        endpoint = docker.endpoint()
    except EngineError as error:
        yield checks_machine.no_docker(str(error))
        return
    engine = checks_machine.check_engine(info, endpoint)
    yield from engine
    if exit_code(engine):
        yield warning("everything else", "cannot be checked without the engine")
        return
    try:
        configuration = ask_configuration(docker)
        containers = ask_containers(docker)
        images = ask_images(docker)
    except EngineError as error:
        yield problem("configuration", str(error), "put it right in .env, the shell or docker-compose.yml")
        yield warning("everything else", "cannot be checked without the configuration")
        return
    yield from (warning("configuration", text) for text in configuration.warnings)
    project = configuration.project
    running = any(container.is_running for container in containers)
    yield from _machine(docker, info, endpoint, checks_machine.missing_images(project, images), running)
    yield from checks_machine.check_files(project)
    yield from checks_machine.check_checkout(containers, docker.folder)
    yield from check_ports(docker, project.ports, containers, endpoint)
    if before_up:
        return
    if not containers:
        yield ok("services", "nothing is running; `make up` starts the stack")
        return
    yield from _stack(docker, project, containers, info.clock or datetime.now(timezone.utc))


def _machine(docker: Docker, info: Info, endpoint: str, missing: frozenset[str], running: bool) -> Iterable[Finding]:
    yield from checks_machine.check_limits(info)
    local = checks_machine.is_local(info, endpoint)
    available = checks_machine.available_memory() if local else None
    yield from checks_machine.check_memory(info, available, running)
    folder, free, engines_own = checks_machine.free_disk(info, endpoint, docker.folder)
    yield from checks_machine.check_disk(folder, free, missing, engines_own)
    yield from checks_clock.check_clock(checks_clock.clock_difference(docker), checks_clock.is_synchronised())


def _stack(docker: Docker, project: Project, containers: list[Container], now: datetime) -> Iterable[Finding]:
    with ThreadPoolExecutor(max_workers=3) as pool:
        asked = pool.submit(ask_pulse, docker, containers) if ASKED in project.needs else None
        memory = pool.submit(ask_memory, docker, containers)
        killed = pool.submit(ask_out_of_memory, docker, project.name)
        findings = check_services(
            project,
            containers,
            now,
            lambda container: last_error(docker, container),
            memory.result(),
            killed.result(),
        )
    yield from findings
    if asked is None:
        return
    unwell = unwell_services(project, containers, now)
    try:
        pulse = asked.result()
    except EngineError as error:
        # Where a service is in trouble already, this is what follows from it.
        tell = warning if unwell else problem
        yield tell("pipeline", f"cannot be asked: {error}")
        return
    yield from check_pipeline(pulse, now, _because(project, containers, unwell, pulse))


def _because(project: Project, containers: list[Container], unwell: set[str], pulse: Pulse) -> Because:
    """Causes among the services, the stores that do not answer and the DAGs that failed."""
    needs = with_runtime_needs(project.needs)
    finished = finished_services(project, containers)
    failed = {name for name, dag in pulse.dags.items() if dag.state == "failed" or dag.paused}
    everything = unwell | failed | (set(pulse.troubles) - {"airflow"})
    return lambda name: because_of(causes_of(name, needs, everything, finished))
