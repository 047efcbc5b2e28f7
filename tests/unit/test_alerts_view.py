"""What a reader sees: the worst first, and a flood as one line a warehouse."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flashsale.alerts.life import Alert
from flashsale.alerts.view import alert_view, flood_of
from flashsale.decisions.decide import Decision

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
NAMES = {1: "Lahore Ring Road", 2: "Karachi South"}


def alert(product: int, warehouse: int, severity: Any, **changes: Any) -> Alert:
    return replace(Alert(f"{product}-{warehouse}", product, warehouse, 1, NINE, severity=severity), **changes)


def decision(one: Alert, value: int) -> Decision:
    return Decision(one.product_id, one.warehouse_id, "restock", 5, None, "why", value, ())


def test_rows_come_by_severity_then_by_what_acting_saves() -> None:
    alerts = [
        alert(1, 1, "watch"),
        alert(2, 1, "sold_out"),
        alert(3, 1, "high"),
        alert(4, 1, "critical"),
        alert(5, 1, "critical"),
        alert(6, 1, "high", state="pending"),
        alert(7, 1, "high", state="resolved"),
    ]
    view = alert_view(alerts, {a.pair: decision(a, a.product_id) for a in alerts[1:]}, NAMES)
    assert [row["product_id"] for row in view] == [5, 4, 3, 2, 1]
    assert (view[-1]["action"], view[-1]["reason"], view[-1]["value_saved"]) == ("monitor", "no longer at risk", None)
    assert (view[0]["alert_id"], view[0]["qty"], view[0]["count"]) == ("5-1", 5, 1)
    assert view[0]["raised_at"] == "2026-11-11T09:00:00.000Z"


def test_a_flood_is_one_line_a_warehouse_until_somebody_takes_an_alert_in_hand() -> None:
    flood = [alert(p, 1, "sold_out" if p > 8 else "critical", collapsed=True) for p in range(1, 13)]
    flood.append(alert(20, 2, "critical", collapsed=True))
    flood[0] = replace(flood[0], state="acknowledged")
    flood[1] = replace(flood[1], severity="watch")
    view = alert_view([*flood, alert(30, 2, "high")], {a.pair: decision(a, 10) for a in flood}, NAMES)
    group = view[0]
    assert (group["alert_id"], group["product_id"], group["warehouse_id"], group["count"]) == (None, None, 1, 10)
    assert (group["severity"], group["value_saved"]) == ("critical", 100)
    assert group["reason"] == "10 products of Lahore Ring Road at once, 4 sold out"
    assert [(row["product_id"], row["severity"]) for row in view[1:]] == [
        (1, "critical"),
        (20, "critical"),
        (30, "high"),
        (2, "watch"),
    ]
    assert sum(row["count"] for row in view) == 14


def test_the_action_table_learns_which_of_its_rows_stand_in_a_group() -> None:
    flood = [alert(p, 1, "critical", collapsed=True) for p in range(1, 4)]
    alone = alert(9, 1, "critical")
    view = alert_view([*flood, alone], {}, NAMES)
    rows: list[Any] = [{"alert_id": one.alert_id} for one in (flood[0], alone)] + [{"alert_id": None}]
    assert flood_of(rows, view) == {"groups": [view[0]], "grouped": [flood[0].alert_id]}
    assert flood_of(rows[1:], alert_view([alone], {}, NAMES)) == {"groups": [], "grouped": []}
