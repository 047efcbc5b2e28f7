"""What to do about a row at risk, and how long an alert lives."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flashsale.actions import best_action, severity, shortfall_units, urgency
from flashsale.alerts import Alert, advance
from flashsale.settings import load_settings
from flashsale.snapshot import ProductRow

SETTINGS = load_settings()
NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


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


@pytest.mark.parametrize(
    ("velocity", "available", "units"),
    [(4.0, 30, 90), (0.4667, 0, 14), (0.4667, 13, 1), (0.0167, 0, 1), (1.0, 30, 0), (1.0, 31, 0), (2.0, None, 0)],
)
def test_shortfall_is_whole_units_and_immune_to_the_velocitys_rounding(
    velocity: float, available: int | None, units: int
) -> None:
    assert shortfall_units(row(velocity=velocity, available=available), SETTINGS) == units


def test_stock_that_lasts_is_only_watched() -> None:
    action, quantity, reason = best_action(row(velocity=0.5, available=30), SETTINGS)
    assert (action, quantity) == ("monitor", 0)
    assert reason


def test_most_urgent_first_with_a_stable_end() -> None:
    rows: list[dict[str, Any]] = [
        {**row(product_id=5), "severity": "sold_out"},
        {**row(product_id=4), "severity": "critical"},
        {**row(product_id=3, eta_minutes=2.0), "severity": "critical"},
        {**row(product_id=2, value_at_risk=100_000), "severity": "critical"},
        {**row(product_id=1), "severity": "high"},
    ]
    assert [r["product_id"] for r in sorted(rows, key=urgency)] == [3, 2, 4, 1, 5]


def test_an_alert_opens_once_resolves_once_and_comes_back_as_another() -> None:
    latest: dict[tuple[int, int], Alert] = {}

    def minute(number: int, status: str) -> list[Alert]:
        changed = advance("s", latest, [row(status)], NINE + number * MINUTE)
        latest.update({alert.pair: alert for alert in changed})
        return changed

    first = minute(1, "at_risk")
    assert [(a.state, a.episode, a.raised_at) for a in first] == [("open", 1, NINE + MINUTE)]
    assert minute(2, "sold_out") == []
    resolved = minute(3, "ok")
    assert [(a.state, a.resolved_at) for a in resolved] == [("resolved", NINE + 3 * MINUTE)]
    assert minute(4, "ok") == []
    again = minute(5, "at_risk")
    assert again[0].episode == 2
    assert again[0].alert_id != first[0].alert_id


def test_taking_a_minute_again_changes_nothing() -> None:
    changed = advance("s", {}, [row()], NINE)
    assert advance("s", {a.pair: a for a in changed}, [row()], NINE) == []
