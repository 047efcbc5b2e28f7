"""The action table as a file: every published row with its ids, units and UTC times."""

import csv
import io
from collections.abc import Sequence

from dashboard.filtering import Places
from dashboard.names import Names
from flashsale.snapshot import ActionRow, Meta

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a spreadsheet recognises a formula (OWASP, CSV injection)."""
_MINOR_PER_MAJOR = 100
_HEAD = (
    "snapshot_id",
    "minute_end_utc",
    "alert_id",
    "product_id",
    "product",
    "category",
    "warehouse_id",
    "warehouse",
    "province",
    "severity",
    "status",
    "available_units",
    "velocity_units_per_minute",
    "eta_minutes",
    "eta_p10_minutes",
    "eta_p50_minutes",
    "eta_p90_minutes",
    "p_sold_out_5_min",
    "p_sold_out_15_min",
    "p_sold_out_30_min",
    "action",
    "quantity_units",
    "from_warehouse_id",
    "from_warehouse",
    "reason",
    "value_at_risk_{currency}",
    "value_saved_{currency}",
    "lost_units",
    "lost_value_{currency}",
    "state",
    "owner",
    "raised_at_utc",
)


def actions_csv(rows: Sequence[ActionRow], meta: Meta, names: Names, places: Places, currency: str) -> bytes:
    """UTF-8 with a byte-order mark, so that spreadsheets read names as they are; money in `currency` with cents."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([name.format(currency=currency) for name in _HEAD])
    for row in rows:
        source = row["from_warehouse_id"]
        writer.writerow(
            [
                meta["snapshot_id"],
                meta["data_interval_end"],
                harmless(row["alert_id"]),
                row["product_id"],
                harmless(names.product(row["product_id"])),
                harmless(places.categories.get(row["product_id"])),
                row["warehouse_id"],
                harmless(names.warehouse(row["warehouse_id"])),
                harmless(places.warehouse_provinces.get(row["warehouse_id"])),
                row["severity"],
                row["status"],
                row["available"],
                row["velocity"],
                row["eta_minutes"],
                row["eta_p10"],
                row["eta_p50"],
                row["eta_p90"],
                row["p5"],
                row["p15"],
                row["p30"],
                row["action"],
                row["qty"],
                source,
                None if source is None else harmless(names.warehouse(source)),
                harmless(row["reason"]),
                _major(row["value_at_risk"]),
                _major(row["value_saved"]),
                row["lost_units"],
                _major(row["lost_value"]),
                row["state"],
                harmless(row["owner"]),
                row["raised_at"],
            ]
        )
    return file.getvalue().encode("utf-8-sig")


def harmless(text: str | None) -> str | None:
    """`text` as no spreadsheet takes it for a formula: with an apostrophe before a first = + - @ (or tab, newline)."""
    return f"'{text}" if text and text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _major(minor: int | None) -> str | None:
    if minor is None:
        return None
    whole, cents = divmod(abs(minor), _MINOR_PER_MAJOR)
    return f"{'-' if minor < 0 else ''}{whole}.{cents:02d}"
