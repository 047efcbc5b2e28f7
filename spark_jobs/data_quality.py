"""How far the numbers can be trusted: what the writer and the jobs counted."""

from datetime import datetime

from pymongo.database import Database

from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.snapshot import DataQuality
from flashsale.stores.ingest import ledger_totals
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import quarantine_counts
from spark_jobs.pair_columns import NULL
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
    return {
        "score": round(valid / received, SCORE_DECIMALS) if received else None,
        "acked": ledger.acked,
        "late": ledger.late,
        "duplicate_same": ledger.duplicate_same,
        "duplicate_conflict": ledger.duplicate_conflict,
        "refused": ledger.refused,
        "quarantined": quarantined,
        "ledger_residual_units": _residual(database, last, end),
    }


def _residual(database: Database[Document], last: MinuteRollup, end: datetime) -> int | None:
    """Units sold - (opening + received - closing available); 0 when records and shelves agree."""
    opening = last.pw["opening_available"]
    closing = available(last.pw["on_hand"], last.pw["reserved"])
    if not len(opening):
        return None
    pipeline: list[Document] = [
        {"$match": {"status": "received", "received_at": {"$lt": end}}},
        {"$group": {"_id": None, "units": {"$sum": "$received_qty"}}},
    ]
    received: int = sum(int(row["units"]) for row in database[INBOUND_SHIPMENTS.name].aggregate(pipeline))
    in_hand = int(opening[opening != NULL].sum()) + received - int(closing[closing != NULL].sum())
    return int(last.pw["sold_units"].sum()) - in_hand
