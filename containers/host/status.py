"""`status`: one line per service, and whether all is well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone

from containers.host.answers import Project
from containers.host.container import WELL, Container
from containers.host.engine import Docker, EngineError
from containers.host.findings import one_line
from containers.host.pipeline import ASKED, ask_pulse
from containers.host.status_pipeline import pipeline_lines
from containers.host.survey import ask_configuration, ask_containers, ask_info, ask_memory

_MB = 2**20
_STATE_WORDS = {"waiting": "not started", "unhealthy": "UNHEALTHY", "restarting": "RESTARTING", "dead": "DEAD"}


@dataclass(frozen=True)
class Line:
    """One row of the table; `well` decides the exit code."""

    name: str
    state: str
    address: str
    memory: str
    result: str
    well: bool

    def text(self) -> str:
        return f"{self.name:<22} {self.state:<23} {self.address:<16} {self.memory:>17}  {self.result}".rstrip()


def status(docker: Docker) -> int:
    """Print the table; 0 only when every service and the pipeline are well.  Raises EngineError."""
    info = ask_info(docker)
    if info.error:
        raise EngineError(f"{one_line(info.error)}; `make doctor` tells more")
    project = ask_configuration(docker).project
    containers = ask_containers(docker)
    if not containers:
        print("nothing is running; `make up` starts the stack")
        return 1
    now = info.clock or datetime.now(timezone.utc)
    with ThreadPoolExecutor(max_workers=2) as pool:
        memory = pool.submit(ask_memory, docker, containers)
        lines = _pipeline(docker, project, containers, now)
        used = memory.result()
    lines = [*service_lines(project, containers, used, now), *lines]
    print(f"{'service':<22} {'state':<23} {'address':<16} {'memory / limit':>17}  last good result")
    for line in lines:
        print(line.text())
    well = all(line.well for line in lines)
    print(Line("total", "well" if well else "NOT WELL", "", f"{sum(used.values()) / _MB:,.0f} MB", "", well).text())
    return 0 if well else 1


def service_lines(project: Project, containers: list[Container], used: dict[str, int], now: datetime) -> list[Line]:
    """A line per container, one more for each service without any; `used` is bytes by container id."""
    several = {c.service for c in containers if c.number > 1}
    lines = [
        _line(container, f"-{container.number}" if container.service in several else "", project, used, now)
        for container in containers
    ]
    missing = sorted(set(project.needs) - {container.service for container in containers})
    lines += [Line(name, "no container", "", "-", "`make up` starts it", False) for name in missing]
    return sorted(lines, key=lambda line: line.name)


def _line(container: Container, suffix: str, project: Project, used: dict[str, int], now: datetime) -> Line:
    condition = container.condition(project.awaited)
    state = _STATE_WORDS.get(condition, condition)
    if condition == "failed":
        state = f"FAILED (exit code {container.exit_code})"
    elif condition == "stopped":
        state = f"stopped (code {container.exit_code})"
    result = _result(container, condition, now)
    if container.restarts:
        result += f", restarts: {container.restarts}"
    return Line(
        container.service + suffix,
        state,
        # A user types the port; the whole address stands in the README.
        ", ".join(container.addresses) or "-",
        _memory(used.get(container.identifier), container.memory_limit),
        result,
        condition in WELL,
    )


def _result(container: Container, condition: str, now: datetime) -> str:
    if container.out_of_memory and condition not in WELL:
        return "killed for want of memory"
    if condition == "unhealthy":
        return one_line(container.check_output, 100) or "its health check fails"
    if condition == "waiting":
        return one_line(container.error, 100) or "waits for what it needs"
    if condition == "done":
        return _age(container.finished_at, now, "its end")
    if condition in WELL:
        return _age(container.good_at, now, "health check") if container.health else "no health check"
    return "-"


def _memory(used: int | None, limit: int) -> str:
    if used is None:
        return "-"
    return f"{used / _MB:,.0f} / {limit / _MB:,.0f} MB" if limit else f"{used / _MB:,.0f} MB"


def _age(moment: datetime | None, now: datetime, what: str) -> str:
    if moment is None:
        return "-"
    seconds = max(0.0, (now - moment).total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} old ({what})"
    return f"{seconds:.0f} s old ({what})"


def _pipeline(docker: Docker, project: Project, containers: list[Container], now: datetime) -> list[Line]:
    if ASKED not in project.needs:
        return []
    try:
        rows = pipeline_lines(ask_pulse(docker, containers), now)
    except EngineError as error:
        return [Line("minute KPIs", "unknown", "", "", f"cannot be asked: {error}", False)]
    return [Line(row.name, row.state, "", "", row.result, row.well) for row in rows]
