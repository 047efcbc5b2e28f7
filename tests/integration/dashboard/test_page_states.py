"""Every state of the page by picture and assertion, in a real browser; none has a grave violation of accessibility.

The pictures stand in .flashsale/pictures/states.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from flashsale.minutes import iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.stores.context import write_sale
from flashsale.stores.health import write_health
from tests.support.accessibility import grave_violations
from tests.support.dashboard_samples import SALE_ID, flooded, open_sale, parts, publish, sale
from tests.support.dashboard_server import ROOT
from tests.support.dashboard_viewing import badge, comes_to_fit, is_greyed, minute, no_scroll_at_all

KEYS = SaleKeys(SALE_ID)
PICTURES = ROOT / ".flashsale" / "pictures" / "states"


def seen(page: Page, name: str) -> None:
    """The state fits the screen, can be perceived by everyone, and its picture is kept."""
    comes_to_fit(page, no_scroll_at_all)
    assert grave_violations(page) == []
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = PICTURES / f"{name}.png"
    page.screenshot(path=picture)
    assert Path(picture).stat().st_size > 10_000, "an empty page"


def charts_drawn(page: Page) -> None:
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)


def test_before_the_start_the_page_counts_down_and_shows_what_is_planned(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    planned = sale(start=utc_now() + timedelta(minutes=75), phase="planned", first_order_ts=None)
    write_sale(publisher, planned, [1000] * 60 + [4200] * 30 + [1500] * 90)
    state = page.locator(".st-key-state_not_started")
    expect(state).to_contain_text("The sale has not started")
    expect(state).to_contain_text("1 h 14 min")
    expect(state).to_contain_text("× 4.2")
    expect(state).to_contain_text("13 products")
    badge(page, "STARTS IN 1:14:")
    before = page.locator(".fs-badge").inner_text()
    expect(page.locator(".fs-badge")).not_to_have_text(before)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    seen(page, "not_started")


def test_no_figures_yet(page, store):
    open_sale(store.publisher())
    expect(page.locator(".st-key-state_no_data")).to_contain_text("The first figures come about a minute after")
    badge(page, "NO FIGURES YET")
    seen(page, "no_data")


def test_all_clear_is_calm(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute(), parts(minute(), open_actions=0))
    expect(page.locator(".st-key-all_clear")).to_contain_text("Nothing is sold out or about to run out, as of")
    charts_drawn(page)
    seen(page, "all_clear")


def test_late(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, utc_now() - timedelta(seconds=100))
    badge(page, "LATE")
    expect(page.locator(".fs-notice")).to_contain_text("Late: ")
    charts_drawn(page)
    seen(page, "late")


def test_stale_also_after_the_superseded_parts_are_gone(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    end = utc_now() - timedelta(minutes=31)
    before = publish(publisher, end - timedelta(minutes=1))
    publish(publisher, end)
    # What the time-to-live of superseded parts comes to.
    assert publisher.delete(*(KEYS.snapshot(before.snapshot_id, part) for part in before.parts)) == len(before.parts)
    write_health(publisher, KEYS.health("kpi"), "failed", "Spark does not answer", 60)
    badge(page, "STALE 31 min")
    notice = page.locator(".fs-notice")
    expect(notice).to_contain_text("Old figures: nothing newer than")
    expect(notice).to_contain_text("Spark does not answer")
    expect(notice).to_contain_text("runbook.md, section")
    is_greyed(page, "board")
    charts_drawn(page)
    seen(page, "stale")


def test_an_incomplete_minute_is_marked(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute(), watermark=iso(minute() - timedelta(seconds=20)), complete=False)
    expect(page.locator(".fs-incomplete")).to_contain_text("minute incomplete")
    charts_drawn(page)
    seen(page, "incomplete")


def test_redis_unreachable(page, store):
    open_sale(store.publisher())
    expect(page.locator(".st-key-state_no_data")).to_be_visible()
    store.stop()
    try:
        state = page.locator(".st-key-state_redis_unreachable")
        expect(state).to_contain_text("Redis does not answer")
        expect(state).to_contain_text("runbook.md, section")
        expect(page.locator(".fs-badge")).to_have_count(0)
        seen(page, "redis_unreachable")
    finally:
        store.start()


def test_schema_mismatch(page, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute(), schema_version=2)
    expect(page.locator(".st-key-state_schema_mismatch")).to_contain_text(
        "publishes layout 2, this page reads layout 1"
    )
    seen(page, "schema_mismatch")


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)], ids=["wall", "laptop"])
def test_a_flood_is_one_row_a_warehouse_and_a_click_shows_its_rows(page, store, size):
    publisher = store.publisher()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_sale(publisher)
    publish(publisher, minute(), flooded(minute()))
    groups = page.locator(".fs-flood-group")
    expect(groups).to_have_count(3)
    expect(page.locator(".fs-flood-head")).to_contain_text("Flood: 214 alerts collapsed")
    expect(groups.first).to_contain_text("Karachi South")
    expect(groups.first).to_contain_text("120 alerts")
    expect(page.locator(".fs-row")).to_have_count(7)
    charts_drawn(page)
    seen(page, f"flood-{size[0]}")
    groups.first.click()
    expect(page.locator(".st-key-filter_said")).to_contain_text("Only Karachi South")
    expect(page.locator(".fs-name .fs-second").first).to_have_text("Karachi South")
    assert "warehouse=1" in page.url
