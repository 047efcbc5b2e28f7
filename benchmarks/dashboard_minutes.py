"""Minutes for the page under test: what the running demo published, published again as the minutes that follow."""

import json
from datetime import datetime
from typing import Any

from dashboard.board import SCREEN_PARTS
from dashboard.snapshot_reader import PIPELINE_PARTS, shown_products
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, iso, parse_iso, utc_now
from flashsale.redis_keys import ACTIVE_SALE, SaleKeys
from flashsale.snapshot import PARTS, Snapshot, canonical_json, snapshot_id
from flashsale.stores.context import active_sale_id, read_products
from flashsale.stores.redis_client import RedisClient
from flashsale.stores.snapshots import current_snapshot_id, publish_snapshot, read_parts

TTL_MINUTES = 2


class DemoMinutes:
    """The demo's current snapshot, copied into the benchmark's own Redis."""

    def __init__(self, demo: RedisClient, own: RedisClient) -> None:
        sale_id = active_sale_id(demo)
        current = None if sale_id is None else current_snapshot_id(demo, sale_id)
        if sale_id is None or current is None:
            raise FlashsaleError("the demo has published no minute; start `make demo` and wait for its first figures")
        self._own, self._sale_id = own, sale_id
        self.keys = SaleKeys(sale_id)
        texts = read_parts(demo, sale_id, current, PARTS)
        self._parts: dict[str, Any] = {name: json.loads(text) for name, text in texts.items() if text}
        self._end = floor_minute(utc_now())
        for key in (self.keys.sale, self.keys.dimensions, *map(self.keys.health, PIPELINE_PARTS.values())):
            value: Any = demo.get(key)
            if value is not None:
                own.set(key, value)
        names: Any = demo.hgetall(self.keys.products)
        own.hset(self.keys.products, mapping=names)
        own.set(ACTIVE_SALE, sale_id)
        self.pairs = len(self._parts["products"])
        self.publish()

    def publish(self) -> datetime:
        """The next minute: the same figures, another headline, so that nothing of the last one can be used again."""
        self._end += MINUTE
        parts = {name: part for name, part in self._parts.items() if name != "meta"}
        parts["headline"] = parts["headline"] | {"orders_per_minute": self._end.minute}
        identifier = snapshot_id(self._end, parts)
        now = {"snapshot_id": identifier, "data_interval_end": iso(self._end), "watermark": iso(self._end)}
        meta = self._parts["meta"] | now
        texts = {name: canonical_json(part) for name, part in (parts | {"meta": meta}).items()}
        publish_snapshot(
            self._own, self._sale_id, Snapshot(identifier, self._end, texts, {}), parse_iso(iso(self._end)), TTL_MINUTES
        )
        return self._end

    def first_screen_bytes(self) -> int:
        """Bytes of the values the first screen reads: pointer, sale, names, health, and its parts of the snapshot."""
        shown = shown_products(canonical_json(self._parts["actions"]))
        names = sum(len(canonical_json(name)) for name in read_products(self._own, self._sale_id, shown).values())
        current = current_snapshot_id(self._own, self._sale_id) or ""
        keys = [
            *(self.keys.current, self.keys.sale, self.keys.dimensions),
            *map(self.keys.health, PIPELINE_PARTS.values()),
            *(self.keys.snapshot(current, part) for part in ("meta", *SCREEN_PARTS)),
        ]
        return names + sum(int(str(self._own.strlen(key))) for key in keys)
