"""What to do about a (product, warehouse) at risk: pure, one best action per row.

Until the forecast exists the quantity is the shortfall of the next `value_horizon_minutes`
at the present velocity.
"""

import math
from typing import Any

from flashsale.settings import Settings
from flashsale.snapshot import SEVERITY_ORDER, Action, ProductRow, Severity

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


def shortfall_units(row: ProductRow, settings: Settings) -> int:
    """Units missing within the horizon at the present velocity, rounded up."""
    if row["available"] is None:
        return 0
    # The row's velocity is rounded to 4 decimals; two decimals of the product are exact enough
    # to tell a whole unit from the smallest true fraction, 1/60.
    return max(0, math.ceil(round(row["velocity"] * settings.value_horizon_minutes - row["available"], 2)))


def best_action(row: ProductRow, settings: Settings) -> tuple[Action, int, str]:
    """(action, quantity in units, one-line reason)."""
    units = shortfall_units(row, settings)
    if units > 0:
        return "restock", units, _restock_reason(row, units, settings)
    return "monitor", 0, "stock covers the present speed" if row["velocity"] > 0 else "no demand at present"


def urgency(row: dict[str, Any]) -> tuple[int, float, int, int, int]:
    """Sort key: severity, ETA, value at risk (largest first), then product and warehouse."""
    eta = row["eta_minutes"]
    return (
        SEVERITY_ORDER.index(row["severity"]),
        math.inf if eta is None else eta,
        -(row["value_at_risk"] or 0),
        row["product_id"],
        row["warehouse_id"],
    )


def _restock_reason(row: ProductRow, units: int, settings: Settings) -> str:
    horizon = settings.value_horizon_minutes
    if row["status"] == "sold_out":
        return f"sold out; {row['velocity']:.1f} units/min over the last {settings.window_minutes} min"
    return f"{row['available']:,} left, sells {row['velocity']:.1f} units/min: {units:,} short within {horizon} min"
