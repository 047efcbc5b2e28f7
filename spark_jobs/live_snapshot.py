"""Assemble the snapshot of the live minute: settled parts, and what surrounds them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from flashsale.actions import ACTIONABLE, best_action, severity, urgency
from flashsale.alerts import Alert, Pair
from flashsale.minutes import iso, utc_now
from flashsale.settings import Settings
from flashsale.snapshot import (
    SCHEMA_VERSION,
    ActionRow,
    AlertRow,
    Meta,
    ProductRow,
    Snapshot,
    TrendRow,
    canonical_json,
    part_texts,
    snapshot_id_of,
)
from flashsale.stores.mongo import Document
from spark_jobs.pair_columns import Ints, pair_key
from spark_jobs.rollups import MinuteRollup

ACTION_ROWS = 50


def action_rows(
    products: Sequence[ProductRow], alerts: Mapping[Pair, Alert], window: list[MinuteRollup], settings: Settings
) -> list[ActionRow]:
    """A row per (product, warehouse) at risk or sold out, most urgent first."""
    chosen = [row for row in products if row["status"] in ACTIONABLE]
    series = _units_per_minute(window, chosen, settings.window_minutes)
    rows: list[ActionRow] = []
    for row, velocities in zip(chosen, series, strict=True):
        action, quantity, reason = best_action(row, settings)
        alert = alerts.get((row["product_id"], row["warehouse_id"]))
        rows.append(
            {
                **row,
                "severity": severity(row, settings),
                "velocities": velocities,
                "action": action,
                "qty": quantity,
                "from_warehouse_id": None,
                "reason": reason,
                "value_saved": None,
                "alert_id": alert.alert_id if alert else None,
                "state": alert.state if alert else None,
                "owner": alert.owner if alert else None,
                "raised_at": iso(alert.raised_at) if alert else None,
            }
        )
    return sorted(rows, key=lambda row: urgency({**row}))


def alert_rows(actions: Sequence[ActionRow]) -> list[AlertRow]:
    """The open alerts, in the order of the action table."""
    return [
        {
            "alert_id": row["alert_id"],
            "product_id": row["product_id"],
            "warehouse_id": row["warehouse_id"],
            "severity": row["severity"],
            "action": row["action"],
            "qty": row["qty"],
            "reason": row["reason"],
            "value_saved": row["value_saved"],
            "state": row["state"] or "open",
            "owner": row["owner"],
            "raised_at": row["raised_at"] or "",
        }
        for row in actions
        if row["alert_id"] is not None
    ]


def trend_rows(history: Sequence[Document]) -> list[TrendRow]:
    """Past minutes from `kpi_history`, oldest first."""
    return [
        {
            "minute": iso(document["_id"]),
            "orders": document["headline"]["orders_per_minute"],
            "high_risk_skus": document["headline"]["high_risk_skus"],
            "sold_out_skus": document["headline"]["sold_out_skus"],
            "overloaded_warehouses": document["headline"]["overloaded_warehouses"],
            "value_at_risk": document["headline"]["value_at_risk"],
            "lost_value": document["headline"]["lost_value"],
        }
        for document in history
    ]


def make_snapshot(
    sale_id: str,
    end: datetime,
    watermark: datetime | None,
    parts: Mapping[str, Any],
    texts: Mapping[str, str],
    *,
    complete: bool,
    settled: bool,
) -> Snapshot:
    """Canonical JSON of every part, `meta` added, under an id that carries their hash.

    `texts`: of the parts whose JSON is there already.
    """
    content = {**texts, **part_texts({name: part for name, part in parts.items() if name not in texts})}
    identifier = snapshot_id_of(end, content)
    meta: Meta = {
        "snapshot_id": identifier,
        "schema_version": SCHEMA_VERSION,
        "sale_id": sale_id,
        "data_interval_end": iso(end),
        "watermark": iso(watermark) if watermark else None,
        "complete": complete,
        "settled": settled,
        "calibration_id": None,
        "published_at": iso(utc_now()),
        "code_version": version("flashsale-war-room"),
    }
    details = {
        f"{row['product_id']}:{row['warehouse_id']}": canonical_json({"velocities": row["velocities"]})
        for row in parts["actions"]["rows"]
    }
    return Snapshot(identifier, end, {**content, "meta": canonical_json(meta)}, details)


def _units_per_minute(window: list[MinuteRollup], rows: Sequence[ProductRow], length: int) -> list[list[int]]:
    """Units of each row's pair in each of the last `length` minutes, oldest first; 0 before the sale."""
    pairs: Ints = pair_key(
        np.array([row["product_id"] for row in rows], dtype=np.int64),
        np.array([row["warehouse_id"] for row in rows], dtype=np.int64),
    )
    columns = [rollup.pw.aligned(pairs, "units", 0) for rollup in window[-length:]]
    missing = [np.zeros(len(rows), dtype=np.int64)] * (length - len(columns))
    return [[int(value) for value in series] for series in np.array([*missing, *columns]).T]
