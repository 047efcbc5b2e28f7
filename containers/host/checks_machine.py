"""The machine and its engine: present, new enough, large enough."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import sys
from pathlib import Path

from containers.host.answers import Info, Project
from containers.host.container import Container
from containers.host.findings import Finding, ok, one_line, problem, warning

# Its health checks use start_interval.
ENGINE_AT_LEAST = (25, 0)
COMPOSE_AT_LEAST = (2, 20)
# Before it, what is published on loopback alone could be reached through the bridge by neighbours.
ENGINE_THAT_KEEPS_NEIGHBOURS_OUT = (28, 0)
GIB = 2**30
MEMORY_NEEDED = 6 * GIB
DISK_TO_BUILD = 10 * 10**9
DISK_TO_RUN = 3 * 10**9

_INSTALL = "install Docker Engine with its Compose plugin, or Docker Desktop"


def check_engine(info: Info, endpoint: str) -> list[Finding]:
    """Whether an engine answers and its Compose is new enough; a problem here leaves nothing else to ask."""
    if info.error:
        return [_no_engine(info.error, endpoint)]
    if _numbers(info.server_version) < ENGINE_AT_LEAST:
        text = f"Docker {info.server_version} is too old, {_dotted(ENGINE_AT_LEAST)} or newer is needed"
        return [problem("engine", text, "update Docker Engine")]
    version = _numbers(info.compose_version)
    wanted = _dotted(COMPOSE_AT_LEAST)
    if not version:
        text = f"Docker {info.server_version} answers, but the Compose plugin is missing"
        return [problem("engine", text, f"install docker-compose-plugin {wanted} or newer")]
    if version < COMPOSE_AT_LEAST:
        text = f"Compose {info.compose_version} is too old, {wanted} or newer is needed"
        return [problem("engine", text, "update docker-compose-plugin")]
    found = [ok("engine", f"Docker {info.server_version}, Compose {info.compose_version}")]
    if _numbers(info.server_version) < ENGINE_THAT_KEEPS_NEIGHBOURS_OUT:
        text = f"Docker {info.server_version} lets neighbours on the network reach pages published on 127.0.0.1"
        way_out = f"update to {_dotted(ENGINE_THAT_KEEPS_NEIGHBOURS_OUT)}, or drop what comes from them in DOCKER-USER"
        found.append(warning("engine", text, way_out))
    return found


def no_docker(error: str) -> Finding:
    """The docker command itself cannot be run."""
    return problem("engine", one_line(error), _INSTALL)


def _no_engine(error: str, endpoint: str) -> Finding:
    where = endpoint or "its socket"
    if "permission denied" in error.lower():
        way_out = "`sudo usermod -aG docker $USER` and a new login allow it (that group is as mighty as root)"
        return problem("engine", f"this user may not talk to the engine at {where}", way_out)
    if os.environ.get("DOCKER_HOST"):
        return problem("engine", f"no engine answers at DOCKER_HOST={where}", "start that engine or unset DOCKER_HOST")
    start = (
        "open Docker Desktop" if sys.platform == "darwin" else "`sudo systemctl start docker` or open Docker Desktop"
    )
    silent = "the engine does not answer" in error or "cannot connect" in error.lower()
    text = f"the engine at {where} does not answer" + ("" if silent else f" ({one_line(error, 120)})")
    return problem("engine", text, start)


def check_limits(info: Info) -> list[Finding]:
    """Without cgroup controllers the stack runs, but one service can take the memory of all."""
    missing = [name for name, works in (("memory", info.limits_memory), ("pid", info.limits_pids)) if not works]
    if not missing:
        return [ok("limits", "memory and pid limits work")]
    way_out = "enable the cgroup controllers of the kernel (rootless engines: delegate them to the user)"
    return [warning("limits", f"the engine cannot enforce {' and '.join(missing)} limits", way_out)]


def check_memory(info: Info, available: int | None, running: bool) -> list[Finding]:
    """`available` is the host's free memory in bytes, None where it says nothing about the engine."""
    needed = f"{MEMORY_NEEDED / GIB:.0f} GiB needed"
    if info.memory_bytes < MEMORY_NEEDED:
        text = f"the engine has {info.memory_bytes / GIB:.1f} GiB in all, {needed}"
        return [problem("memory", text, "give it more (Docker Desktop: Settings, Resources)")]
    total = f"the engine has {info.memory_bytes / GIB:.1f} GiB"
    if running or available is None:
        return [ok("memory", total)]
    if available < MEMORY_NEEDED:
        return [problem("memory", f"{available / GIB:.1f} GiB available, {needed}", "close other programs")]
    return [ok("memory", f"{total}, {available / GIB:.1f} GiB of it available")]


def check_disk(folder: Path, free: int, missing_images: frozenset[str], engines_own: bool) -> list[Finding]:
    """`free` bytes on the disk of `folder`, which is the engine's own or else the repository's."""
    needed, why = (DISK_TO_BUILD, "to build the images") if missing_images else (DISK_TO_RUN, "to run")
    whose = "" if engines_own else " (the engine's own disk cannot be seen)"
    text = f"{free / 10**9:.1f} GB free on the disk of {folder}{whose}"
    if free < needed:
        way_out = "free some, for example with `docker builder prune` and `docker image prune`"
        return [problem("disk", f"{text}, {needed / 10**9:.0f} GB needed {why}", way_out)]
    return [ok("disk", text)]


def missing_images(project: Project, present: frozenset[str]) -> frozenset[str]:
    """Images of ours that are not built yet; a name without a tag means `latest`."""
    return frozenset(i for i in project.built_images if (i if ":" in i else f"{i}:latest") not in present)


def is_local(info: Info, endpoint: str) -> bool:
    """Whether the engine runs on this machine's kernel, so that its memory and disk are this machine's."""
    return endpoint.startswith("unix://") and info.kernel == platform.release()


def free_disk(info: Info, endpoint: str, repository: Path) -> tuple[Path, int, bool]:
    """(folder, free bytes, whether it is the engine's own disk)."""
    if is_local(info, endpoint) and info.root_folder:
        try:
            return Path(info.root_folder), shutil.disk_usage(info.root_folder).free, True
        except OSError:
            pass  # of another mount namespace, or below a folder this user may not enter
    return repository, shutil.disk_usage(repository).free, False


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Linux's own estimate of what can be taken without swapping, bytes; None where there is none."""
    try:
        match = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match.group(1)) * 1024 if match else None


def check_files(project: Project) -> list[Finding]:
    """Files handed to a service, such as the sale's scenario: Compose looks for them only at the start."""
    found = []
    for name, path in project.files.items():
        if not Path(path).is_file():
            text = f"the file of {name} does not exist: {path}"
            found.append(problem("configuration", text, f"set {name.upper()} to one that does"))
        elif not Path(path).stat().st_mode & stat.S_IROTH:
            text = f"the file of {name} can be read by its owner alone, and the service is another user: {path}"
            found.append(problem("configuration", text, f"`chmod o+r {path}`"))
    return found


def check_checkout(containers: list[Container], folder: Path) -> list[Finding]:
    """Two checkouts with one project name would take each other's containers and data."""
    others = {c.checkout for c in containers if c.checkout and Path(c.checkout) != folder}
    return [
        problem(
            "checkout",
            f"containers of this project's name were made from {other}",
            "set COMPOSE_PROJECT_NAME, FLASHSALE_VERSION and the FLASHSALE_PORT_... here, or work there",
        )
        for other in sorted(others)
    ]


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)", version)
    return tuple(int(number) for number in match.groups()) if match else ()
