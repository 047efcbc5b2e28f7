"""Reads the current snapshot of a sale without pause, as the page's user, and notes what no reader may ever meet."""

import json
import threading
import time
from datetime import datetime
from types import TracebackType

import redis

from flashsale.minutes import iso, parse_iso
from flashsale.settings import Settings
from flashsale.snapshot import PARTS, interval_end_of, snapshot_id
from flashsale.stores.redis_client import RedisClient, redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts

_PAUSE_SECONDS = 0.001
_AGAIN_AFTER = 100
"""A snapshot is read whole as soon as the pointer names it, and then each time after so many looks at the pointer."""


class SnapshotReader:
    """A thread that reads for as long as the block lasts; a Redis that does not answer is asked again.

    `violations`: a pointer that went back or away, a snapshot that is torn.  `whole`: the ids read whole, in order.
    `looks` counts how often the pointer was read.
    """

    def __init__(self, settings: Settings, sale_id: str) -> None:
        self.violations: list[str] = []
        self.whole: list[str] = []
        self.looks = 0
        self._settings, self._sale_id = settings, sale_id
        self._last: tuple[datetime, datetime] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> "SnapshotReader":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()
        if error is None and self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with redis_client(self._settings, "dashboard_read") as client:
                while not self._stopped.is_set():
                    try:
                        self._read(client)
                    except (redis.ConnectionError, redis.TimeoutError):
                        time.sleep(0.05)
                    time.sleep(_PAUSE_SECONDS)
        except BaseException as failure:
            self._failure = failure
            raise

    def _read(self, client: RedisClient) -> None:
        current = current_snapshot_id(client, self._sale_id)
        if current is None:
            if self._last is not None:
                self.violations.append(f"the pointer is gone; {self.whole[-1]} was read before")
            return
        self.looks += 1
        if self.whole and current == self.whole[-1] and self.looks % _AGAIN_AFTER:
            return
        parts = read_parts(client, self._sale_id, current, PARTS)
        torn = torn_by(current, parts)
        if torn:
            self.violations.append(f"{current}: {torn}")
            return
        position = interval_end_of(current), parse_iso(json.loads(parts["meta"] or "")["watermark"])
        if self._last is not None and position < self._last:
            self.violations.append(f"{current} (watermark {iso(position[1])}) after {self.whole[-1]}")
        self._last = position
        self.whole.append(current)


def torn_by(identifier: str, texts: dict[str, str | None]) -> str | None:
    """What is wrong with the parts read of a snapshot: missing, unreadable, of another one; None when it is whole."""
    missing = [name for name, text in texts.items() if text is None]
    if missing:
        return f"parts missing: {', '.join(missing)}"
    try:
        parts = {name: json.loads(text or "") for name, text in texts.items()}
    except ValueError as error:
        return f"a part is no JSON: {error}"
    if parts["meta"]["snapshot_id"] != identifier:
        return f"its meta is of {parts['meta']['snapshot_id']}"
    of_content = snapshot_id(interval_end_of(identifier), parts)
    return None if of_content == identifier else f"its parts are those of {of_content}"
