"""What filters leave of a minute, how they are named, and what the exported file holds."""

import csv
import io
from datetime import UTC, datetime

import pytest

from dashboard.address import Filters
from dashboard.board import SCREEN_PARTS, build_board, parse_meta
from dashboard.csv_export import harmless
from dashboard.filtering import in_force, rows_left, said
from flashsale.settings import Settings
from tests.support.dashboard_samples import WAREHOUSES, dimensions, parts, snapshot

END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)


def board(filters=None, content=None, products=None):
    made = snapshot(END, content or parts(END))
    texts = {name: made.parts[name] for name in SCREEN_PARTS}
    return build_board(parse_meta(made.parts["meta"]), texts, dimensions(products), Settings(), filters or Filters())


def shown_warehouses(board):
    return {row["warehouse_id"] for row in board.shown_actions["rows"]}


def test_without_filters_everything_is_shown():
    everything = board()
    assert everything.shown_actions == everything.all_actions
    assert everything.actions.total == 27


def test_a_province_leaves_the_stock_and_the_cities_that_lie_there():
    sindh = board(Filters(province=("Sindh",)))
    assert shown_warehouses(sindh) == {1, 2}, "Karachi South and North"
    assert set(sindh.map.cities) == {"Karachi", "Hyderabad", "Sukkur"}
    assert {load.name for load in sindh.loads} == {"Karachi South", "Karachi North"}
    assert 0 < sindh.actions.total < 27
    assert [figure.value for figure in sindh.figures] == [figure.value for figure in board().figures]


def test_filters_of_several_fields_must_all_hold():
    both = board(Filters(province=("Sindh",), warehouse=("1", "3")))
    assert shown_warehouses(both) == {1}
    assert board(Filters(category=("sample",))).actions.total == 27
    assert both.map.warehouses == tuple(WAREHOUSES[i][0] for i in (1, 3) if WAREHOUSES[i][0] in both.map.warehouses)


def test_values_this_sale_does_not_know_are_not_in_force():
    options = board().options
    assert in_force(Filters(province=("Sindh", "Atlantis"), warehouse=("99",)), options) == Filters(province=("Sindh",))
    assert board(Filters(warehouse=("99",))).actions.total == 27


def test_filters_in_force_are_named_and_counted():
    options = board().options
    filters = Filters(category=("sample",), warehouse=("1", "2", "3", "4", "5"))
    assert said(filters, options) == "sample · Karachi South, Karachi North, Lahore Gulberg and 2 more"
    actions = board().all_actions
    assert rows_left(4, actions) == "4 of 27 rows"
    assert rows_left(4, {**actions, "total": 120}) == "4 of the 27 most urgent of 120 rows"


def exported(board):
    return list(csv.DictReader(io.StringIO(board.csv.decode("utf-8-sig"))))


def test_the_file_has_every_published_row_with_ids_units_and_utc_times():
    rows = exported(board(Filters(province=("Sindh",))))
    published = parts(END)["actions"]["rows"]
    assert len(rows) == len(published) == 27
    first, row = published[0], rows[0]
    assert (row["product_id"], row["warehouse_id"]) == (str(first["product_id"]), str(first["warehouse_id"]))
    assert row["minute_end_utc"] == "2026-11-11T09:07:00.000Z"
    assert row["raised_at_utc"] == first["raised_at"]
    assert row["available_units"] == str(first["available"])
    assert row["value_at_risk_PKR"] == f"{first['value_at_risk'] / 100:.2f}"
    assert row["value_saved_PKR"] == f"{first['value_saved'] / 100:.2f}"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "＝1"])
def test_a_name_that_a_spreadsheet_would_compute_is_prefixed(name):
    assert harmless(name) == f"'{name}"
    content = parts(END)
    content["actions"]["rows"][0] |= {"product_id": 1, "reason": name, "owner": name}
    row = exported(board(content=content, products={1: name}))[0]
    assert not row["product"].startswith(("=", "+", "-", "@", "＝"))
    assert row["reason"] == row["owner"] == f"'{name}"


def test_another_shop_has_its_own_clock_and_currency():
    made = snapshot(END, parts(END))
    texts = {name: made.parts[name] for name in SCREEN_PARTS}
    berlin = Settings(shop_time_zone="Europe/Berlin", currency="EUR")
    shown = build_board(parse_meta(made.parts["meta"]), texts, dimensions(), berlin)
    assert next(figure.value for figure in shown.figures if figure.key == "value_at_risk").startswith("€ ")
    assert shown.trend.labels[-1] == "10:07:00 CET (09:07 UTC)"
    assert "value_at_risk_EUR" in exported(shown)[0]


def test_an_ordinary_name_and_a_negative_number_stay_as_they_are():
    assert harmless("A=B") == "A=B"
    assert harmless(None) is None
    content = parts(END)
    content["actions"]["rows"][0]["value_saved"] = -1_05
    assert exported(board(content=content))[0]["value_saved_PKR"] == "-1.05"
