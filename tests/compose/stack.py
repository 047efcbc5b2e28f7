"""A compose project of the tests' own: the production file, unmodified, on ports and volumes of its own."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from embedded.config import free_ports
from flashsale.minutes import parse_iso, utc_now

ROOT = Path(__file__).parents[2]
FRESH_SECONDS = 70.0
ONE_SHOTS = ("secrets", "mongo-init", "postgres-init", "airflow-db", "hdfs-init", "sale", "seed")


def inside(name: str) -> str:
    """Text of a program of `tests/compose/inside`."""
    return (Path(__file__).parent / "inside" / f"{name}.py").read_text()


def _environment(ports: list[int], project: str) -> dict[str, str]:
    """The caller's, without what would change the project; a `.env` of the repository is not read either."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLASHSALE_", "COMPOSE_")) and k != "SALE"}
    names = ("DASHBOARD", "AIRFLOW", "HDFS", "SPARK_UI")
    return {
        **kept,
        **{f"FLASHSALE_PORT_{name}": str(port) for name, port in zip(names, ports, strict=True)},
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_DISABLE_ENV_FILE": "true",
        "FLASHSALE_VERSION": "test",
    }


@dataclass
class ComposeStack:
    """`compose` runs one docker compose command in it; `seconds` holds what was measured on the way,
    `after_up` its containers as the first `up` left them."""

    project: str
    ports: list[int] = field(default_factory=lambda: free_ports(4))
    seconds: dict[str, float] = field(default_factory=dict)
    after_up: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = _environment(self.ports, self.project)

    def run(
        self, *command: str, stdin: str | None = None, timeout: float = 120, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """A command in the repository, with this project's environment."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
            )
        return done

    def compose(self, *arguments: str, **options: Any) -> str:
        return self.run("docker", "compose", *arguments, **options).stdout

    def up(self, *arguments: str) -> float:
        """`docker compose up -d --wait`; the seconds it took."""
        began = time.monotonic()
        self.compose("up", "-d", "--wait", "--quiet-pull", *arguments, timeout=600)
        return time.monotonic() - began

    def python(
        self, service: str, script: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """`script` in a running service's container."""
        return self.run(
            "docker", "compose", "exec", "-T", service, "python", "-", *arguments, stdin=script, check=check
        )

    def one_off(
        self, service: str, script: str, *arguments: str, mounts: Sequence[str] = (), timeout: float = 120
    ) -> str:
        """`script` in a new container with a service's image, networks, secrets and environment."""
        volumes = [text for mount in mounts for text in ("--volume", mount)]
        command = ("docker", "compose", "run", "--rm", "--no-deps", "-T", *volumes, "--entrypoint", "python", service)
        return self.run(*command, "-", *arguments, stdin=script, timeout=timeout).stdout

    def containers(self, *, running_only: bool = False) -> dict[str, dict[str, Any]]:
        """`docker inspect` by container name without the project."""
        flags = ("-q",) if running_only else ("-aq",)
        ids = self.compose("ps", *flags).split()
        found = json.loads(self.run("docker", "inspect", *ids).stdout)
        return {c["Name"].removeprefix(f"/{self.project}-"): c for c in found}

    def container(self, service: str) -> dict[str, Any]:
        return self.containers()[f"{service}-1"]

    def secrets(self) -> dict[str, str]:
        """Every generated secret by name."""
        found: dict[str, str] = json.loads(self.one_off("secrets", inside("read_secrets")))
        return found

    def published(self) -> dict[str, Any]:
        """The live sale's id, and `meta` and `headline` of its current snapshot where there is one."""
        answer: dict[str, Any] = json.loads(self.python("dashboard", inside("read_published")).stdout)
        return answer

    def wait_for_snapshot(self, after: datetime, seconds: float) -> float:
        """Seconds until a snapshot less than 70 s old that was published after `after` can be read."""
        began = time.monotonic()
        last: Any = None
        while time.monotonic() - began < seconds:
            try:
                last = self.published()
            except AssertionError as error:
                last = str(error)[-300:]
            else:
                meta = last.get("meta")
                if meta and parse_iso(meta["published_at"]) > after and snapshot_age(meta) < FRESH_SECONDS:
                    return time.monotonic() - began
            time.sleep(1)
        raise AssertionError(f"no fresh snapshot within {seconds:.0f} s; last seen: {last}")


def snapshot_age(meta: dict[str, Any]) -> float:
    """Seconds since the moment the snapshot's figures are complete to."""
    through = parse_iso(meta["data_interval_end"])
    if meta["watermark"]:
        through = min(through, parse_iso(meta["watermark"]))
    return (utc_now() - through).total_seconds()
