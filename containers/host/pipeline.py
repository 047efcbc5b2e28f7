"""What the pipeline says of itself: asked inside the scheduler's container, where the jobs' secrets are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from containers.host.answers import parse_time
from containers.host.container import Container
from containers.host.engine import Docker, EngineError, last_line

ASKED = "airflow-scheduler"
TIMEOUT_SECONDS = 30.0
STALE_SECONDS = 180.0
WATERMARK_SECONDS = 30.0
# DAG -> the one-shot service that does the same at each start.
SAME_WORK = {"seed_dimensions": "seed"}


@dataclass(frozen=True)
class Dag:
    """Last outcome of a DAG; `state` is None when it has told nothing in its last three periods."""

    state: str | None
    at: str | None
    error: str
    paused: bool


@dataclass(frozen=True)
class Pulse:
    """The pipeline's answer; ages in seconds, None where there is nothing yet or its store does not answer."""

    troubles: dict[str, str]
    sale_id: str | None
    phase: str | None
    sale_start: str | None
    snapshot_id: str | None
    snapshot_age: float | None
    complete: bool | None
    watermark_age: float | None
    archive: dict[str, str] | None
    dags: dict[str, Dag]
    import_errors: list[str] = field(default_factory=list)
    notifier: dict[str, str] | None = None

    @property
    def is_live(self) -> bool:
        return self.phase == "live"


def ask_pulse(docker: Docker, containers: list[Container]) -> Pulse:
    """Raises EngineError with one line that says why the pipeline cannot be asked."""
    asked = [container for container in containers if container.service == ASKED]
    if not any(container.state == "running" for container in asked):
        raise EngineError(f"{ASKED} is not running")
    command = ("compose", "exec", "-T", ASKED, "python", "-m", "containers.pulse")
    output = docker.run(*command, timeout=TIMEOUT_SECONDS)
    if output.code != 0:
        raise EngineError(last_line(output.err) or f"the question to {ASKED} ended with exit code {output.code}")
    try:
        return made_good(parse_pulse(output.out), containers)
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"{ASKED} gave an answer of another version; rebuild the images") from None


def made_good(pulse: Pulse, containers: list[Container]) -> Pulse:
    """`pulse` without the failure of a daily DAG whose work the start of the stack has done since."""
    dags = dict(pulse.dags)
    for name, service in SAME_WORK.items():
        failed_at = parse_time(dags[name].at or "") if name in dags and dags[name].state == "failed" else None
        ends = [c.finished_at for c in containers if c.service == service and c.state == "exited" and c.exit_code == 0]
        if failed_at is not None and any(end is not None and end > failed_at for end in ends):
            dags[name] = replace(dags[name], state=None, at=None, error="")
    return replace(pulse, dags=dags)


def parse_pulse(text: str) -> Pulse:
    """`text` is what ``containers.pulse`` wrote; raises ValueError or KeyError for anything else."""
    # A library may have said something before; the answer is the last line.
    lines = [line for line in text.splitlines() if line.strip()]
    values: dict[str, Any] = json.loads(lines[-1] if lines else "")
    return Pulse(
        troubles=dict(values["troubles"]),
        sale_id=values.get("sale_id"),
        phase=values.get("phase"),
        sale_start=values.get("sale_start"),
        snapshot_id=values.get("snapshot_id"),
        snapshot_age=values.get("snapshot_age_seconds"),
        complete=values.get("complete"),
        watermark_age=values.get("watermark_age_seconds"),
        archive=values["parts"].get("archive"),
        dags={
            name: Dag(dag["state"], dag["at"], dag["error"], bool(dag["paused"]))
            for name, dag in values["dags"].items()
        },
        import_errors=list(values.get("import_errors") or ()),
        notifier=values["parts"].get("notifier"),
    )
