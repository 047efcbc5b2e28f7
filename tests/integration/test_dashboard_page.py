"""The page in a real browser, served by a real Streamlit, over a real Redis with its users."""

import json
import re
import time
from datetime import datetime, timedelta

import pytest
import redis
from playwright.sync_api import Page, expect

from dashboard.snapshot_reader import connect
from flashsale.minutes import floor_minute, iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.stores.context import active_sale_id
from flashsale.stores.health import write_health
from flashsale.stores.snapshots import current_snapshot_id
from tests.support.dashboard_redis import DashboardRedis
from tests.support.dashboard_samples import SALE_ID, open_sale, parts, publish
from tests.support.dashboard_server import DashboardServer, chromium

REFRESH_MS = 25_000
"""A refresh every 5 s, and time to load and draw charts for the first time on a busy machine."""
NEXT_REFRESH_SECONDS = 8
KEYS = SaleKeys(SALE_ID)

HOSTILE_NAMES = {
    1: "<script>window.pwned = 1</script>",
    2: "**bold** :red[red] $x^2$ [link](http://example.com) www.example.com :fire:",
    3: "\u0645\u0631\u0648\u062d\u0629 \u202eevil",
    4: "\U0001f525\U0001f3a7 Pods",
    5: "A" * 300,
    6: "<img src=x onerror='window.pwned = 1'> &amp; <b>b</b>",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    running = DashboardRedis(tmp_path_factory.mktemp("redis"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def server(store, tmp_path_factory):
    running = DashboardServer(tmp_path_factory.mktemp("page"), store.settings)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser, store, server):
    """A viewer at an empty Redis; whatever happens, no traceback, no script error, no foreign request."""
    store.empty()
    viewer = browser.new_page(viewport={"width": 1920, "height": 1080})
    faults: list[str] = []
    viewer.on("pageerror", lambda error: faults.append(str(error)))
    viewer.on("dialog", lambda dialog: faults.append(f"dialog {dialog.message}"))
    viewer.on("request", lambda request: faults.append(request.url) if foreign(request.url, server.url) else None)
    viewer.goto(server.url)
    yield viewer
    assert "Traceback" not in viewer.inner_text("body")
    assert viewer.locator("[data-testid=stException]").count() == 0
    viewer.close()
    assert faults == []


def foreign(url: str, own: str) -> bool:
    return not url.startswith((own, "data:", "blob:"))


def minute() -> datetime:
    """The nearest minute boundary: young enough to stay live through a slow first drawing."""
    return floor_minute(utc_now() + timedelta(seconds=30))


def shows_figures(page: Page, figures: list[str]) -> None:
    """Waits: Streamlit draws the badge first and the figures after it."""
    expect(page.get_by_test_id("stMetricValue")).to_have_text(figures, use_inner_text=True, timeout=REFRESH_MS)


def is_greyed(page: Page, key: str) -> None:
    expect(page.locator(f".st-key-{key}")).to_have_css("filter", re.compile("grayscale"))


def badge(page: Page, state: str, timeout: float = REFRESH_MS) -> None:
    expect(page.locator(".fs-badge")).to_contain_text(state, timeout=timeout)


def test_page_opens_before_the_sale_and_follows_it_to_its_first_figures(page, store):
    expect(page.locator(".st-key-state_no_sale")).to_contain_text("No sale is open", timeout=REFRESH_MS)
    publisher = store.publisher()
    open_sale(publisher)
    expect(page.locator(".st-key-state_no_data")).to_contain_text("No figures yet", timeout=REFRESH_MS)
    expect(page.locator(".st-key-state_no_data")).to_contain_text("11.11 Mega Sale: live · hour 2 of 24")
    publish(publisher, minute())
    badge(page, "LIVE")
    expect(page.locator(".st-key-state_no_data")).to_have_count(0)


def test_page_shows_exactly_the_headline_that_redis_holds(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    content = parts(minute())
    content["headline"] |= {
        "orders_per_minute": 31_480,
        "high_risk_skus": 27,
        "sold_out_skus": 4,
        "value_at_risk": 840_000_000,
        "lost_value": 120_000_000,
        "overloaded_warehouses": 2,
    }
    publish(publisher, minute(), content)
    badge(page, "LIVE")

    reader = connect(store.settings)
    snapshot = current_snapshot_id(reader, SALE_ID)
    held = json.loads(reader.get(KEYS.snapshot(snapshot, "headline")))
    figures = [
        f"{held['orders_per_minute']:,}",
        str(held["high_risk_skus"]),
        str(held["sold_out_skus"]),
        f"Rs {held['value_at_risk'] / 1e8:.1f} M",
        f"Rs {held['lost_value'] / 1e8:.1f} M",
        f"{held['overloaded_warehouses']} of 6",
    ]
    shows_figures(page, figures)
    expect(page.locator(".fs-strip")).to_contain_text("data quality 99.6 % · 41 in quarantine")
    expect(page.locator(".fs-strip")).to_contain_text("KPI job ✓ · Airflow ✓ · archive ✓ · archive DAG ✓")
    rows = page.locator(".fs-row")
    expect(rows).to_have_count(10)
    first = content["actions"]["rows"][0]
    expect(rows.first).to_have_attribute("data-key", f"{first['product_id']}:{first['warehouse_id']}")
    expect(rows.first).to_contain_text("▲ critical")
    expect(rows.first).to_contain_text(f"Restock {first['qty']:,}")
    expect(rows.first).to_contain_text(first["reason"])
    expect(page.locator(".fs-table caption")).to_contain_text("27 open, 10 shown, most urgent first · 17 more")


def test_a_new_minute_is_on_screen_after_one_refresh_without_a_reload(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    end = minute()
    publish(publisher, end - timedelta(minutes=1))
    expect(page.locator(".fs-badge")).to_be_visible(timeout=REFRESH_MS)
    content = parts(end)
    content["headline"]["orders_per_minute"] = 77_777
    page.evaluate("window.notReloaded = true")
    publish(publisher, end, content)
    published = time.monotonic()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("77,777", timeout=REFRESH_MS)
    assert time.monotonic() - published < NEXT_REFRESH_SECONDS
    assert page.evaluate("window.notReloaded")


def test_the_same_minute_published_again_with_a_later_watermark_is_as_young_as_it_says(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    end = minute()
    publish(publisher, end, watermark=iso(end - timedelta(minutes=4)), complete=False)
    badge(page, "STALE")
    expect(page.locator(".fs-notice")).to_contain_text("no orders reach them")
    expect(page.locator(".fs-strip")).to_contain_text("minute incomplete")
    publish(publisher, end)
    badge(page, "LIVE")
    expect(page.locator(".fs-notice")).to_have_count(0)
    expect(page.locator(".fs-strip")).not_to_contain_text("minute incomplete")


def test_figures_that_age_turn_late_then_stale_and_say_why(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, utc_now() - timedelta(seconds=84))
    badge(page, "LIVE")
    badge(page, "LATE")

    store.empty()
    open_sale(publisher)
    write_health(publisher, KEYS.health("kpi"), "failed", "Spark <b>does not</b> answer", 60)
    publish(publisher, utc_now() - timedelta(minutes=31))
    badge(page, "STALE 31 min")
    expect(page.locator(".fs-notice")).to_contain_text("Old figures: nothing newer than")
    expect(page.locator(".fs-notice")).to_contain_text("Spark <b>does not</b> answer")
    is_greyed(page, "board_stale")

    publish(publisher, minute())
    badge(page, "LIVE")
    expect(page.locator(".fs-notice")).to_have_count(0)
    expect(page.locator(".st-key-board_stale")).to_have_count(0)


def test_a_part_that_failed_or_went_silent_is_named_on_the_strip(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    write_health(publisher, KEYS.health("archive"), "failed", "HDFS is in safe mode", 600)
    publisher.delete(KEYS.health_dag("archive_facts"))
    publish(publisher, minute())
    expect(page.locator(".fs-part-failed")).to_have_text("archive ✗ failed", timeout=REFRESH_MS)
    expect(page.locator(".fs-part-failed")).to_have_attribute("title", re.compile("HDFS is in safe mode"))
    expect(page.locator(".fs-part-silent")).to_have_text("archive DAG ? silent")


def test_redis_gone_is_said_in_words_and_the_page_recovers_by_itself(page, store, server):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute())
    badge(page, "LIVE")
    store.stop()
    try:
        expect(page.locator(".st-key-state_redis_unreachable")).to_contain_text(
            "Redis does not answer", timeout=REFRESH_MS
        )
        expect(page.get_by_test_id("stMetricValue")).to_have_count(0)
    finally:
        store.start()
    expect(page.locator(".fs-table")).to_be_visible(timeout=REFRESH_MS)
    expect(page.locator(".st-key-state_redis_unreachable")).to_have_count(0)
    assert "Redis does not answer" in server.log.read_text()


def test_hostile_names_are_shown_as_text(page, store):
    publisher = store.publisher()
    open_sale(publisher, products=HOSTILE_NAMES, scenario=HOSTILE_NAMES[1])
    content = parts(minute())
    for i, row in enumerate(content["actions"]["rows"]):
        row["product_id"] = 1 + i % len(HOSTILE_NAMES)
        row["reason"] = HOSTILE_NAMES[1 + (i + 1) % len(HOSTILE_NAMES)]
    publish(publisher, minute(), content)
    expect(page.locator(".fs-row")).to_have_count(10, timeout=REFRESH_MS)
    names = page.locator(".fs-name .fs-first").all_text_contents()
    assert names[:6] == list(HOSTILE_NAMES.values())
    expect(page.locator(".fs-sale")).to_have_text(HOSTILE_NAMES[1])
    assert page.locator(".fs-table :is(script, img, a, b, strong)").count() == 0
    assert page.evaluate("window.pwned") is None
    assert no_sideways_scroll(page)


def test_all_clear_is_said_with_its_time(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute(), parts(minute(), open_actions=0))
    expect(page.locator(".st-key-all_clear")).to_contain_text("All clear", timeout=REFRESH_MS)
    expect(page.locator(".st-key-all_clear")).to_contain_text(re.compile(r"as of \d\d:\d\d:\d\d PKT"))


def test_snapshots_the_page_cannot_read_are_known_states(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    end = minute()
    publish(publisher, end - timedelta(minutes=2), schema_version=2)
    mismatch = page.locator(".st-key-state_schema_mismatch")
    expect(mismatch).to_contain_text("publishes layout 2, this page reads layout 1", timeout=REFRESH_MS)
    publish(publisher, end - timedelta(minutes=1), parts(end) | {"actions": {"total": 1, "rows": [{}]}})
    expect(page.locator(".st-key-state_unreadable")).to_contain_text("cannot be read", timeout=REFRESH_MS)
    publish(publisher, end)
    badge(page, "LIVE")


def test_a_fault_of_the_page_itself_shows_a_line_and_logs_the_rest(page, store, server):
    publisher = store.publisher()
    open_sale(publisher)
    publisher.set(KEYS.sale, "not json")
    fault = page.locator(".st-key-state_page_fault")
    expect(fault).to_contain_text("This page has a fault", timeout=REFRESH_MS)
    assert "JSONDecodeError" not in page.inner_text("body")
    assert "JSONDecodeError" in server.log.read_text()
    open_sale(publisher)
    expect(page.locator(".st-key-state_no_data")).to_be_visible(timeout=REFRESH_MS)


def no_sideways_scroll(page: Page) -> bool:
    return page.evaluate("(m => m.scrollWidth <= m.clientWidth)(document.querySelector('[data-testid=stMain]'))")


def no_page_scroll(page: Page) -> bool:
    return page.evaluate("(m => m.scrollHeight <= m.clientHeight)(document.querySelector('[data-testid=stMain]'))")


@pytest.mark.parametrize("stale", [False, True], ids=["live", "stale"])
def test_everything_is_on_one_screen_on_wall_and_laptop_and_fits_a_phone(page, store, stale):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute() - timedelta(minutes=40 if stale else 0))
    badge(page, "STALE" if stale else "LIVE")
    for width, height in ((1920, 1080), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        for key in ("where_chart", "loads_chart", "trend_chart"):
            chart = page.locator(f".st-key-{key} .main-svg").first
            expect(chart).to_be_visible(timeout=REFRESH_MS)
        page.wait_for_timeout(500)
        assert no_page_scroll(page)
        assert no_sideways_scroll(page)
        for key in ("strip", "figures", "actions", "where", "loads", "trend"):
            box = page.locator(f".st-key-{key}").first.bounding_box()
            assert box["y"] >= 0, key
            assert box["y"] + box["height"] <= height, key
        chart = page.locator(".st-key-trend_chart").bounding_box()
        assert chart["height"] >= 150
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert no_sideways_scroll(page)


def test_a_frozen_page_says_that_it_lost_contact(browser, store, tmp_path):
    own = DashboardServer(tmp_path, store.settings)
    own.start()
    page = browser.new_page()
    try:
        store.empty()
        open_sale(store.publisher())
        publish(store.publisher(), minute())
        page.goto(own.url)
        badge(page, "LIVE")
        own.stop()
        badge(page, "NO CONTACT")
        is_greyed(page, "board_live")
        own.start()
        badge(page, "LIVE", 2 * REFRESH_MS)
    finally:
        page.close()
        own.stop()


def test_a_missing_or_wrong_secret_is_a_plain_line_and_needs_no_restart(browser, store, tmp_path):
    open_sale(store.publisher())
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    own = DashboardServer(tmp_path, store.settings.model_copy(update={"secrets_dir": secrets}))
    own.start()
    page = browser.new_page()
    try:
        page.goto(own.url)
        expect(page.locator(".st-key-state_settings")).to_contain_text(
            "secret redis_dashboard_read", timeout=REFRESH_MS
        )
        (secrets / "redis_dashboard_read").write_text("not the password")
        expect(page.locator(".st-key-state_refused")).to_contain_text("does not accept", timeout=REFRESH_MS)
        (secrets / "redis_dashboard_read").write_text(store.settings.secret("redis_dashboard_read"))
        expect(page.locator(".st-key-state_refused")).to_have_count(0, timeout=REFRESH_MS)
    finally:
        page.close()
        own.stop()


def test_the_page_s_user_can_read_its_prefix_and_nothing_else(store):
    store.empty()
    open_sale(store.publisher())
    reader = connect(store.settings)
    assert active_sale_id(reader) == SALE_ID
    for forbidden in (
        lambda: reader.set(KEYS.current, "x"),
        lambda: reader.xadd(KEYS.alert_commands, {"command": "ack"}),
        lambda: reader.get("other"),
        lambda: reader.keys("*"),
        lambda: reader.config_get("*"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            forbidden()
