"""Read what a dashboard would: the current snapshot of a sale."""

import json
from typing import Any

from flashsale.snapshot import PARTS
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts
from tests.support.shop import Pipeline


def read_published(pipeline: Pipeline) -> dict[str, Any]:
    """Part -> decoded JSON of the current snapshot, read as the dashboard's user."""
    with redis_client(pipeline.settings, "dashboard_read") as redis:
        current = current_snapshot_id(redis, pipeline.sale.sale_id)
        assert current is not None, "nothing was published"
        texts = read_parts(redis, pipeline.sale.sale_id, current, PARTS)
    return {name: json.loads(text or "null") for name, text in texts.items()}
