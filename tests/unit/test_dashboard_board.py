"""From the parts of a snapshot to what the screen says, without Streamlit or Redis."""

import copy
import html
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.action_table import action_table
from dashboard.board import SCREEN_PARTS, SchemaMismatchError, UnreadableSnapshotError, build_board, parse_meta
from dashboard.charts import load_chart, risk_map_chart, trend_chart
from dashboard.figures import headline_figures
from dashboard.names import Names
from dashboard.range_bar import RangeBar
from dashboard.risk_map import risk_map
from dashboard.risk_trend import risk_trend
from dashboard.warehouse_load import warehouse_loads
from flashsale.settings import Settings
from tests.support.dashboard_samples import dimensions, parts, snapshot

END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)
NAMES = Names(dimensions())
ZONE = ZoneInfo("Asia/Karachi")
HOSTILE = '<script>alert(1)</script> **bold** <a href="x">'


def board_of(content):
    made = snapshot(END, content)
    texts = {name: made.parts[name] for name in SCREEN_PARTS}
    return build_board(parse_meta(made.parts["meta"]), texts, dimensions(), Settings())


def figures_of(content):
    return {figure.key: figure for figure in headline_figures(content["headline"], content["trend"], 6, "PKR", 30)}


def test_figures_are_the_headline_in_reading_order():
    content = parts(END)
    content["headline"].update(
        orders_per_minute=31_480,
        high_risk_skus=27,
        sold_out_skus=4,
        value_at_risk=8_400_000_00,
        lost_units=840,
        lost_value=1_200_000_00,
        overloaded_warehouses=2,
    )
    shown = [(figure.label, figure.value) for figure in figures_of(content).values()]
    assert shown == [
        ("Orders / min", "31,480"),
        ("At-risk SKUs", "27"),
        ("Sold-out SKUs", "4"),
        ("Value at risk, 30 min", "Rs 8.4 M"),
        ("Lost so far, 840 units", "Rs 1.2 M"),
        ("Overloaded warehouses", "2 of 6"),
    ]


def test_change_is_against_the_minute_five_minutes_back():
    content = parts(END)
    content["trend"][-6].update(orders=10_000, high_risk_skus=3, value_at_risk=100_00)
    content["headline"].update(orders_per_minute=11_200, high_risk_skus=1, value_at_risk=100_00)
    figures = figures_of(content)
    assert (figures["orders"].change, figures["orders"].over) == ("+12 %", "in 5 min")
    assert figures["at_risk"].change == "−2"
    assert figures["value_at_risk"].change == "±0"


def test_change_says_how_far_back_it_looks_when_the_sale_is_young():
    content = parts(END, trend_minutes=3)
    assert figures_of(content)["orders"].over == "in 2 min"
    content["trend"] = content["trend"][-1:]
    assert figures_of(content)["orders"].change == ""


def test_change_from_nothing_is_a_count_not_a_percentage():
    content = parts(END)
    content["trend"][-6]["orders"] = 0
    content["headline"]["orders_per_minute"] = 7
    assert figures_of(content)["orders"].change == "+7"


def test_action_table_shows_ten_rows_in_the_published_order_and_counts_the_rest():
    content = parts(END, open_actions=27)
    table = action_table(content["actions"], NAMES, "PKR", END, ZONE, "s1")
    keys = [f"{row['product_id']}:{row['warehouse_id']}" for row in content["actions"]["rows"][:10]]
    assert [line.key for line in table.lines] == keys
    assert (table.title, table.more) == ("What to do now · 27 open, 10 shown, most urgent first", "17 more")


def action_line(**changes):
    row = copy.deepcopy(parts(END)["actions"]["rows"][0]) | {"product_id": 1, "warehouse_id": 1} | changes
    return action_table({"total": 1, "rows": [row]}, NAMES, "PKR", END, ZONE, "s1").lines[0]


def test_a_row_says_what_where_when_and_why():
    line = action_line(
        severity="high",
        available=1_340,
        eta_p50=9.87,
        p15=None,
        action="restock",
        qty=900,
        reason="sells 90 a minute",
        value_saved=540_000_00,
        raised_at="2026-11-11T09:01:00.000Z",
    )
    assert (line.icon, line.word) == ("◆", "high")
    assert (line.product, line.place) == ("Aurora Buds Pro", "Karachi South")
    assert (line.available, line.runs_out, line.within_15) == ("1,340", "9 min", "—")
    assert (line.action, line.why) == ("Restock 900", "sells 90 a minute")
    assert (line.saves, line.open_for) == ("Rs 540 k", "6 min")


def test_a_sold_out_row_runs_out_now_and_has_its_own_sign():
    line = action_line(severity="sold_out", status="sold_out", available=0, eta_minutes=0)
    assert (line.icon, line.word, line.available, line.runs_out) == ("■", "sold out", "0", "now")


def test_a_forecast_is_shown_by_its_median_range_and_probability():
    line = action_line(eta_minutes=9.0, eta_p10=3.2, eta_p50=4.9, eta_p90=7.1, p15=0.97)
    assert (line.runs_out, line.likely_range, line.within_15) == ("4 min", "3–7", "97 %")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"action": "restock", "qty": 1400}, "Restock 1,400"),
        ({"action": "transfer", "qty": 420, "from_warehouse_id": 2}, "Transfer 420 from Karachi North"),
        ({"action": "reroute", "qty": 0, "from_warehouse_id": 3}, "Reroute to Lahore Gulberg"),
        ({"action": "pause_ads", "qty": 0}, "Pause ads"),
        ({"action": "monitor", "qty": 0}, "Monitor"),
    ],
)
def test_an_action_is_a_verb_a_quantity_and_a_place(fields, text):
    assert action_line(**fields).action == text


def test_what_was_lost_is_told_in_units_too_when_they_are_known():
    content = parts(END)

    def label():
        figures = headline_figures(content["headline"], content["trend"], 7, "PKR", 30)
        return next(figure.label for figure in figures if figure.key == "lost")

    content["headline"]["lost_units"] = 2_374
    assert label() == "Lost so far, 2,374 units"
    del content["headline"]["lost_units"]
    assert label() == "Lost so far", "a snapshot of the release before"


def test_a_row_tells_what_its_action_saves_when_it_saves_anything():
    assert action_line(action="restock", qty=900, value_saved=1_240_000_00).saves == "Rs 1.24 M"
    assert action_line(action="monitor", qty=0, value_saved=0).saves == "—"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"state": "open"}, ("—", "", False)),
        ({"state": "open", "owner": "Sana"}, ("Sana", "", False)),
        ({"state": "acknowledged", "owner": "Sana"}, ("Sana", "acknowledged", True)),
        ({"state": "snoozed", "until": "2026-11-11T09:30:00.000Z"}, ("—", "snoozed to 14:30", True)),
        ({"state": "in_transit", "until": None}, ("—", "in transit", True)),
        ({"state": "in_transit", "until": "2026-11-11T09:40:00.000Z"}, ("—", "in transit, due 14:40", True)),
        ({"state": None}, ("—", "", False)),
    ],
)
def test_a_row_tells_who_has_it_and_what_was_done(fields, shown):
    line = action_line(**fields)
    assert (line.owner, line.state, line.handled) == shown
    assert line.undoable == (shown != ("—", "", False)), "an owner can be taken back, too"


def test_a_row_without_an_alert_says_why_it_has_no_buttons():
    line = action_line(alert_id=None, state=None, raised_at=None)
    assert (line.alert_id, line.no_buttons) == (None, "No alert yet: it is raised after a second bad minute")
    assert action_line(alert_id="a7").no_buttons == ""


def test_a_place_names_its_city_once():
    names = dimensions()
    names["warehouses"]["1"] = {"name": "Port Qasim", "city_id": 1}
    names["warehouses"]["2"] = {"name": "Karachi North", "city_id": 1}
    names["warehouses"]["3"] = {"name": "Hub 3"}
    assert [Names(names).place(i) for i in (1, 2, 3, 99)] == [
        "Port Qasim · Karachi",
        "Karachi North",
        "Hub 3",
        "warehouse 99",
    ]


@pytest.mark.parametrize(
    ("fields", "bar"),
    [
        ({"eta_p10": 3.0, "eta_p50": 6.0, "eta_p90": 15.0}, RangeBar(0.1, 0.2, 0.5, False)),
        ({"eta_p10": 20.0, "eta_p50": 29.0, "eta_p90": 80.0}, RangeBar(0.6667, 0.9667, 1.0, True)),
        ({"eta_p10": 3.0, "eta_p50": None, "eta_p90": None, "eta_minutes": 12.0}, RangeBar(0.1, 0.4, 1.0, True)),
        ({"eta_p10": None, "eta_p50": None, "eta_p90": None, "eta_minutes": 9.0}, RangeBar(0.3, 0.3, 0.3, False)),
        ({"eta_p10": None, "eta_p50": None, "eta_p90": None, "eta_minutes": None}, None),
        ({"status": "sold_out", "eta_minutes": 0}, None),
    ],
)
def test_the_range_bar_reaches_from_p10_to_p90_of_half_an_hour(fields, bar):
    assert action_line(**fields).bar == bar


def test_a_range_without_an_end_says_or_more():
    assert action_line(eta_p10=3.2, eta_p50=8.0, eta_p90=None).likely_range == "3 or more"
    assert action_line(eta_p10=None, eta_p50=None, eta_p90=None).likely_range == ""


def test_a_thing_without_a_name_is_shown_by_its_number():
    assert action_line(product_id=999).product == "product 999"
    assert Names(None).city(4) == "city 4"


def test_risk_map_keeps_the_worst_cities_and_says_what_it_leaves_out():
    content = parts(END)
    made = risk_map(content["cities"], content["city_warehouse"], NAMES)
    assert made.cities[0] == "Karachi"
    assert (len(made.cities), made.left_out) == (8, "8 of 10 cities, most at risk first")


def test_risk_map_cell_without_demand_is_unknown_not_zero():
    cities = [
        {"city_id": 1, "province": "Sindh", "demand_units": 5.0, "at_risk_share": 0.5, "at_risk_value_per_minute": 1}
    ]
    cells = [
        {"city_id": 1, "warehouse_id": 2, "demand_units": 5.0, "at_risk_share": 0.5},
        {"city_id": 2, "warehouse_id": 1, "demand_units": 5.0, "at_risk_share": 0.0},
    ]
    made = risk_map(cities, cells, NAMES)
    assert (made.warehouses, made.shares) == (("Karachi North", "Karachi South"), ((0.5, None),))


def test_overloaded_warehouses_come_first_also_when_only_slow():
    rows = [
        {"warehouse_id": 1, "units_per_minute": 800, "capacity_units_per_minute": 1000, "load": 0.8,
         "mean_fulfillment_delay": None, "overloaded": False},
        {"warehouse_id": 2, "units_per_minute": 100, "capacity_units_per_minute": 1000, "load": 0.1,
         "mean_fulfillment_delay": 31.0, "overloaded": True},
    ]  # fmt: skip
    slow, full = warehouse_loads(rows, NAMES)
    assert (slow.name, slow.label) == ("Karachi North", "10 % ▲ overloaded")
    assert slow.detail == "100 of 1,000 units a minute, orders wait 31 min"
    assert (full.label, full.detail) == ("80 %", "800 of 1,000 units a minute")


def test_trend_shows_a_missing_minute_as_a_gap_in_the_shop_s_time():
    rows = parts(END, trend_minutes=5)["trend"]
    del rows[2]
    trend = risk_trend(rows, END, ZoneInfo("Asia/Karachi"))
    assert [value is None for value in trend.at_risk] == [False, False, True, False, False]
    assert trend.local_times[-1] == datetime(2026, 11, 11, 14, 7)  # noqa: DTZ001
    assert trend.labels[-1] == "14:07:00 PKT (09:07 UTC)"


def test_trend_ignores_minutes_before_the_last_hour():
    trend = risk_trend(parts(END, trend_minutes=90)["trend"], END, ZoneInfo("UTC"))
    assert len(trend.at_risk) == 60


def test_an_empty_first_minute_gives_a_board():
    content = parts(END, trend_minutes=1, open_actions=0)
    content |= {"city_warehouse": [], "cities": [], "warehouses": [], "trend": []}
    content["data_quality"]["score"] = None
    made = board_of(content)
    assert made.actions.lines == ()
    for chart in (risk_map_chart(made.map), load_chart(made.loads), trend_chart(made.trend)):
        assert chart.to_json()


def test_names_enter_charts_escaped_and_cut():
    names = dimensions()
    names["cities"]["1"]["city"] = HOSTILE
    names["warehouses"]["1"]["name"] = HOSTILE * 20
    content = parts(END)
    where = risk_map_chart(risk_map(content["cities"], content["city_warehouse"], Names(names)))
    loads = load_chart(warehouse_loads(content["warehouses"], Names(names)))
    hover = [text for line in where.data[0].customdata for text in line] + list(loads.data[0].customdata)
    ticks = [*where.layout.xaxis.ticktext, *where.layout.yaxis.ticktext, *loads.layout.yaxis.ticktext]
    assert any("&lt;script&gt;" in text for text in ticks)
    assert any("&lt;script&gt;" in text for text in hover)
    for text in ticks + hover:
        assert "<" not in text.replace("<br>", "")
        assert len(html.unescape(text)) <= 160


def test_another_layout_is_named_before_anything_else_is_read():
    made = snapshot(END, schema_version=2)
    with pytest.raises(SchemaMismatchError, match="publishes layout 2, this page reads layout 1"):
        parse_meta(made.parts["meta"])


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7"])
def test_meta_that_is_not_a_meta_is_a_known_error(text):
    with pytest.raises((UnreadableSnapshotError, SchemaMismatchError)):
        parse_meta(text)


def test_meta_without_a_required_field_is_named():
    value = json.loads(snapshot(END).parts["meta"])
    del value["watermark"]
    with pytest.raises(UnreadableSnapshotError, match="lacks watermark"):
        parse_meta(json.dumps(value))


@pytest.mark.parametrize("part", SCREEN_PARTS)
@pytest.mark.parametrize("text", [None, "not json", '{"total":1,"rows":[{}]}', "[{}]", "7"])
def test_a_damaged_part_is_a_known_error(part, text):
    made = snapshot(END)
    texts = {name: made.parts[name] for name in SCREEN_PARTS} | {part: text}
    with pytest.raises(UnreadableSnapshotError):
        build_board(parse_meta(made.parts["meta"]), texts, dimensions(), Settings())


def test_first_screen_reads_less_than_100_kilobytes():
    made = snapshot(END, parts(END, open_actions=50))
    assert sum(len(made.parts[name]) for name in (*SCREEN_PARTS, "meta")) < 100_000
    assert "products" not in SCREEN_PARTS


def test_open_for_counts_to_the_end_of_the_minute():
    assert action_line(raised_at=None).open_for == "—"
    assert action_line(raised_at="2026-11-11T09:07:00.000Z").open_for == "<1 min"
