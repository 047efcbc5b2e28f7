"""What a real engine answered about a project with every kind of trouble, captured once.

Of the file's services, `mongo` is unhealthy, `dependent` waits for it, `hog` and `hogloop` ran out
of memory, `once` and `loop` fail, `ok`, `airflow-db`, `dashboard` and `datanode` speak for themselves.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from containers.host.answers import Info, Project, parse_info, parse_project
from containers.host.container import Container, parse_containers

_FOLDER = Path(__file__).parent / "captured"

CAPTURED_AT = datetime(2026, 11, 21, 11, 50, 20, tzinfo=UTC)


def info(**changes: Any) -> Info:
    """``docker info``, with top-level `changes`."""
    return parse_info(json.dumps({**json.loads((_FOLDER / "info.json").read_text()), **changes}), "")


def project() -> Project:
    return parse_project((_FOLDER / "config.json").read_text())


def inspected() -> str:
    """``docker inspect`` of all of them."""
    return (_FOLDER / "inspect.json").read_text()


def containers(*services: str) -> list[Container]:
    """Those of `services`, or all."""
    found = parse_containers(inspected())
    return [container for container in found if not services or container.service in services]


def container(service: str) -> Container:
    (only,) = containers(service)
    return only
