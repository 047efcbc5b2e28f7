"""How bad a row is, and which comes first."""

from typing import Any

import pytest

from flashsale.actions import severity, urgency
from flashsale.settings import load_settings
from flashsale.snapshot import ProductRow

SETTINGS = load_settings()


def row(status: str = "at_risk", **changes: Any) -> ProductRow:
    base: Any = {
        "product_id": 1,
        "warehouse_id": 1,
        "status": status,
        "available": 30,
        "velocity": 4.0,
        "eta_minutes": 7.5,
        "eta_p10": None,
        "eta_p50": None,
        "eta_p90": None,
        "p5": None,
        "p15": None,
        "p30": None,
        "value_at_risk": 90_000,
        "lost_units": 0,
        "lost_value": 0,
        "surge": False,
        "bot_orders": 0,
    }
    result: ProductRow = {**base, **changes}
    return result


@pytest.mark.parametrize(
    ("status", "eta", "p15", "expected"),
    [
        ("at_risk", 8.0, None, "critical"),
        ("at_risk", 8.01, None, "high"),
        ("at_risk", 3.0, 0.79, "high"),
        ("at_risk", 14.0, 0.8, "critical"),
        ("sold_out", 0.0, None, "sold_out"),
        ("ok", 400.0, None, "watch"),
    ],
)
def test_severity_follows_the_forecast_and_without_one_the_eta(
    status: str, eta: float, p15: float | None, expected: str
) -> None:
    assert severity(row(status, eta_minutes=eta, p15=p15), SETTINGS) == expected


def test_most_urgent_first_with_a_stable_end() -> None:
    rows: list[dict[str, Any]] = [
        {**row(product_id=5), "severity": "sold_out"},
        {**row(product_id=4), "severity": "critical"},
        {**row(product_id=3, eta_minutes=2.0), "severity": "critical"},
        {**row(product_id=2, value_at_risk=100_000), "severity": "critical"},
        {**row(product_id=1), "severity": "high"},
    ]
    assert [r["product_id"] for r in sorted(rows, key=urgency)] == [3, 2, 4, 1, 5]


def test_the_order_follows_the_minutes_that_are_shown() -> None:
    sooner: dict[str, Any] = {**row(product_id=1, eta_minutes=9.0, eta_p50=3.0), "severity": "critical"}
    later: dict[str, Any] = {**row(product_id=2, eta_minutes=5.0, eta_p50=None), "severity": "critical"}
    assert [r["product_id"] for r in sorted([later, sooner], key=urgency)] == [1, 2]


def test_rows_equal_in_all_that_counts_keep_one_order_however_they_come() -> None:
    rows: list[dict[str, Any]] = [
        {**row(product_id=p, warehouse_id=w), "severity": "critical"} for p in (3, 1, 2) for w in (2, 1)
    ]
    orders = {tuple((r["product_id"], r["warehouse_id"]) for r in sorted(r_, key=urgency)) for r_ in (rows, rows[::-1])}
    assert orders == {((1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2))}
