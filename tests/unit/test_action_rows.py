"""The rows the action table is made of: all that need an action, and what is watched until its alert is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flashsale.alerts.life import Alert
from flashsale.decisions.decide import Decision
from flashsale.settings import Settings
from flashsale.snapshot import ProductRow
from spark_jobs.live_snapshot import action_rows
from tests.unit.test_severity import row

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)


def rows_of(products: list[ProductRow], alerts: list[Alert]) -> list[dict[str, Any]]:
    needy = [p for p in products if p["status"] in ("at_risk", "sold_out")]
    decisions = {
        (p["product_id"], p["warehouse_id"]): Decision(
            p["product_id"], p["warehouse_id"], "restock", 90, None, "sells out", 500, ()
        )
        for p in needy
    }
    made = action_rows(products, {alert.pair: alert for alert in alerts}, decisions, [], Settings())
    return [{**made_row} for made_row in made]


def test_what_is_good_again_stays_last_until_its_alert_is_over() -> None:
    products = [row("ok", product_id=1), row(product_id=2), row("ok", product_id=3)]
    watched = Alert("a1", 1, 1, 1, NINE, state="acknowledged", owner="Sana", severity="watch")
    first, last = rows_of(products, [watched])
    assert (first["product_id"], first["severity"], first["action"]) == (2, "critical", "restock")
    assert (last["product_id"], last["severity"], last["action"]) == (1, "watch", "monitor")
    assert (last["owner"], last["state"], last["value_saved"]) == ("Sana", "acknowledged", 0)


def test_a_row_says_until_when_it_is_snoozed() -> None:
    until = NINE + timedelta(minutes=20)
    (snoozed,) = rows_of([row()], [Alert("a1", 1, 1, 1, NINE, state="snoozed", until=until)])
    assert snoozed["until"] == "2026-11-11T09:20:00.000Z"
    (plain,) = rows_of([row()], [])
    assert (plain["until"], plain["alert_id"]) == (None, None)
