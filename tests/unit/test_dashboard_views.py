"""What the views behind the war room say, from what Redis holds; without Streamlit or Redis."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.address import Filters
from dashboard.after_action import answer_rows, known_then, lost_course, median_answer, open_rows, story_rows
from dashboard.chronicle import Chronicle
from dashboard.filtering import Places
from dashboard.flood import beside, flood_groups, folded
from dashboard.forecast_record import course, outcomes, verdict
from dashboard.names import Names
from dashboard.pipeline_health import SYSTEM_PARTS, doubt_rows, part_rows, version_rows
from dashboard.sale_plan import sale_plan
from dashboard.views.wall import SLIDE_SECONDS, slide_number
from flashsale.minutes import MINUTE, iso
from tests.support.dashboard_samples import alerts, dimensions, flooded, forecast_quality, parts

END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)
KARACHI = ZoneInfo("Asia/Karachi")
NAMES, PLACES = Names(dimensions()), Places.of(dimensions())


def test_plan_names_start_length_and_peak():
    plan = sale_plan(
        {
            "sale_id": "s",
            "scenario": "11.11",
            "phase": "planned",
            "sale_start": iso(END + timedelta(minutes=75)),
            "sale_end": iso(END + timedelta(hours=3)),
            "first_order_ts": None,
            "plan": [1000, 2500, 4000, 1000],
        },
        END,
        KARACHI,
    )
    assert (plan.starts_in, plan.starts_at, plan.lasts) == ("1 h 15 min", "15:22:00 PKT", "1 h 45 min")
    assert (plan.peak, plan.peak_at) == ("× 4.0", "at 15:24:00 PKT")
    assert plan.factors == (1.0, 2.5, 4.0, 1.0)


def test_flood_groups_stand_for_their_rows_and_for_nothing_else():
    actions = flooded(END)["actions"]
    groups = flood_groups(actions, Filters(), PLACES, NAMES, "PKR", END)
    assert [(group.name, group.count) for group in groups] == [
        ("Karachi South", 120),
        ("Lahore Gulberg", 60),
        ("Islamabad I-9", 34),
    ]
    left = folded(actions, Filters())
    grouped = {1, 3, 4}
    assert all(row["warehouse_id"] not in grouped or row["severity"] == "watch" for row in left["rows"])
    assert left["total"] == actions["total"] - 214
    assert len(beside(left, groups)["rows"]) == 7


def test_what_stands_alone_in_a_collapsed_warehouse_is_not_folded_away():
    actions = flooded(END)["actions"]
    mine = next(row for row in actions["rows"] if row["warehouse_id"] == 1 and row["severity"] == "critical")
    actions["grouped"].remove(mine["alert_id"])
    assert mine in folded(actions, Filters())["rows"]


def test_who_chose_a_warehouse_sees_its_rows_in_a_flood():
    actions = flooded(END)["actions"]
    assert folded(actions, Filters(warehouse=("1",))) == actions
    assert folded(parts(END)["actions"], Filters()) == parts(END)["actions"], "no flood, nothing folded"
    del actions["groups"]
    assert flood_groups(actions, Filters(), PLACES, NAMES, "PKR", END) == (), "a snapshot of the release before"


def test_a_forecast_that_holds_what_it_says_is_called_calibrated():
    assert verdict(forecast_quality(END)["horizons"][1]).startswith("Calibrated")


@pytest.mark.parametrize(("off", "word"), [(0.2, "more often than stated"), (-0.3, "less often than stated")])
def test_a_forecast_that_is_off_is_called_off_with_the_worst_tenth(off, word):
    horizon = forecast_quality(END)["horizons"][1]
    part = horizon["reliability"][6]
    part["observed"] = round(part["stated"] + off, 4)
    assert verdict(horizon).startswith("Off where it says 65 %")
    assert word in verdict(horizon)


def test_few_forecasts_are_not_judged():
    horizon = forecast_quality(END)["horizons"][1]
    for part in horizon["reliability"]:
        part["forecasts"] = 29
        part["observed"] = 1.0
    assert verdict(horizon).startswith("Too few")


def test_hits_and_misses_add_up():
    horizon = forecast_quality(END)["horizons"][1]
    found = outcomes(horizon)
    assert found.hits == sum(part["stockouts"] for part in horizon["reliability"][5:])
    assert found.hits + found.misses == horizon["stockouts"]
    assert found.hits + found.false_alarms + found.misses + found.quiet == horizon["forecasts"]


def test_running_brier_weighs_minutes_by_their_forecasts():
    quality = forecast_quality(END, minutes=3)
    quality["course"][0] |= {"brier": 0.1, "forecasts": 100}
    quality["course"][1] |= {"brier": None, "forecasts": 0}
    quality["course"][2] |= {"brier": 0.4, "forecasts": 200}
    found = course(quality, KARACHI)
    assert found.brier == pytest.approx((0.1, 0.1, 0.3))
    assert found.times[-1] == datetime(2026, 11, 11, 14, 7)  # noqa: DTZ001 - the shop's clock
    assert course({"minutes": 0, "horizons": []}, KARACHI).times == (), "a snapshot of the release before"


def past(minutes=30, order=1):
    """The chronicle of `minutes` minutes up to END, read in one order or the other."""
    first = END - MINUTE * (minutes - 1)
    chronicle = Chronicle()
    for minute in [first + MINUTE * k for k in range(minutes)][::order]:
        record = {"headline": parts(END)["headline"] | {"lost_value": 1}, "alerts": alerts(minute, first)}
        chronicle.take([minute], {minute: record}, END)
    return chronicle, first


def test_the_story_of_an_alert_is_the_same_in_any_reading_order():
    forwards, backwards = past(order=1)[0], past(order=-1)[0]
    assert forwards.stories == backwards.stories
    assert set(forwards.stories) == {"taken", "ignored", "late"}


def test_acted_on_and_not_acted_on_as_of_a_past_minute():
    chronicle, first = past()
    stories = known_then(chronicle.stories.values(), first + 2 * MINUTE)
    acted, ignored = answer_rows(stories, first + 2 * MINUTE, "PKR")
    assert (acted.cells[1], ignored.cells[1]) == ("0", "2"), "nobody had acted after two minutes"
    later = first + 12 * MINUTE
    stories = known_then(chronicle.stories.values(), later)
    acted, ignored = answer_rows(stories, later, "PKR")
    assert acted.cells[1:4] == ("1", "0", "1")
    assert ignored.cells[1:4] == ("1", "1", "1"), "the one nobody took has sold out"
    assert median_answer(stories, later) == "half of the answers within 3 min"
    assert median_answer([], later) == "none was answered yet"
    rows = story_rows(stories, later, NAMES, KARACHI, "PKR")
    assert rows[0].cells[4:6] == ("○ not acted on", "■ sold out")
    assert rows[1].cells[4] == "✓ after 3 min by Sana"


def test_minutes_are_read_newest_first_and_the_youngest_again():
    chronicle, first = past(minutes=10)
    assert chronicle.wanted(first, END, 120, 0) == []
    assert chronicle.wanted(first, END, 120, 3) == [END, END - MINUTE, END - 2 * MINUTE]
    earlier = first - 200 * MINUTE
    assert chronicle.wanted(earlier, END, 5, 1) == [END, *(first - k * MINUTE for k in range(1, 5))]
    assert chronicle.left(earlier, END) == 200


def test_a_minute_whose_record_may_follow_is_asked_for_again():
    chronicle = Chronicle()
    chronicle.take([END, END - 10 * MINUTE], {}, END - 3 * MINUTE)
    assert chronicle.wanted(END - 10 * MINUTE, END - 10 * MINUTE, 5, 0) == []
    assert chronicle.wanted(END, END, 5, 0) == [END]


def test_a_group_of_a_flood_is_a_row_but_no_story():
    chronicle = Chronicle()
    content = flooded(END)
    chronicle.take([END], {END: {"headline": content["headline"], "alerts": content["alerts"]}}, END)
    assert chronicle.stories == {}
    assert open_rows(content["alerts"], END, NAMES, "PKR")[0].cells[1] == "120 products"


def test_what_was_lost_is_thinned_out_to_what_a_chart_can_show_with_its_last_minute():
    chronicle = Chronicle()
    headline = parts(END)["headline"]
    for k in range(1440):
        chronicle.headlines[END - MINUTE * k] = headline | {"lost_value": 1440 - k}
    course = lost_course(chronicle.headlines)
    assert 200 <= len(course) <= 240
    assert course[-1] == (END, 1440)
    assert course == sorted(course)


def test_every_part_has_a_state_an_age_and_its_last_words():
    health = dict.fromkeys(SYSTEM_PARTS)
    health["KPI job"] = {"state": "ok", "at": iso(END - timedelta(seconds=40)), "detail": "31,480 orders"}
    health["archive job"] = {"state": "failed", "at": iso(END - timedelta(minutes=4)), "detail": "no HDFS"}
    rows = {row.cells[0]: row for row in part_rows(health, END)}
    assert rows["KPI job"].cells[1:4] == ("✓ ok", "40 s", "31,480 orders")
    assert rows["archive job"].cells[1:4] == ("✗ failed", "4 min", "no HDFS")
    assert rows["archive job"].tone == "bad"
    assert "runbook.md" in rows["archive job"].cells[4]
    assert rows["DAG retention"].cells[1] == "? silent"
    assert rows["DAG backfill_kpis"].cells[1] == "○ not asked for"


def test_every_doubtful_fact_is_counted_by_reason():
    rows = {row.cells[0]: row.cells[1] for row in doubt_rows(parts(END)["data_quality"])}
    assert rows == {
        "late": "312",
        "duplicates, the same": "90",
        "duplicates that differ": "2",
        "in quarantine: refused:schema": "39",
        "in quarantine: conflict:id": "2",
        "ledger residual, units": "0",
    }


def test_versions_name_the_snapshot_its_code_and_its_calibration():
    meta = {
        "snapshot_id": "20261111T0907Z-aaaaaaaa",
        "schema_version": 1,
        "sale_id": "s",
        "data_interval_end": iso(END),
        "watermark": None,
        "complete": False,
        "settled": False,
        "calibration_id": None,
        "published_at": iso(END + timedelta(seconds=6)),
        "code_version": "abc",
    }
    rows = {row.cells[0]: row.cells[1] for row in version_rows(meta, KARACHI, END)}
    assert rows["published"] == "14:07:06 PKT (09:07 UTC)"
    assert (rows["watermark"], rows["complete"], rows["code"]) == ("—", "no", "abc")
    assert rows["calibration"].startswith("none")


def test_every_slide_of_the_wall_has_its_turn():
    turns = [slide_number(END + timedelta(seconds=k)) for k in range(0, 4 * SLIDE_SECONDS, SLIDE_SECONDS)]
    assert sorted(turns) == [0, 1, 2, 3]
