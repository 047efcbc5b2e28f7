"""What the engine and Compose answer, as values: pure functions over their JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True)
class Info:
    """``docker info``: sizes in bytes; `error` is what the engine's absence was reported as."""

    server_version: str
    compose_version: str
    memory_bytes: int
    root_folder: str
    clock: datetime | None
    kernel: str
    limits_memory: bool
    limits_pids: bool
    error: str


@dataclass(frozen=True)
class PublishedPort:
    """A port the compose file publishes on the host."""

    service: str
    address: str
    number: int


@dataclass(frozen=True)
class Project:
    """``docker compose config``: who needs whom, what is published, what is built here."""

    name: str
    needs: dict[str, tuple[str, ...]]
    awaited: frozenset[str]
    ports: tuple[PublishedPort, ...]
    built_images: frozenset[str]
    files: dict[str, str]


def parse_info(text: str, errors: str) -> Info:
    """`text` and `errors` are what ``docker info`` wrote; without an engine most fields are empty."""
    values: dict[str, Any] = json.loads(text) if text.strip() else {}
    plugins = (values.get("ClientInfo") or {}).get("Plugins") or []
    compose = next((p.get("Version") or "" for p in plugins if p.get("Name") == "compose" and not p.get("Err")), "")
    server = values.get("ServerVersion") or ""
    # Newer clients write the reason to stderr, older ones into the JSON.
    reasons = [*(values.get("ServerErrors") or []), *errors.splitlines(), "the engine does not answer"]
    return Info(
        server_version=server,
        compose_version=compose.lstrip("v"),
        memory_bytes=int(values.get("MemTotal") or 0),
        root_folder=values.get("DockerRootDir") or "",
        clock=parse_time(values.get("SystemTime") or ""),
        kernel=values.get("KernelVersion") or "",
        limits_memory=bool(values.get("MemoryLimit")),
        limits_pids=bool(values.get("PidsLimit")),
        error="" if server else next(reason for reason in reasons if reason.strip()),
    )


def parse_project(text: str) -> Project:
    """`text` is what ``docker compose config --format json`` wrote."""
    values = json.loads(text)
    services: dict[str, dict[str, Any]] = values.get("services") or {}
    needs = {name: tuple(service.get("depends_on") or {}) for name, service in services.items()}
    awaited = {
        other
        for service in services.values()
        for other, how in (service.get("depends_on") or {}).items()
        if how.get("condition") == "service_completed_successfully"
    }
    ports = [
        PublishedPort(name, port.get("host_ip") or "0.0.0.0", int(port["published"]))  # noqa: S104 - what Docker does
        for name, service in services.items()
        for port in service.get("ports") or []
        # A range or none at all leaves the choice to the engine.
        if str(port.get("published") or "").isdigit() and port.get("protocol", "tcp") == "tcp"
    ]
    built = {
        service.get("image") or f"{values.get('name')}-{name}"
        for name, service in services.items()
        if "build" in service
    }
    files = {
        name: source["file"]
        for kind in ("configs", "secrets")
        for name, source in (values.get(kind) or {}).items()
        if "file" in source
    }
    return Project(values.get("name") or "", needs, frozenset(awaited), tuple(ports), frozenset(built), files)


def parse_time(text: str) -> datetime | None:
    """RFC 3339 as the engine writes it (nanoseconds, ``Z`` or an offset); None for its zero and for no time."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if not match or match.group(1).startswith("0001"):
        return None
    seconds, fraction, offset = match.groups()
    micro = ((fraction or "") + "000000")[:6]
    moment = datetime.fromisoformat(f"{seconds}.{micro}{'+00:00' if offset == 'Z' else offset}")
    return moment.astimezone(timezone.utc)


def parse_size(text: str) -> int | None:
    """Bytes of ``12.5MiB`` and the like; None for anything else."""
    match = re.fullmatch(r"([\d.]+)\s*([A-Za-z]+)", text.strip())
    if not match or match.group(2) not in _UNITS:
        return None
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def parse_memory(text: str) -> dict[str, int]:
    """Bytes used by short container id, from the JSON lines of ``docker stats``."""
    used: dict[str, int] = {}
    for line in text.splitlines():
        row = json.loads(line)
        size = parse_size(row["MemUsage"].split("/")[0])
        if size is not None:
            used[row["ID"][:12]] = size
    return used
