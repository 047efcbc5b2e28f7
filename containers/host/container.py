"""One container of the project, as ``docker inspect`` tells it, and what its state means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from containers.host.answers import parse_time
from containers.host.engine import last_line

_LABEL = "com.docker.compose."

Condition = Literal[
    "healthy",
    "running",
    "done",
    "starting",
    "unhealthy",
    "restarting",
    "failed",
    "stopped",
    "waiting",
    "paused",
    "dead",
]
WELL: tuple[Condition, ...] = ("healthy", "running", "done")


@dataclass(frozen=True)
class Container:
    """`check_output` is the last line of the newest health check, `good_at` the end of the newest that passed,
    `checkout` the folder whose file made it."""

    identifier: str
    service: str
    number: int
    state: str
    health: str
    exit_code: int
    out_of_memory: bool
    error: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    restarts: int
    once: bool
    memory_limit: int
    addresses: tuple[str, ...]
    check_output: str
    good_at: datetime | None
    checkout: str = ""

    @property
    def is_running(self) -> bool:
        return self.state in ("running", "restarting", "paused")

    def condition(self, awaited: frozenset[str]) -> Condition:
        """What the state means; `awaited` names the services others wait for to end well."""
        if self.state == "running":
            by_health: dict[str, Condition] = {"healthy": "healthy", "starting": "starting", "unhealthy": "unhealthy"}
            # What others wait for to end has not done its work while it runs.
            return by_health.get(self.health, "starting" if self.service in awaited else "running")
        if self.state in ("exited", "removing"):
            one_shot = self.once or self.service in awaited
            if not one_shot:
                return "stopped"
            return "done" if self.exit_code == 0 else "failed"
        others: dict[str, Condition] = {"restarting": "restarting", "created": "waiting", "paused": "paused"}
        return others.get(self.state, "dead")


def parse_containers(text: str) -> list[Container]:
    """`text` is what ``docker inspect`` wrote of all containers; those of ``docker compose run`` are left out."""
    found = [_container(entry) for entry in json.loads(text) if not _is_one_off(entry)]
    return sorted(found, key=lambda container: (container.service, container.number))


def _is_one_off(entry: dict[str, Any]) -> bool:
    return bool(entry["Config"]["Labels"].get(_LABEL + "oneoff") == "True")


def _container(entry: dict[str, Any]) -> Container:
    state, labels, host = entry["State"], entry["Config"]["Labels"], entry["HostConfig"]
    health = state.get("Health") or {}
    checks = health.get("Log") or []
    passed = [check for check in checks if check["ExitCode"] == 0]
    # Configured and not bound ports: a container that could not bind one has none bound.
    bindings = host.get("PortBindings") or {}
    return Container(
        identifier=entry["Id"][:12],
        service=labels[_LABEL + "service"],
        number=int(labels.get(_LABEL + "container-number") or 1),
        state=state["Status"],
        health=health.get("Status") or "",
        exit_code=int(state["ExitCode"]),
        out_of_memory=bool(state["OOMKilled"]),
        error=last_line(state["Error"]),
        created_at=parse_time(entry["Created"]),
        started_at=parse_time(state["StartedAt"]),
        finished_at=parse_time(state["FinishedAt"]),
        restarts=int(entry["RestartCount"]),
        once=(host.get("RestartPolicy") or {}).get("Name") in ("", "no", None),
        memory_limit=int(host.get("Memory") or 0),
        addresses=tuple(
            f"{binding.get('HostIp') or '0.0.0.0'}:{binding['HostPort']}"  # noqa: S104 - what Docker does
            for bound in bindings.values()
            for binding in bound or []
            if binding.get("HostPort")
        ),
        check_output=last_line(checks[-1]["Output"]) if checks else "",
        good_at=parse_time(passed[-1]["End"]) if passed else None,
        checkout=labels.get(_LABEL + "project.working_dir") or "",
    )
