"""The views, their links, filters and export, in a real browser on a real Streamlit and Redis."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from flashsale.redis_keys import SaleKeys
from flashsale.stores.health import write_health
from tests.support.accessibility import grave_violations
from tests.support.dashboard_samples import (
    SALE_ID,
    open_sale,
    parts,
    phantom_suspects,
    publish,
    write_past,
)
from tests.support.dashboard_viewing import (
    REFRESH_MS,
    badge,
    comes_to_fit,
    minute,
    no_scroll_at_all,
    no_sideways_scroll,
)

KEYS = SaleKeys(SALE_ID)


@pytest.fixture
def sale(page, store):
    """A live sale with one published minute and an hour behind it."""
    page.set_default_timeout(REFRESH_MS)
    publisher = store.publisher()
    open_sale(publisher)
    end = minute()
    content = parts(end)
    content["data_quality"]["phantom_suspects"] = phantom_suspects()
    publish(publisher, end, content)
    write_past(publisher, end, 60)
    return publisher


def test_links_change_the_view_within_the_page_and_keep_the_filters(page, server, sale):
    page.goto(f"{server.url}/?province=Sindh")
    page.evaluate("window.notReloaded = true")
    page.get_by_role("link", name="System").click()
    expect(page.locator(".st-key-system")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=system.*province=Sindh|province=Sindh.*view=system"))
    expect(page.get_by_role("link", name="System")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="War room").click()
    expect(page.locator(".st-key-filter_said")).to_contain_text("Only Sindh")
    assert page.evaluate("window.notReloaded")
    assert page.get_by_role("link", name="Wall").get_attribute("href") == "?view=wall&province=Sindh"


def test_a_filter_is_chosen_named_counted_and_taken_back(page, server, sale):
    for width, height in ((1920, 1080), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(server.url)
        expect(page.locator(".fs-row")).to_have_count(10)
        expect(page.locator(".js-plotly-plot")).to_have_count(3)
        page.get_by_role("button", name="Filter").click()
        page.get_by_role("combobox", name="Province").click()
        page.get_by_role("option", name="Sindh").click()
        said = page.locator(".st-key-filter_said")
        expect(said).to_contain_text(re.compile(r"Only Sindh: \d+ of 27 rows"))
        expect(page).to_have_url(re.compile("province=Sindh"))
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        names = set(page.locator(".fs-name .fs-second").all_text_contents())
        assert names <= {"Karachi South", "Karachi North"}, names
        assert names
        comes_to_fit(page, no_scroll_at_all)
        assert grave_violations(page) == []
        page.get_by_role("button", name="Show all").click()
        expect(said).to_have_count(0)
        expect(page.locator(".fs-row")).to_have_count(10)
        expect(page).not_to_have_url(re.compile("province"))


def test_a_filter_that_leaves_no_row_is_not_called_all_clear(page, server, sale):
    content = parts(minute())
    content["actions"]["rows"] = [row for row in content["actions"]["rows"] if row["warehouse_id"] != 6]
    publish(sale, minute() + timedelta(minutes=1), content)
    page.goto(f"{server.url}/?warehouse=6")
    expect(page.locator(".st-key-nothing_left")).to_contain_text("No open row matches the filter")
    expect(page.locator(".st-key-all_clear")).to_have_count(0)


def test_the_export_has_every_published_row_of_the_snapshot_shown(page, server, sale):
    page.goto(f"{server.url}/?province=Sindh")
    expect(page.locator(".st-key-filter_said")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    download = waiting.value
    assert re.fullmatch(r"actions-\d{8}T\d{4}Z-[0-9a-f]{8}\.csv", download.suggested_filename)
    text = Path(download.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 27
    assert {row["snapshot_id"] for row in rows} == {download.suggested_filename[8:-4]}


def test_a_refresh_takes_neither_focus_nor_selection_nor_an_open_filter(page, server, sale):
    page.goto(server.url)
    badge(page, "LIVE")
    link = page.get_by_role("link", name="Forecast quality")
    link.focus()
    page.evaluate(
        """() => { const item = document.querySelector('.fs-item');
                   getSelection().selectAllChildren(item); window.watched = item; }"""
    )
    selected = page.evaluate("getSelection().toString()")
    number = page.locator(".fs-figure-value").first
    content = parts(minute())
    content["headline"]["orders_per_minute"] = 77_777
    publish(sale, minute() + timedelta(minutes=1), content)
    expect(number).to_have_text("77,777")
    expect(link).to_be_focused()
    assert page.evaluate("getSelection().toString()") == selected
    assert page.evaluate("window.watched.isConnected")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("combobox", name="Province")).to_be_visible()
    content["headline"]["orders_per_minute"] = 88_888
    publish(sale, minute() + timedelta(minutes=2), content)
    expect(number).to_have_text("88,888")
    expect(page.get_by_role("combobox", name="Province")).to_be_visible()


def test_system_says_what_each_part_last_said_and_what_is_in_doubt(page, server, sale):
    write_health(sale, KEYS.health("archive"), "failed", "HDFS is in <b>safe mode</b>", 600)
    page.goto(f"{server.url}/?view=system")
    part = page.locator(".st-key-parts tr", has_text="archive job")
    expect(part).to_contain_text("✗ failed")
    expect(part).to_contain_text("HDFS is in <b>safe mode</b>")
    expect(part).to_contain_text("docs/runbook.md, section")
    expect(page.locator(".st-key-doubts tr", has_text="refused:schema")).to_contain_text("39")
    expect(page.locator(".st-key-suspects tr", has_text="Rice Cooker 1.8 L")).to_contain_text("Karachi North")
    expect(page.locator(".st-key-versions")).to_contain_text("none: probabilities are not recalibrated")
    comes_to_fit(page, no_scroll_at_all)
    assert grave_violations(page) == []


def test_system_draws_itself_when_the_figures_cannot_be_shown(page, server, store):
    publisher = store.publisher()
    open_sale(publisher)
    publish(publisher, minute(), schema_version=2)
    page.goto(f"{server.url}/?view=system")
    expect(page.locator(".st-key-trouble_schema_mismatch")).to_contain_text("publishes layout 2")
    expect(page.locator(".st-key-parts tr", has_text="KPI job").first).to_contain_text("✓ ok")
    assert grave_violations(page) == []


def test_forecast_quality_answers_in_a_sentence_and_shows_what_it_rests_on(page, server, sale):
    page.goto(f"{server.url}/?view=forecast-quality")
    expect(page.locator(".st-key-verdict")).to_contain_text("Calibrated: in every tenth")
    expect(page.locator(".st-key-horizons tbody tr")).to_have_count(3)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    comes_to_fit(page, no_scroll_at_all)
    assert grave_violations(page) == []


def test_after_action_goes_back_to_a_past_minute(page, server, sale):
    page.goto(f"{server.url}/?view=after-action")
    as_of = page.locator(".st-key-as_of")
    expect(as_of).to_contain_text("the latest minute · 60 minutes are known")
    answers = page.locator(".st-key-answers tbody tr")
    expect(answers.nth(0)).to_contain_text("acted on")
    expect(page.locator(".st-key-stories tbody tr").first).to_contain_text("○ not acted on")
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    expect(as_of).to_contain_text("a past minute")
    expect(page.locator(".fs-figure-value").first).to_have_text("20,039")
    # It stays there when the next refresh comes.
    page.wait_for_timeout(6_000)
    expect(page.locator(".fs-figure-value").first).to_have_text("20,039")
    assert grave_violations(page) == []


def test_the_wall_shows_one_thing_at_a_time_and_its_age_always(page, server, sale):
    page.goto(f"{server.url}/?view=wall&province=Sindh")
    slides = {"0": "fs-figure-value", "1": "fs-table", "2": "where_chart", "3": "trend_chart"}
    while slides:
        # Whichever of those still to come is on: they go by the clock.
        coming = page.locator(", ".join(f".st-key-wall_{slide}" for slide in slides))
        expect(coming).to_be_visible(timeout=4 * 15_000 + REFRESH_MS)
        (slide,) = re.findall(r"st-key-wall_(\d)", coming.get_attribute("class") or "")
        content = slides.pop(slide)
        inside = page.locator(f"[data-testid={content}], .{content}, .st-key-{content}").first
        expect(inside).to_be_visible()
        expect(page.locator(".fs-badge")).to_contain_text(re.compile(r"(LIVE|LATE) \d+ "))
        expect(page.locator(".st-key-filter_said")).to_contain_text("Only Sindh")
        screen = page.locator(".st-key-screen")
        assert screen.get_by_role("link").count() == screen.get_by_role("button").count() == 0
        comes_to_fit(page, no_scroll_at_all)
        assert grave_violations(page) == []


@pytest.mark.parametrize("view", ["forecast-quality", "after-action", "system"])
def test_the_views_behind_fit_a_phone(page, server, sale, view):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/?view={view}")
    badge(page, "LIVE")
    comes_to_fit(page, no_sideways_scroll)
