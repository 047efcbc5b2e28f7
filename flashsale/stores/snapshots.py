"""Publish a snapshot to Redis and read it back; read the current one.

The parts are written first, under names no reader knows yet; then one transaction
moves the pointer.  The pointer only moves forward: to a later minute, or for the same
minute to a snapshot computed at the same or a later watermark.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import redis

from flashsale.errors import FlashsaleError, ReadBackError, SupersededRunError
from flashsale.minutes import epoch_ms
from flashsale.redis_keys import SaleKeys
from flashsale.snapshot import PARTS, Snapshot, interval_end_of
from flashsale.stores.redis_client import RedisClient

_ATTEMPTS = 20


def publish_snapshot(
    client: RedisClient,
    sale_id: str,
    snapshot: Snapshot,
    watermark: datetime | None,
    superseded_ttl_minutes: int,
) -> None:
    """Make `snapshot` the current one and read it back.

    Raises SupersededRunError when a newer one is current, ReadBackError when Redis
    returns anything but what was written.  Publishing the same snapshot again is a no-op.
    """
    keys = SaleKeys(sale_id)
    ttl = superseded_ttl_minutes * 60
    _write_parts(client, keys, snapshot, ttl)
    _move_pointer(client, keys, snapshot, -1 if watermark is None else epoch_ms(watermark), ttl)
    _read_back(client, keys, snapshot)


def _write_parts(client: RedisClient, keys: SaleKeys, snapshot: Snapshot, ttl: int) -> None:
    """Parts expire until the pointer moves to them, for a crash must not leave them for ever; current ones do not."""

    def queue(pipe: Any, current: str | None, _: int) -> None:
        expires = None if current == snapshot.snapshot_id else ttl
        for part, text in snapshot.parts.items():
            pipe.set(keys.snapshot(snapshot.snapshot_id, part), text, ex=expires)
        if snapshot.details:
            details = keys.snapshot_details(snapshot.snapshot_id)
            pipe.hset(details, mapping=dict(snapshot.details))
            if expires is not None:
                pipe.expire(details, expires)

    _while_pointer_stands(client, keys, snapshot, queue)


def _move_pointer(client: RedisClient, keys: SaleKeys, snapshot: Snapshot, watermark_ms: int, ttl: int) -> None:
    def queue(pipe: Any, current: str | None, current_watermark: int) -> None:
        if current is not None and _is_newer(current, current_watermark, snapshot, watermark_ms):
            raise SupersededRunError(f"snapshot {snapshot.snapshot_id} not published: {current} is newer")
        pipe.set(keys.current, snapshot.snapshot_id)
        pipe.set(keys.current_watermark, watermark_ms)
        for key in _keys_of(keys, snapshot.snapshot_id):
            pipe.persist(key)
        if current is not None and current != snapshot.snapshot_id:
            for key in _keys_of(keys, current):
                pipe.expire(key, ttl)

    _while_pointer_stands(client, keys, snapshot, queue)


def _while_pointer_stands(
    client: RedisClient, keys: SaleKeys, snapshot: Snapshot, queue: Callable[[Any, str | None, int], None]
) -> None:
    """Run what `queue` (pipe, current id, its watermark) puts into one transaction; again when the pointer moved."""
    for _ in range(_ATTEMPTS):
        with client.pipeline(transaction=True) as pipe:
            watching: Any = pipe  # after WATCH a pipeline answers at once, which its types do not say
            watching.watch(keys.current)
            current: str | None = watching.get(keys.current)
            current_watermark = int(watching.get(keys.current_watermark) or -1)
            pipe.multi()
            queue(pipe, current, current_watermark)
            try:
                pipe.execute()
            except redis.WatchError:
                continue
            return
    raise FlashsaleError(f"snapshot {snapshot.snapshot_id}: the pointer kept moving; run again")


def _is_newer(current: str, current_watermark: int, mine: Snapshot, watermark_ms: int) -> bool:
    end = interval_end_of(current)
    if end != mine.data_interval_end:
        return end > mine.data_interval_end
    return current_watermark > watermark_ms


def _keys_of(keys: SaleKeys, snapshot_id: str) -> list[str]:
    parts = [keys.snapshot(snapshot_id, part) for part in PARTS]
    return [*parts, keys.snapshot_details(snapshot_id)]


def _read_back(client: RedisClient, keys: SaleKeys, snapshot: Snapshot) -> None:
    names = list(snapshot.parts)
    with client.pipeline(transaction=True) as pipe:
        pipe.get(keys.current)
        pipe.mget([keys.snapshot(snapshot.snapshot_id, name) for name in names])
        current, texts = pipe.execute()
    if current != snapshot.snapshot_id:
        # Someone moved it on since: fine if forward, and then the run was overtaken.
        raise SupersededRunError(f"snapshot {snapshot.snapshot_id} was overtaken by {current}")
    for name, text in zip(names, texts, strict=True):
        if _comparable(name, text) != _comparable(name, snapshot.parts[name]):
            raise ReadBackError(f"snapshot {snapshot.snapshot_id}: part {name} read back differs from what was written")


def _comparable(name: str, text: str | None) -> Any:
    """A part without what two runs that publish the same figures at once say differently."""
    if name != "meta" or text is None:
        return text
    return {key: value for key, value in json.loads(text).items() if key not in ("published_at", "watermark")}


def current_snapshot_id(client: RedisClient, sale_id: str) -> str | None:
    """Id of the published snapshot, or None before the first."""
    value: Any = client.get(SaleKeys(sale_id).current)
    return None if value is None else str(value)


def read_parts(client: RedisClient, sale_id: str, snapshot_id: str, parts: tuple[str, ...]) -> dict[str, str | None]:
    """JSON text of the named parts; None for one that is not there (any more)."""
    keys = SaleKeys(sale_id)
    texts: Any = client.mget([keys.snapshot(snapshot_id, part) for part in parts])
    return dict(zip(parts, texts, strict=True))
