"""Processes by the kernel's own book: sessions, start times and the mark in their environment."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STACK_MARK = "FLASHSALE_STACK_ID"
SERVICE_MARK = "FLASHSALE_STACK_SERVICE"
ORPHAN_SECONDS = 3.0
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process for good: a pid alone is given to another process some day."""

    pid: int
    start_ticks: int
    boot_id: str

    def alive(self) -> bool:
        return identify(self.pid) == self


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    parent: int
    session: int
    start_ticks: int


def _stat(pid: int) -> _Stat | None:
    """The living process `pid`; a zombie holds nothing any more and counts as gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold anything; the numbers follow the last one.
    fields = text.rpartition(")")[2].split()
    stat = _Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[19]))
    return None if stat.state in "ZX" else stat


def _boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessId | None:
    """Identity of a living process, None when there is none."""
    stat = _stat(pid)
    return None if stat is None else ProcessId(pid, stat.start_ticks, _boot_id())


class ProcessTable:
    """All processes at one moment, and which of them belong to the stack `stack_id`."""

    def __init__(self, stack_id: str) -> None:
        self._stats = {
            int(entry.name): stat
            for entry in _PROC.iterdir()
            if entry.name.isdigit() and (stat := _stat(int(entry.name)))
        }
        self._boot_id = _boot_id()
        self.marked = {pid: name for pid in self._stats if (name := _service_mark(pid, stack_id)) is not None}

    def members(self, leader: ProcessId | None, service: str) -> set[int]:
        """Every process of a service: its session, what carries its mark, and their descendants.

        Some programs overwrite their environment with a title, others start sessions of
        their own: none of the three finds all.
        """
        found = {pid for pid, name in self.marked.items() if name == service}
        if leader is not None and self._session_is_of(leader):
            found |= {pid for pid, stat in self._stats.items() if stat.session == leader.pid}
        while children := {p for p, stat in self._stats.items() if stat.parent in found and p not in found}:
            found |= children
        return found - {os.getpid()}

    def _session_is_of(self, leader: ProcessId) -> bool:
        """Its number outlives the leader, but may also have been given to another process."""
        holder = self._stats.get(leader.pid)
        return leader.boot_id == self._boot_id and (holder is None or holder.start_ticks == leader.start_ticks)


def _service_mark(pid: int, stack_id: str) -> str | None:
    try:
        entries = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if f"{STACK_MARK}={stack_id}".encode() not in entries:
        return None
    prefix = f"{SERVICE_MARK}=".encode()
    return next((entry[len(prefix) :].decode() for entry in entries if entry.startswith(prefix)), "")


def stop(leader: ProcessId | None, stack_id: str, service: str, number: signal.Signals, seconds: float) -> bool:
    """Ask the service's processes to end, and end them by SIGKILL after `seconds`.

    Returns whether they went by themselves.  What its leader leaves behind gets 3 s.
    """
    deadline = time.monotonic() + seconds
    asked: set[int] = set()
    known: set[ProcessId] = set()
    while True:
        alive = leader is not None and leader.alive()
        present = ProcessTable(stack_id).members(leader, service)
        known |= {identity for pid in present if (identity := identify(pid))}
        # What left the session and the mark behind once is still followed by its identity.
        present |= {identity.pid for identity in known if identity.alive()}
        if not present:
            return True
        if time.monotonic() >= deadline:
            break
        if alive and leader is not None:
            _send({leader.pid} - asked, number)
            asked.add(leader.pid)
        elif orphans := present - asked:
            _send(orphans, signal.SIGTERM)
            asked |= orphans
            deadline = min(deadline, time.monotonic() + ORPHAN_SECONDS)
        time.sleep(0.1)
    for _ in range(50):
        present = ProcessTable(stack_id).members(leader, service) | {i.pid for i in known if i.alive()}
        if not present:
            break
        _send(present, signal.SIGKILL)
        time.sleep(0.1)
    return False


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size of the processes together: a shared page counts in shares."""
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
