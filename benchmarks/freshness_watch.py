"""A process of its own that notes when each snapshot became readable, as the page's user sees it."""

import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from flashsale.errors import FlashsaleError
from flashsale.minutes import iso, parse_iso, utc_now
from flashsale.settings import Settings
from flashsale.snapshot import PARTS, interval_end_of
from flashsale.stores.health import read_health
from flashsale.stores.redis_client import RedisClient, redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts
from spark_jobs.stage_times import Stages, read_stages

POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Sighting:
    """A snapshot of the minute that ended at `end`: first read whole at `readable`; `stages` as its run told them."""

    end: datetime
    readable: datetime
    complete: bool
    orders: int
    stages: Stages | None


@dataclass(slots=True)
class _Noted:
    snapshot_id: str
    readable: str
    complete: bool
    orders: int
    report: str = ""


class Watcher:
    """What a running watch has noted so far."""

    def __init__(self, process: multiprocessing.process.BaseProcess, notes: Path) -> None:
        self._process, self._notes = process, notes

    def first_sightings(self) -> dict[datetime, Sighting]:
        """Minute -> its first snapshot.  Raises FlashsaleError when the watch has ended by itself."""
        if not self._process.is_alive():
            raise FlashsaleError("the process that polls Redis ended by itself; see what it wrote above")
        first: dict[datetime, _Noted] = {}
        for line in self._notes.read_text().splitlines():
            noted = _Noted(**json.loads(line))
            known = first.setdefault(interval_end_of(noted.snapshot_id), noted)
            if noted.snapshot_id == known.snapshot_id and not known.report:
                known.report = noted.report
        return {end: _sighting(end, noted) for end, noted in first.items()}


def _sighting(end: datetime, noted: _Noted) -> Sighting:
    return Sighting(end, parse_iso(noted.readable), noted.complete, noted.orders, read_stages(noted.report))


@contextmanager
def watching(settings: Settings, sale_id: str, folder: Path) -> Iterator[Watcher]:
    """Poll the sale's pointer until the end of the block; notes go to a file in `folder`.

    A snapshot is noted when it was read, and once more when its run has told its stages.
    """
    notes = folder / "sightings.jsonl"
    notes.touch()
    process = multiprocessing.get_context("spawn").Process(target=_watch, args=(settings, sale_id, notes), daemon=True)
    process.start()
    try:
        yield Watcher(process, notes)
    finally:
        process.terminate()
        process.join()


def _watch(settings: Settings, sale_id: str, notes: Path) -> None:
    noted: _Noted | None = None
    with redis_client(settings, "dashboard_read") as redis, notes.open("a") as file:
        while True:
            current = current_snapshot_id(redis, sale_id)
            if current is not None and (noted is None or current != noted.snapshot_id):
                noted = _read_whole(redis, sale_id, current)
                _note(file, noted)
            # A run tells its stages a moment after its snapshot is there.
            if noted is not None and not noted.report:
                health = read_health(redis, sale_id, {"kpi": "kpi"})["kpi"]
                if health is not None and noted.snapshot_id in health["detail"]:
                    noted.report = health["detail"]
                    _note(file, noted)
            time.sleep(POLL_SECONDS)


def _note(file: IO[str], noted: _Noted) -> None:
    """In one piece: the reader must not meet half a line."""
    file.write(json.dumps(asdict(noted)) + "\n")
    file.flush()


def _read_whole(redis: RedisClient, sale_id: str, snapshot_id: str) -> _Noted:
    """Everything a page could ask for; raises FlashsaleError when a part is missing."""
    parts = read_parts(redis, sale_id, snapshot_id, PARTS)
    readable = iso(utc_now())
    missing = [name for name, text in parts.items() if text is None]
    if missing:
        raise FlashsaleError(f"snapshot {snapshot_id} is current and lacks {', '.join(missing)}")
    meta, headline = json.loads(parts["meta"] or ""), json.loads(parts["headline"] or "")
    return _Noted(snapshot_id, readable, meta["complete"], headline["orders_per_minute"])
