"""What is behind each row of a sample minute, as the jobs would publish it; the figures are invented."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flashsale.drill_down import pair_field, warehouse_field
from flashsale.minutes import iso
from flashsale.snapshot import Snapshot, canonical_json
from flashsale.stores.redis_client import RedisClient
from flashsale.stores.snapshots import publish_snapshot
from tests.support.dashboard_samples import SALE_ID, WAREHOUSES, parts, snapshot

FAN_MINUTES = (5, 10, 15, 20, 25, 30, 45, 60)


def publish_with_details(client: RedisClient, end: datetime, content: dict[str, Any] | None = None) -> Snapshot:
    """Publish the minute that ends at `end` with the drill-down of each of its rows."""
    content = parts(end) if content is None else content
    rows = content["actions"]["rows"]
    details = {
        **{pair_field(r["product_id"], r["warehouse_id"]): canonical_json(row_details(r, end)) for r in rows},
        **{
            warehouse_field(row["warehouse_id"]): canonical_json(warehouse_details(row, rows, end))
            for row in content["warehouses"]
        },
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


def warehouse_details(row: dict[str, Any], rows: list[dict[str, Any]], end: datetime) -> dict[str, Any]:
    """The drill-down of a row of the part `warehouses`; `rows`: those of the part `actions`."""
    own = [r for r in rows if r["warehouse_id"] == row["warehouse_id"]]
    units = round(row["units_per_minute"])
    return {
        "units": [max(0, units - 3 * (14 - i)) for i in range(15)],
        "capacity_units_per_minute": row["capacity_units_per_minute"],
        "load": row["load"],
        "mean_fulfillment_delay": row["mean_fulfillment_delay"],
        "overloaded": row["overloaded"],
        "available": 31_480,
        "statuses": {"ok": 214, "at_risk": 9, "sold_out": 4},
        "fan": [
            {"minute": 0, "low": 4, "middle": 4, "high": 4},
            {"minute": 5, "low": 4, "middle": 6, "high": 9},
            {"minute": 15, "low": 6, "middle": 9, "high": 14},
            {"minute": 30, "low": 9, "middle": 15, "high": 31},
        ],
        "inbound": [{"expected_in_minutes": 20.0, "units": 1_180}, {"expected_in_minutes": 45.0, "units": 640}],
        "open_rows": len(own) + 3,
        "products": [
            {name: r[name] for name in ("product_id", "status", "available", "action", "qty", "from_warehouse_id")}
            | {"elsewhere": 270, "value_saved": r["value_saved"]}
            for r in own
        ],
        "history": [
            _event(end - timedelta(minutes=2), "rang_again", because="worse") | {"product_id": 1},
            _event(end - timedelta(minutes=7), "ack", by="Sana", owner="Sana", note="calling Hyderabad")
            | {"product_id": 1},
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
