"""What is behind each row of a sample minute, as the jobs would publish it; the figures are invented."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flashsale.minutes import iso
from flashsale.snapshot import Snapshot, canonical_json
from flashsale.stores.redis_client import RedisClient
from flashsale.stores.snapshots import publish_snapshot
from tests.support.dashboard_samples import SALE_ID, WAREHOUSES, parts, snapshot

FAN_MINUTES = (5, 10, 15, 20, 25, 30, 45, 60)


def publish_with_details(client: RedisClient, end: datetime, content: dict[str, Any] | None = None) -> Snapshot:
    """Publish the minute that ends at `end` with the drill-down of each of its rows."""
    content = parts(end) if content is None else content
    details = {
        f"{r['product_id']}:{r['warehouse_id']}": canonical_json(row_details(r, end))
        for r in content["actions"]["rows"]
    }
    made = replace(snapshot(end, content), details=details)
    publish_snapshot(client, SALE_ID, made, end, 30)
    return made


def row_details(row: dict[str, Any], end: datetime) -> dict[str, Any]:
    """The drill-down of a row of the part `actions`."""
    available, velocity = row["available"], row["velocity"]

    def left(minute: int, speed: float) -> int:
        shipment = 180 if minute >= 20 else 0
        return max(0, round(available - velocity * speed * minute)) + shipment

    return {
        "available": available,
        "velocities": row["velocities"],
        "fan": [{"minute": m, "low": left(m, 1.4), "middle": left(m, 1.0), "high": left(m, 0.6)} for m in FAN_MINUTES],
        "inbound": [{"expected_in_minutes": 18.4, "units": 180}],
        "siblings": [
            {"warehouse_id": i, "status": "ok" if i % 2 else "at_risk", "available": 90 * i}
            for i in WAREHOUSES
            if i != row["warehouse_id"]
        ],
        "alternatives": [
            {"action": "transfer", "qty": 420, "from_warehouse_id": 2, "value_saved": 192_000_000},
            {"action": "restock", "qty": 900, "from_warehouse_id": None, "value_saved": 88_000_000},
            {"action": "monitor", "qty": 0, "from_warehouse_id": None, "value_saved": 0},
            {"action": "pause_ads", "qty": 0, "from_warehouse_id": None, "value_saved": -4_100_000},
        ],
        "history": [
            _event(end - timedelta(minutes=9), "raised"),
            _event(end - timedelta(minutes=7), "ack", by="Sana", owner="Sana", note="calling Hyderabad"),
            _event(end - timedelta(minutes=2), "rang_again", because="worse"),
        ],
    }


def _event(at: datetime, event: str, **fields: str) -> dict[str, Any]:
    return {
        "at": iso(at),
        "event": event,
        "by": None,
        "owner": None,
        "note": None,
        "until": None,
        "because": None,
    } | fields
