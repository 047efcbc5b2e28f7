"""What the page says when a part of the pipeline, or the page itself, is at fault; real services and browser."""

import re
from datetime import timedelta

import pytest
import redis
from playwright.sync_api import expect

from dashboard.snapshot_reader import connect
from flashsale.redis_keys import SaleKeys
from flashsale.stores.context import active_sale_id
from flashsale.stores.health import write_health
from tests.support.dashboard_samples import SALE_ID, open_sale, parts, publish
from tests.support.dashboard_server import DashboardServer
from tests.support.dashboard_viewing import REFRESH_MS, badge, is_greyed, minute

KEYS = SaleKeys(SALE_ID)


def test_a_part_that_failed_or_went_silent_is_named_on_the_strip(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    write_health(publisher, KEYS.health("archive"), "failed", "HDFS is in safe mode", 600)
    publisher.delete(KEYS.health_dag("archive_facts"))
    publish(publisher, minute())
    expect(page.locator(".fs-part-failed")).to_have_text("archive ✗ failed")
    expect(page.locator(".fs-part-failed")).to_have_attribute("title", re.compile("HDFS is in safe mode"))
    expect(page.locator(".fs-part-silent")).to_have_text("archive DAG ? silent")


def test_redis_gone_is_said_in_words_and_the_page_recovers_by_itself(page, store, server):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute())
    badge(page, "LIVE")
    store.stop()
    try:
        expect(page.locator(".st-key-state_redis_unreachable")).to_contain_text("Redis does not answer")
        expect(page.locator(".fs-figure-value")).to_have_count(0)
    finally:
        store.start()
    expect(page.locator(".fs-table")).to_be_visible()
    expect(page.locator(".st-key-state_redis_unreachable")).to_have_count(0)
    assert "Redis does not answer" in server.log.read_text()


def test_snapshots_the_page_cannot_read_are_known_states(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    end = minute()
    publish(publisher, end - timedelta(minutes=2), schema_version=2)
    mismatch = page.locator(".st-key-state_schema_mismatch")
    expect(mismatch).to_contain_text("publishes layout 2, this page reads layout 1")
    publish(publisher, end - timedelta(minutes=1), parts(end) | {"actions": {"total": 1, "rows": [{}]}})
    expect(page.locator(".st-key-state_unreadable")).to_contain_text("cannot be read")
    publish(publisher, end)
    badge(page, "LIVE")


def test_a_fault_of_the_page_itself_shows_a_line_and_logs_the_rest(page, store, server):
    publisher = store.publisher()
    open_sale(publisher)
    publisher.set(KEYS.sale, "not json")
    fault = page.locator(".st-key-state_page_fault")
    expect(fault).to_contain_text("This page has a fault")
    assert "JSONDecodeError" not in page.inner_text("body")
    assert "JSONDecodeError" in server.log.read_text()
    open_sale(publisher)
    expect(page.locator(".st-key-state_no_data")).to_be_visible()


def test_a_frozen_page_says_that_it_lost_contact(page, store, server):
    open_sale(store.publisher())
    publish(store.publisher(), minute())
    badge(page, "LIVE")
    server.stop()
    try:
        badge(page, "NO CONTACT")
        is_greyed(page, "board")
    finally:
        server.start()
    badge(page, "LIVE", 2 * REFRESH_MS)


def test_a_missing_or_wrong_secret_is_a_plain_line_and_needs_no_restart(browser, store, tmp_path):
    open_sale(store.publisher())
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    own = DashboardServer(tmp_path, store.settings.model_copy(update={"secrets_dir": secrets}))
    own.start()
    page = browser.new_page()
    try:
        page.goto(own.url)
        expect(page.locator(".st-key-state_settings")).to_contain_text("secret redis_dashboard_read")
        (secrets / "redis_dashboard_read").write_text("not the password")
        expect(page.locator(".st-key-state_refused")).to_contain_text("does not accept")
        (secrets / "redis_dashboard_read").write_text(store.settings.secret("redis_dashboard_read"))
        expect(page.locator(".st-key-state_refused")).to_have_count(0)
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
