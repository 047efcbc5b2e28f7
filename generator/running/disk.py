"""Room where the facts are stored: with little left writing slows down, with less it pauses, and goes on by itself."""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pymongo.database import Database

from flashsale.errors import ServiceUnavailableError
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from generator.retry import one_try

_LOG = logging.getLogger("generator")

DiskState = Literal["ample", "slow", "full"]

LOOK_SECONDS = 3.0
RELIEF_GB = 0.25
"""So much more than the bound must be free before writing goes on: a store tidies up and fills again."""
GB = 1e9


class DiskGuard:
    """`measure` gives the free bytes, None where nobody can tell; `whose` disk it is, for people."""

    def __init__(self, measure: Callable[[], int | None], settings: Settings, whose: str) -> None:
        self._measure, self._whose = measure, whose
        self._slow_gb, self._pause_gb = settings.disk_slow_gb, settings.disk_pause_gb
        self._next_look = 0.0
        self.state: DiskState = "ample"

    def look(self) -> DiskState:
        """Measure every few seconds, say what changes.  A store that does not answer leaves it as it was."""
        if time.monotonic() < self._next_look:
            return self.state
        try:
            free = self._measure()
        except ServiceUnavailableError:
            return self.state
        self._next_look = time.monotonic() + LOOK_SECONDS
        if free is not None:
            self._set(self._judged(free / GB), free / GB)
        return self.state

    def _judged(self, free_gb: float) -> DiskState:
        if free_gb < self._pause_gb + (RELIEF_GB if self.state == "full" else 0):
            return "full"
        return "slow" if free_gb < self._slow_gb + (0 if self.state == "ample" else RELIEF_GB) else "ample"

    def _set(self, state: DiskState, free_gb: float) -> None:
        if state == self.state:
            return
        self.state = state
        if state == "ample":
            _LOG.info("the disk of %s has %.1f GB free again: going on at full speed", self._whose, free_gb)
            return
        bound, setting, what = (
            (self._pause_gb, "FLASHSALE_DISK_PAUSE_GB", "paused")
            if state == "full"
            else (self._slow_gb, "FLASHSALE_DISK_SLOW_GB", "writing half of the time only")
        )
        _LOG.warning(
            "the disk of %s has %.1f GB free, needed are %.1f GB: %s until there is more; "
            "remove what nobody needs there, or set %s lower",
            self._whose,
            free_gb,
            bound,
            what,
            setting,
        )


def free_at_mongodb(database: Database[Document]) -> int | None:
    """Bytes free in the file system of MongoDB's data, the least over the shards of a cluster."""
    answer = one_try("ask for the free space", lambda: database.command("dbStats"))
    parts = list(answer["raw"].values()) if "raw" in answer else [answer]
    free = [int(p["fsTotalSize"] - p["fsUsedSize"]) for p in parts if p.get("fsTotalSize")]
    return min(free, default=None)


def free_in_folder(folder: Path) -> int:
    """Bytes free in the file system of `folder`."""
    return shutil.disk_usage(folder).free
