"""The clocks: the host's against the engine's, and whether anything keeps them right."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from datetime import datetime, timezone

from containers.host.answers import parse_time
from containers.host.engine import Docker, EngineError
from containers.host.findings import Finding, ok, problem, warning

DIFFERENCE_SECONDS = 2.0
_TIME_ERROR = 5
_TIMEX_BYTES = 512


def check_clock(difference: float | None, synchronised: bool | None) -> list[Finding]:
    """`difference` is engine minus host in seconds, `synchronised` what the system says; None where it does not."""
    if difference is not None and abs(difference) > DIFFERENCE_SECONDS:
        where = "ahead of" if difference > 0 else "behind"
        text = f"the engine's clock is {abs(difference):.0f} s {where} this machine's"
        return [problem("clock", text, "set the clock right; a virtual machine of Docker Desktop needs a restart")]
    same = "cannot be compared with the engine's" if difference is None else "the engine's is the same"
    if synchronised is None:
        return [warning("clock", f"{same}; whether it is synchronised cannot be checked")]
    if not synchronised:
        return [warning("clock", f"{same}, but nothing synchronises it", "install chrony or enable systemd-timesyncd")]
    return [ok("clock", f"synchronised, {same}")]


def clock_difference(docker: Docker) -> float | None:
    """The engine's clock minus this machine's, seconds: containers share the engine's."""
    before = datetime.now(timezone.utc)
    try:
        text = docker.text("info", "--format", "{{.SystemTime}}")
    except EngineError:
        return None
    after = datetime.now(timezone.utc)
    there = parse_time(text.strip())
    # It was read somewhere between the two; half the way is the best guess.
    return None if there is None else (there - before - (after - before) / 2).total_seconds()


def is_synchronised() -> bool | None:
    """What systemd, else the kernel, says of this machine's clock; None where neither tells."""
    try:
        done = subprocess.run(
            ["timedatectl", "show", "--property", "NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=1,
            check=False,
        )
        if done.returncode == 0 and done.stdout.strip() in ("yes", "no"):
            return done.stdout.strip() == "yes"
    except (OSError, subprocess.TimeoutExpired):
        pass  # no systemd here
    return _kernel_is_synchronised() if sys.platform == "linux" else None


def _kernel_is_synchronised() -> bool | None:
    """adjtimex(2) without a change: anyone may ask, and its answer is the state of the clock."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
