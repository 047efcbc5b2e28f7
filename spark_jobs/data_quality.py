"""How far the numbers can be trusted: what the writer and the jobs counted."""

from datetime import datetime

import numpy as np
from pymongo.database import Database

from flashsale.data_quality import DataQuality
from flashsale.minutes import epoch_ms
from flashsale.schema import INBOUND_SHIPMENTS, INGEST_LEDGER
from flashsale.stores.ingest import ledger_totals
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import quarantine_counts
from spark_jobs.pair_columns import NULL, pair_key
from spark_jobs.phantom_stock import Shipments, phantom_suspects
from spark_jobs.rollups import MinuteRollup, available

SCORE_DECIMALS = 6


def data_quality(database: Database[Document], last: MinuteRollup, end: datetime) -> DataQuality:
    """Counts over the sale so far.

    score = acked valid ÷ (valid + refused + conflicting + quarantined), where a fact that a
    job moved to quarantine was acked but is not valid.
    """
    ledger = ledger_totals(database)
    quarantined = quarantine_counts(database)
    moved = sum(count for key, count in quarantined.items() if key.startswith("moved:"))
    valid = max(0, ledger.acked - moved)
    received = valid + sum(ledger.refused.values()) + ledger.duplicate_conflict + moved
    shipments = _shipments(database)
    uncounted = _uncounted_share(database) + (moved / received if received else 0.0)
    return {
        "score": round(valid / received, SCORE_DECIMALS) if received else None,
        "acked": ledger.acked,
        "late": ledger.late,
        "duplicate_same": ledger.duplicate_same,
        "duplicate_conflict": ledger.duplicate_conflict,
        "refused": ledger.refused,
        "quarantined": quarantined,
        "ledger_residual_units": _residual(shipments, last, end),
        "phantom_suspects": phantom_suspects(last, shipments, end, min(1.0, uncounted)),
    }


def _residual(shipments: Shipments, last: MinuteRollup, end: datetime) -> int | None:
    """Units sold - (opening + received - closing available); 0 when records and shelves agree."""
    opening = last.pw["opening_available"]
    closing = available(last.pw["on_hand"], last.pw["reserved"])
    if not len(opening):
        return None
    received = int(shipments.units[shipments.received_before(end)].sum())
    in_hand = int(opening[opening != NULL].sum()) + received - int(closing[closing != NULL].sum())
    return int(last.pw["sold_units"].sum()) - in_hand


def _shipments(database: Database[Document]) -> Shipments:
    fields = ("product_id", "warehouse_id", "qty", "status", "received_at", "received_qty")
    found = database[INBOUND_SHIPMENTS.name].find({"status": {"$ne": "cancelled"}}, dict.fromkeys(fields, 1))
    rows = [
        (d["product_id"], d["warehouse_id"], d["received_qty"], epoch_ms(d["received_at"]))
        if d["status"] == "received"
        else (d["product_id"], d["warehouse_id"], d["qty"], NULL)
        for d in found
    ]
    product, warehouse, units, received_ms = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Shipments(pair_key(product, warehouse), units, received_ms)


def _uncounted_share(database: Database[Document]) -> float:
    """Share of the facts that no rollup counts, of the shard where it is largest: a fault may hit one alone."""
    refused = {"$sum": {"$map": {"input": {"$objectToArray": "$refused"}, "in": "$$this.v"}}}
    pipeline: list[Document] = [
        {
            "$group": {
                "_id": "$_id.shard",
                "acked": {"$sum": "$acked"},
                "not_stored": {"$sum": {"$add": ["$duplicate_conflict", refused]}},
                "late": {"$sum": "$late"},
            }
        }
    ]
    shards = list(database[INGEST_LEDGER].aggregate(pipeline))
    return max(
        (
            (shard["late"] + shard["not_stored"]) / (shard["acked"] + shard["not_stored"])
            for shard in shards
            if shard["acked"] + shard["not_stored"]
        ),
        default=0.0,
    )
