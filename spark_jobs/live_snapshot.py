"""Assemble the snapshot of the live minute: settled parts, and what surrounds them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from flashsale.actions import ACTIONABLE, severity, urgency
from flashsale.alerts.life import Alert, Pair
from flashsale.decisions.decide import Decision
from flashsale.minutes import iso, utc_now
from flashsale.settings import Settings
from flashsale.snapshot import (
    SCHEMA_VERSION,
    ActionRow,
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
_WATCHED = Decision(0, 0, "monitor", 0, None, "no longer at risk", 0, ())
"""What is done about a pair that is good again and whose alert is not resolved yet."""


def action_rows(
    products: Sequence[ProductRow],
    alerts: Mapping[Pair, Alert],
    decisions: Mapping[Pair, Decision],
    window: list[MinuteRollup],
    settings: Settings,
) -> list[ActionRow]:
    """A row per (product, warehouse) at risk or sold out, or good again while its alert lives; most urgent first.

    `alerts`: those that are shown.
    """
    chosen = [
        row for row in products if row["status"] in ACTIONABLE or (row["product_id"], row["warehouse_id"]) in alerts
    ]
    series = _units_per_minute(window, chosen, settings.window_minutes)
    rows: list[ActionRow] = []
    for row, velocities in zip(chosen, series, strict=True):
        pair = (row["product_id"], row["warehouse_id"])
        decision, alert = decisions.get(pair, _WATCHED), alerts.get(pair)
        rows.append(
            {
                **row,
                "severity": severity(row, settings),
                "velocities": velocities,
                "action": decision.action,
                "qty": decision.qty,
                "from_warehouse_id": decision.from_warehouse_id,
                "reason": decision.reason,
                "value_saved": decision.value_saved,
                "alert_id": alert.alert_id if alert else None,
                "state": alert.shown_state if alert else None,
                "owner": alert.owner if alert else None,
                "raised_at": iso(alert.raised_at) if alert else None,
                "until": iso(alert.until) if alert and alert.until else None,
            }
        )
    return sorted(rows, key=lambda row: urgency({**row}))


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
    calibration_id: str | None,
    details: Mapping[str, Any],
) -> Snapshot:
    """Canonical JSON of every part, `meta` added, under an id that carries their hash.

    `texts`: of the parts whose JSON is there already; `details`: drill-downs by ``product_id:warehouse_id``.
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
        "calibration_id": calibration_id,
        "published_at": iso(utc_now()),
        "code_version": version("flashsale-war-room"),
    }
    return Snapshot(identifier, end, {**content, "meta": canonical_json(meta)}, part_texts(details))


def _units_per_minute(window: list[MinuteRollup], rows: Sequence[ProductRow], length: int) -> list[list[int]]:
    """Units of each row's pair in each of the last `length` minutes, oldest first; 0 before the sale."""
    pairs: Ints = pair_key(
        np.array([row["product_id"] for row in rows], dtype=np.int64),
        np.array([row["warehouse_id"] for row in rows], dtype=np.int64),
    )
    columns = [rollup.pw.aligned(pairs, "units", 0) for rollup in window[-length:]]
    missing = [np.zeros(len(rows), dtype=np.int64)] * (length - len(columns))
    return [[int(value) for value in series] for series in np.array([*missing, *columns]).T]
