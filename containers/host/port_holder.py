"""Which process listens on a port, as far as the system tells this user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

_LISTEN = "0A"


def holder_of(port: int, proc: Path = Path("/proc")) -> str:
    """``<name> (pid <n>)``; empty when the process belongs to somebody else or the system has no way to tell."""
    if (proc / "net" / "tcp").exists():
        return _from_proc(port, proc)
    return _from_lsof(port)


def _from_proc(port: int, proc: Path) -> str:
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for process in proc.iterdir() if wanted else ():
        if not process.name.isdigit():
            continue
        try:
            if any(os.readlink(entry) in wanted for entry in (process / "fd").iterdir()):  # noqa: PTH115 - not a path
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # another user's process, or one that has just ended
    return ""


def _listening_inodes(port: int, proc: Path) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, rows):
            if columns[3] == _LISTEN and int(columns[1].rsplit(":", 1)[1], 16) == port:
                inodes.append(columns[9])
    return inodes


def _from_lsof(port: int) -> str:
    if shutil.which("lsof") is None:
        return ""
    try:
        done = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"^p(\d+)\nc(.+)$", done.stdout, re.MULTILINE)
    return f"{match.group(2)} (pid {match.group(1)})" if match else ""
