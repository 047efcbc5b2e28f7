"""A warehouse's drill-down: the range of how many run out, and the words of the dialog."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.drill_down_charts import run_out_chart, sold_chart
from dashboard.names import Names
from dashboard.warehouse_drill_down import WarehouseDrillDown, warehouse_drill_down
from flashsale.running_out import run_out_together
from tests.support.dashboard_details import warehouse_details
from tests.support.dashboard_samples import dimensions, parts

END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)
DRAWS = 40_000


def view_of(**changes: Any) -> WarehouseDrillDown:
    content = parts(END)
    row = next(r for r in content["warehouses"] if r["warehouse_id"] == 1)
    details: Any = json.loads(json.dumps(warehouse_details(row, content["actions"]["rows"], END) | changes))
    return warehouse_drill_down(details, 1, Names(dimensions()), "PKR", END, ZoneInfo("Asia/Karachi"))


def test_the_range_is_that_of_skus_whose_demand_moves_together() -> None:
    """One hidden number moves all: who has the chance p is out in the share p of its draws, the same for all."""
    dice = np.random.default_rng(5)
    for _ in range(20):
        chance = dice.beta(0.4, 0.8, dice.integers(1, 400))
        out = (dice.uniform(size=(DRAWS, 1)) < chance).sum(axis=1)
        low, middle, high = run_out_together(chance)
        for bound, certainty in ((low, 0.9), (middle, 0.5), (high, 0.1)):
            assert (out >= bound).mean() >= certainty - 0.01
            assert (out >= bound + 1).mean() < certainty + 0.01


def test_the_range_holds_the_count_of_skus_that_are_independent_too() -> None:
    dice = np.random.default_rng(6)
    chance = dice.beta(0.4, 0.8, 300)
    low, _, high = run_out_together(chance)
    out = (dice.uniform(size=(4_000, 300)) < chance).sum(axis=1)
    assert ((out >= low) & (out <= high)).mean() > 0.99


def test_a_chance_nobody_knows_counts_for_nothing() -> None:
    assert run_out_together(np.array([np.nan, 0.95, np.nan])) == (1, 1, 1)
    assert run_out_together(np.empty(0)) == (0, 0, 0)


def test_it_says_how_the_warehouse_stands_and_of_when() -> None:
    view = view_of(load=1.2, overloaded=True, mean_fulfillment_delay=7.4)
    assert view.place == "Karachi South"
    assert view.facts == (
        "31,480 units available · of 227 SKUs 4 are sold out, 9 soon will be · load 120 % ▲ overloaded · "
        "orders wait 7 min · figures of 14:07:00 PKT"
    )


def test_its_urgent_products_say_what_others_have_and_what_is_best() -> None:
    urgent = view_of().tables[0]
    assert urgent.title == "Most urgent here, and what is best to do (3 more are open)"
    assert urgent.wide
    for product, _, _, elsewhere, _, saves in urgent.rows:
        assert product
        assert elsewhere == "270"
        assert saves


def test_what_happened_names_the_product() -> None:
    assert view_of().tables[2].rows == (
        ("14:05", "Aurora Buds Pro", "rang again: worse", "—", ""),
        ("14:00", "Aurora Buds Pro", "acknowledged", "Sana", "calling Hyderabad"),
    )


def test_nothing_urgent_nothing_on_its_way_and_no_alert_are_said() -> None:
    view = view_of(products=[], open_rows=0, inbound=[], history=[])
    assert [(table.rows, bool(table.empty)) for table in view.tables] == [((), True)] * 3


def test_the_range_starts_at_what_is_out_now() -> None:
    band, middle = run_out_chart(view_of().run_out).data
    assert (middle.x[0], middle.y[0]) == (0, 4)
    assert list(band.y) == [4, 9, 14, 31, 9, 6, 4, 4]


def test_the_capacity_is_drawn_where_the_bars_come_near_it() -> None:
    near, far = sold_chart([90] * 15, 100), sold_chart([9] * 15, 100)
    assert [len(chart.layout.shapes) for chart in (near, far)] == [1, 0]
