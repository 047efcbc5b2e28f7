"""The dialog behind a row says in words what the details hold, and reads nothing as markup."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.drill_down import DrillDown, drill_down
from dashboard.drill_down_charts import fan_chart, sold_chart
from dashboard.names import Names
from tests.support.dashboard_details import row_details
from tests.support.dashboard_samples import dimensions, parts

END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)


def view_of(**changes: Any) -> DrillDown:
    row = parts(END)["actions"]["rows"][0] | {"available": 34, "velocities": [3] * 14 + [9]}
    details: Any = json.loads(json.dumps(row_details(row, END) | changes))
    return drill_down(details, 1, 1, Names(dimensions()), "PKR", END, ZoneInfo("Asia/Karachi"))


def table(view: DrillDown, title: str) -> tuple[tuple[str, ...], ...]:
    return next(table.rows for table in view.tables if table.title == title)


def test_it_names_the_row_and_the_minute_it_is_of() -> None:
    view = view_of()
    assert (view.product, view.place) == ("Aurora Buds Pro", "Karachi South")
    assert view.facts == "34 available · 9 sold in the last minute · figures of 14:07:00 PKT"


def test_alternatives_are_in_money_and_a_loss_is_called_a_cost() -> None:
    assert table(view_of(), "What could be done, against waiting") == (
        ("Transfer 420 from Karachi North", "Rs 1.92 M"),
        ("Restock 900", "Rs 880 k"),
        ("Monitor", "—"),
        ("Pause ads", "costs Rs 41 k"),
    )


def test_siblings_are_listed_with_the_most_stock_first() -> None:
    siblings = [
        {"warehouse_id": 2, "status": "sold_out", "available": 0},
        {"warehouse_id": 3, "status": "unknown", "available": None},
        {"warehouse_id": 4, "status": "ok", "available": 900},
    ]
    assert table(view_of(siblings=siblings), "The same product elsewhere") == (
        ("Islamabad I-9", "ok", "900"),
        ("Karachi North", "sold out", "0"),
        ("Lahore Gulberg", "unknown", "—"),
    )


def test_the_history_says_when_what_who_and_why() -> None:
    assert table(view_of(), "History of the alert") == (
        ("13:58", "raised", "—", ""),
        ("14:00", "acknowledged", "Sana", "calling Hyderabad"),
        ("14:05", "rang again: worse", "—", ""),
    )


def test_a_snapshot_of_the_release_before_opens_without_stock_and_history() -> None:
    row = parts(END)["actions"]["rows"][0]
    details: Any = row_details(row, END)
    del details["history"], details["available"]
    view = drill_down(details, 1, 1, Names(dimensions()), "PKR", END, ZoneInfo("UTC"))
    assert view.facts.startswith("— available")
    assert table(view, "History of the alert") == ()
    assert list(fan_chart(view).data[1].x) == [5, 10, 15, 20, 25, 30, 45, 60], "it starts with the first forecast"


def test_the_fan_starts_at_the_stock_and_marks_shipments_when_they_are_expected() -> None:
    view = view_of()
    band, middle, inbound = fan_chart(view).data
    assert (middle.x[0], middle.y[0]) == (0, 34)
    assert len(band.x) == 2 * len(middle.x)
    assert (list(inbound.x), list(inbound.text)) == ([18.4], ["+180"])


def test_the_newest_minute_stands_at_the_right() -> None:
    (bars,) = sold_chart(view_of().velocities).data
    assert (bars.x[-1], bars.y[-1]) == (0, 9)
