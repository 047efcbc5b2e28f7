from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.board import SCREEN_PARTS, build_board, parse_meta
from dashboard.strip import sale_phase, status_strip
from flashsale.freshness import freshness
from flashsale.minutes import iso
from flashsale.settings import Settings, load_settings
from tests.support.dashboard_samples import dimensions, parts, snapshot

END = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)
KARACHI = ZoneInfo("Asia/Karachi")
OK = {"state": "ok", "at": iso(END), "detail": "fine"}


def view(phase="live", start=END - timedelta(minutes=87), hours=24):
    return {
        "sale_id": "s",
        "scenario": "11.11 Mega Sale",
        "phase": phase,
        "sale_start": iso(start),
        "sale_end": iso(start + timedelta(hours=hours)),
        "first_order_ts": None,
        "plan": [],
    }


def strip(age=38, health=None, content=None, **meta):
    made = snapshot(END, content, **meta)
    board = build_board(
        parse_meta(made.parts["meta"]), {name: made.parts[name] for name in SCREEN_PARTS}, dimensions(), Settings()
    )
    now = END + timedelta(seconds=age)
    fresh = freshness(board.meta, view(), now, load_settings())
    return status_strip(board, view(), health or {"KPI job": OK}, fresh, now, KARACHI)


def test_strip_says_how_far_the_orders_go_and_how_good_they_are():
    shown = strip()
    assert (shown.sale, shown.phase) == ("11.11 Mega Sale", "live · hour 2 of 24")
    assert (shown.through, shown.through_utc) == ("orders up to 14:07:00 PKT", "(09:07 UTC)")
    assert (shown.quality, shown.quarantine) == ("data quality 99.6 %", "41 in quarantine")
    assert (shown.incomplete, shown.notice) == (False, "")


def test_an_unknown_quality_is_a_dash():
    content = parts(END)
    content["data_quality"]["score"] = None
    assert strip(content=content).quality == "data quality —"


def test_phantom_suspects_stand_beside_the_quarantine_when_there_are_any():
    content = parts(END)
    told = {}
    for total in (0, 1, 1_200):
        content["data_quality"]["phantom_suspects"] = {"total": total, "rows": []}
        told[total] = strip(content=content).quarantine
    assert told == {
        0: "41 in quarantine",
        1: "41 in quarantine · 1 phantom suspect",
        1_200: "41 in quarantine · 1,200 phantom suspects",
    }
    del content["data_quality"]["phantom_suspects"]
    assert strip(content=content).quarantine == told[0], "a snapshot of the release before"


def test_machines_and_surges_are_told_when_there_are_any():
    content = parts(END)
    content["headline"] |= {"bot_orders": 1_312, "surging_pairs": 3}
    assert strip(content=content).quarantine == "41 in quarantine · 1,312 bot-like orders · 3 surging"
    content["headline"] |= {"bot_orders": 1, "surging_pairs": 0}
    assert strip(content=content).quarantine == "41 in quarantine · 1 bot-like order"
    for name in ("bot_orders", "surging_pairs"):
        del content["headline"][name]
    assert strip(content=content).quarantine == "41 in quarantine", "a snapshot of the release before"


def test_an_incomplete_minute_is_marked():
    assert strip(complete=False).incomplete


def test_parts_are_ok_failed_or_silent_in_word_and_sign():
    failed = {"state": "failed", "at": iso(END), "detail": "HDFS is in safe mode"}
    shown = strip(health={"KPI job": OK, "archive": failed, "Airflow": None}).parts
    assert [part.mark for part in shown] == ["✓", "✗ failed", "? silent"]
    assert shown[1].detail == "14:07:00 PKT: HDFS is in safe mode"


def test_stale_notice_says_since_when_and_quotes_the_part_that_failed():
    failed = {"state": "failed", "at": iso(END), "detail": "Spark does not answer"}
    notice = strip(age=600, health={"KPI job": failed, "Airflow": None}).notice
    assert "nothing newer than 14:07:00 PKT" in notice
    assert "KPI job failed at 14:07:00 PKT: Spark does not answer." in notice


def test_stale_notice_tells_missing_orders_from_a_stopped_job():
    behind = strip(age=10, watermark=iso(END - timedelta(minutes=5))).notice
    assert "no orders reach them" in behind
    assert "No word from KPI job" in strip(age=1860, health={"KPI job": None}).notice
    assert "cause is not known" in strip(age=1860).notice


def test_late_figures_are_called_late_and_say_when_they_will_be_called_old():
    assert strip(age=120).notice == "Late: figures should be younger than 90 s; over 3 min they are called old."
    assert strip(age=60).notice == ""


def test_phase_counts_hours_of_a_long_sale_and_minutes_of_a_short_one():
    assert sale_phase(view(hours=1, start=END - timedelta(seconds=90)), END, KARACHI) == "live · minute 2 of 60"
    assert sale_phase(view(phase="planned", start=END + timedelta(minutes=12)), END, KARACHI) == "starts in 12 min"
    assert sale_phase(view(phase="ended", hours=1), END, KARACHI) == "ended 13:40:00 PKT"
    assert sale_phase(view(hours=1), END, KARACHI) == "over since 13:40:00 PKT"
    assert sale_phase(None, END, KARACHI) == "—"
