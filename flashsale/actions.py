"""How bad a row is, and which comes first: pure.  What to do about it is decided in `flashsale.decisions.decide`."""

import math
from typing import Any

from flashsale.settings import Settings
from flashsale.snapshot import SEVERITY_ORDER, ProductRow, Severity

ACTIONABLE = ("at_risk", "sold_out")


def severity(row: ProductRow, settings: Settings) -> Severity:
    """critical: p15 >= 0.8, or without a forecast ETA <= 8 min; high: otherwise at risk."""
    if row["status"] == "sold_out":
        return "sold_out"
    if row["status"] != "at_risk":
        return "watch"
    if row["p15"] is not None:
        return "critical" if row["p15"] >= 0.8 else "high"
    eta = row["eta_minutes"]
    return "critical" if eta is not None and eta <= settings.critical_eta_minutes else "high"


def urgency(row: dict[str, Any]) -> tuple[int, float, int, int, int]:
    """Sort key: severity, ETA as the row shows it, value at risk (largest first), then product and warehouse."""
    eta = row["eta_minutes"] if row["eta_p50"] is None else row["eta_p50"]
    return (
        SEVERITY_ORDER.index(row["severity"]),
        math.inf if eta is None else eta,
        -(row["value_at_risk"] or 0),
        row["product_id"],
        row["warehouse_id"],
    )
