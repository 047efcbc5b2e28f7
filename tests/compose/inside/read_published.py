"""The live sale, and meta and headline of its current snapshot."""

import json

from flashsale.settings import load_settings
from flashsale.stores.context import active_sale_id
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts

with redis_client(load_settings(), "dashboard_read") as redis:
    sale = active_sale_id(redis)
    current = sale and current_snapshot_id(redis, sale)
    parts = read_parts(redis, sale, current, ("meta", "headline")) if current else {}
    print(json.dumps({"sale_id": sale, **{name: json.loads(text) for name, text in parts.items()}}))
