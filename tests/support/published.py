"""Read what a dashboard would: the current snapshot of a sale."""

import json
from typing import Any

from flashsale.snapshot import PARTS
from flashsale.stores.redis_client import RedisClient, redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts
from tests.support.shop import Pipeline


def read_current(redis: RedisClient, sale_id: str) -> dict[str, Any] | None:
    """Part -> decoded JSON of the sale's current snapshot; None before the first."""
    current = current_snapshot_id(redis, sale_id)
    if current is None:
        return None
    return {name: json.loads(text or "null") for name, text in read_parts(redis, sale_id, current, PARTS).items()}


def read_published(pipeline: Pipeline) -> dict[str, Any]:
    """The current snapshot of a test sale, read as the dashboard's user."""
    with redis_client(pipeline.settings, "dashboard_read") as redis:
        parts = read_current(redis, pipeline.sale.sale_id)
    assert parts is not None, "nothing was published"
    return parts
