"""The pipeline for who keeps it alive: each part's last words and their age, what was refused, what versions run."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.names import Names
from dashboard.plain_table import Row, Tone
from dashboard.wording import DASH, count, duration, shop_time, utc_time
from flashsale.data_quality import DataQuality, PhantomSuspect
from flashsale.minutes import parse_iso
from flashsale.runbook import reference
from flashsale.snapshot import Meta
from flashsale.stores.health import Health

SYSTEM_PARTS: dict[str, str] = {
    "KPI job": "kpi",
    "DAG minute_kpis": "dag:minute_kpis",
    "archive job": "archive",
    "DAG archive_facts": "dag:archive_facts",
    "archive check": "archive_verification",
    "DAG archive_maintenance": "dag:archive_maintenance",
    "retention job": "retention",
    "DAG retention": "dag:retention",
    "DAG seed_dimensions": "dag:seed_dimensions",
    "DAG backfill_kpis": "dag:backfill_kpis",
    "notifier": "notifier",
}
"""Label -> tail of the health key, in the order shown."""
ON_DEMAND = frozenset({"DAG backfill_kpis"})
"""Parts that run when somebody asks; their silence is no fault."""
_WHEN_FAILED: dict[str, str] = {
    "KPI job": "kpi_failed",
    "archive job": "archive_failed",
    "archive check": "archive_check_failed",
    "retention job": "retention_failed",
    "notifier": "notifier_failed",
}
"""Section of the runbook by part; the others are DAGs."""


def part_rows(health: Mapping[str, Health | None], now: datetime) -> list[Row]:
    """(part, state, age of its last words, last words, what to do) of each part."""
    return [_part_row(name, report, now) for name, report in health.items()]


def _part_row(name: str, report: Health | None, now: datetime) -> Row:
    if report is None:
        if name in ON_DEMAND:
            return Row((name, "○ not asked for", DASH, "runs only when it is started by hand", ""))
        words = "nothing for three of its periods"
        return Row((name, "? silent", DASH, words, reference("silent")), "doubtful")
    age = duration((now - parse_iso(report["at"])).total_seconds())
    if report["state"] == "ok":
        return Row((name, "✓ ok", age, report["detail"], ""))
    return Row((name, "✗ failed", age, report["detail"], reference(_WHEN_FAILED.get(name, "dag_failed"))), "bad")


def doubt_rows(quality: DataQuality) -> list[Row]:
    """(what, how many, what it means) of facts that are not simply counted."""
    rows = [
        Row(("late", count(quality["late"]), "arrived over 2 min after their minute: archived, in no figure"), ""),
        Row(("duplicates, the same", count(quality["duplicate_same"]), "sent again: counted once"), ""),
        _doubt(
            "duplicates that differ", quality["duplicate_conflict"], "the first one counts, the other is kept aside"
        ),
    ]
    for reason, number in sorted(quality["quarantined"].items(), key=lambda item: (-item[1], item[0])):
        rows.append(_doubt(f"in quarantine: {reason}", number, "kept as received, in no figure"))
    residual = quality["ledger_residual_units"]
    agree = "records and shelves agree" if residual == 0 else "units sold minus units that left the records"
    rows.append(_doubt("ledger residual, units", residual or 0, agree))
    return rows


def _doubt(what: str, number: int, meaning: str) -> Row:
    tone: Tone = "doubtful" if number else ""
    return Row((what, f"{number:,}", meaning), tone)


def suspect_rows(quality: DataQuality, names: Names) -> list[Row]:
    """(product, warehouse, residual, explained, unexplained units) of the worst phantom suspects."""
    return [
        Row(
            (
                names.product(row["product_id"]),
                names.warehouse(row["warehouse_id"]),
                f"{row['residual_units']:+,}",
                f"{row['explained_units']:+,}",
                f"{row['unexplained_units']:+,}",
            ),
            "doubtful",
        )
        for row in _suspects(quality)
    ]


def suspected_products(quality: DataQuality) -> set[int]:
    """The products of `suspect_rows`."""
    return {row["product_id"] for row in _suspects(quality)}


def _suspects(quality: DataQuality) -> list[PhantomSuspect]:
    # A snapshot of the release before has none.
    return quality.get("phantom_suspects", {"total": 0, "rows": []})["rows"]


def version_rows(meta: Meta, zone: ZoneInfo, now: datetime) -> list[Row]:
    """(what, value) of the snapshot shown and of what made it."""

    def moment(text: str | None) -> str:
        if text is None:
            return DASH
        return f"{shop_time(parse_iso(text), zone, now)} ({utc_time(parse_iso(text))})"

    yes_no = {True: "yes", False: "no"}
    return [
        Row(("snapshot", meta["snapshot_id"])),
        Row(("end of its minute", moment(meta["data_interval_end"]))),
        Row(("watermark", moment(meta["watermark"]))),
        Row(("published", moment(meta["published_at"]))),
        Row(("complete", yes_no[meta["complete"]]), "" if meta["complete"] else "doubtful"),
        Row(("settled", yes_no[meta["settled"]])),
        Row(("code", meta["code_version"])),
        Row(("calibration", meta["calibration_id"] or "none: probabilities are not recalibrated")),
        Row(("layout", str(meta["schema_version"]))),
    ]
