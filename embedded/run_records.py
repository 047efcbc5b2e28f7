"""What runs, written down: ``<home>/run/<service>.json``, so that the next command finds it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from embedded.processes import ProcessId, identify
from flashsale.errors import FlashsaleError

State = Literal["starting", "ready", "restarting", "stopping"]
_LOCK = "supervisor.lock"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A service that was started; `order` is its place in the start order."""

    service: str
    process: ProcessId
    order: int
    state: State
    restarts: int = 0

    def save(self, folder: Path) -> None:
        path = folder / f"{self.service}.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)


def read_records(folder: Path) -> list[RunRecord]:
    """All records, in start order; a file that is not one is ignored."""
    records = []
    for path in folder.glob("*.json"):
        try:
            fields = json.loads(path.read_text())
            records.append(RunRecord(**{**fields, "process": ProcessId(**fields["process"])}))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(records, key=lambda record: (record.order, record.service))


def forget_record(folder: Path, service: str) -> None:
    (folder / f"{service}.json").unlink(missing_ok=True)


@contextmanager
def supervisor_lock(folder: Path) -> Iterator[None]:
    """Hold the stack for this process; raises FlashsaleError when another supervises it.

    The kernel frees it with the process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a+") as file:
        if not _try_lock(file):
            pid = supervisor_pid(folder)
            raise FlashsaleError(
                f"the stack is already running (pid {pid}): `make status` shows it, `make down` stops it"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def supervisor_pid(folder: Path) -> int | None:
    """Pid of the supervisor that holds the lock, None when nobody does."""
    try:
        with (folder / _LOCK).open("r+") as file:
            if _try_lock(file):
                return None
            text = file.read().strip()
    except FileNotFoundError:
        return None
    return int(text) if text.isdigit() and identify(int(text)) else None


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
