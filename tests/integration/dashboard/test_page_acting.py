"""Acting on the page: real browsers, the real page, a real Redis with the users of the deployed stack."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flashsale.alerts.commands import Command, command_from
from flashsale.redis_keys import SaleKeys
from tests.support.accessibility import grave_violations
from tests.support.dashboard_details import publish_with_details
from tests.support.dashboard_redis import DashboardRedis
from tests.support.dashboard_samples import SALE_ID, open_sale, parts
from tests.support.dashboard_server import DashboardServer
from tests.support.dashboard_viewing import badge, minute

KEYS = SaleKeys(SALE_ID)
VIEWERS, ROUNDS = 5, 2
SEED = 11


@pytest.fixture
def rows(store: DashboardRedis) -> list[dict[str, Any]]:
    """A sale with a minute and its drill-downs; the rows of its action table."""
    open_sale(store.publisher())
    content = parts(minute())
    publish_with_details(store.publisher(), minute(), content)
    found: list[dict[str, Any]] = content["actions"]["rows"]
    return found


@pytest.fixture
def sana(page: Page, rows: list[dict[str, Any]]) -> Page:
    """A viewer who has said her name and sees the table."""
    return known(page, "Sana")


def known(viewer: Page, name: str) -> Page:
    viewer.evaluate("name => localStorage.setItem('flashsale-name', name)", name)
    expect(viewer.locator(".fs-row")).to_have_count(10)
    badge(viewer, "LIVE")
    # Rows that were just put up take no press: nobody sees a change and decides on it faster (AIM_MS in row_order.js).
    viewer.wait_for_timeout(600)
    return viewer


@contextmanager
def another_viewer(page: Page, url: str, name: str) -> Iterator[Page]:
    browser = page.context.browser
    assert browser is not None
    viewer = browser.new_page(viewport={"width": 1366, "height": 768})
    viewer.goto(url)
    try:
        yield known(viewer, name)
    finally:
        viewer.close()


def row(page: Page, alert: str) -> Any:
    return page.locator(f'.fs-row[data-alert="{alert}"]')


def centre(button: Any) -> tuple[float, float]:
    box = button.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def on_stream(store: DashboardRedis) -> list[Command]:
    entries: Any = store.publisher().xrange(KEYS.alert_commands)
    return [command_from(fields) for _, fields in entries]


def wait_for_commands(page: Page, store: DashboardRedis, count: int) -> list[Command]:
    for _ in range(300):
        if len(commands := on_stream(store)) >= count:
            return commands
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(on_stream(store))} commands on the stream, not {count}")


def test_an_acknowledgement_is_on_the_stream_and_pending_for_every_viewer(sana, store, server, rows):
    alert = rows[2]["alert_id"]
    with another_viewer(sana, server.url, "Bilal") as bilal:
        snapshot = row(sana, alert).get_attribute("data-snapshot")
        row(sana, alert).locator(".fs-main").click()
        (command,) = wait_for_commands(sana, store, 1)
        assert (command.alert_id, command.command, command.by) == (alert, "ack", "Sana")
        assert command.snapshot_id == snapshot
        for viewer in (sana, bilal):
            expect(row(viewer, alert).locator(".fs-owner")).to_contain_text("acknowledged · pending, by Sana")
        row(bilal, alert).locator(".fs-main", has_text="Undo").click()
        undo = wait_for_commands(bilal, store, 2)[1]
        assert (undo.alert_id, undo.command, undo.by) == (alert, "undo", "Bilal")
        for viewer in (sana, bilal):
            expect(row(viewer, alert).locator(".fs-owner")).to_contain_text("undone · pending, by Bilal")


def test_what_waits_stays_pending_between_the_stream_and_the_minute_that_has_it(sana, store, rows):
    alert = rows[0]["alert_id"]
    row(sana, alert).locator(".fs-main").click()
    wait_for_commands(sana, store, 1)
    pending = row(sana, alert).locator(".fs-pending")
    expect(pending).to_be_visible()
    # The KPI job has stored it and taken it off the stream; its snapshot is not there yet.
    store.publisher().delete(KEYS.alert_commands)
    sana.wait_for_timeout(6_000)
    expect(pending).to_be_visible()
    content = parts(minute())
    content["actions"]["rows"][0] |= {"state": "acknowledged", "owner": "Sana"}
    publish_with_details(store.publisher(), minute(), content)
    expect(pending).to_have_count(0)
    expect(row(sana, alert).locator(".fs-owner")).to_contain_text("acknowledged")
    expect(row(sana, alert).locator(".fs-main")).to_have_text("Undo")


def test_assigning_needs_only_the_keyboard_and_survives_refreshes(sana, store, rows):
    alert = rows[1]["alert_id"]
    sana.keyboard.press("j")
    sana.keyboard.press("j")
    expect(row(sana, alert)).to_be_focused()
    sana.keyboard.press("s")
    sana.keyboard.type("Bilal")
    sana.keyboard.press("Tab")
    sana.keyboard.type("knows the supplier")
    shuffled = parts(minute())
    random.Random(SEED).shuffle(shuffled["actions"]["rows"])
    newer = publish_with_details(store.publisher(), minute(), shuffled)
    expect(sana.locator(f'.fs-row[data-snapshot="{newer.snapshot_id}"]').first).to_be_attached()
    expect(sana.locator("dialog input[name=note]")).to_be_focused()
    sana.keyboard.press("Enter")
    (command,) = wait_for_commands(sana, store, 1)
    assert (command.alert_id, command.command, command.owner) == (alert, "assign", "Bilal")
    assert command.note == "knows the supplier"
    assert command.snapshot_id != newer.snapshot_id, "it is about the row that was drawn when the form was opened"


def test_reorderings_through_the_whole_page_act_on_the_row_under_the_pointer(page, store, server, rows):
    dice = random.Random(SEED)
    browser = page.context.browser
    viewers = [browser.new_page(viewport={"width": 1366, "height": 768}) for _ in range(VIEWERS)]
    for viewer in viewers:
        viewer.goto(server.url)
    for viewer in viewers:
        known(viewer, "Sana")
    expected: list[str] = []
    for _ in range(ROUNDS):
        aims = []
        for viewer in viewers:
            # Rows that somebody has acted on carry an undo; each viewer takes one nobody has.
            free = [tr for tr in viewer.locator(".fs-row").all() if tr.get_attribute("data-alert") not in expected]
            button = dice.choice(free).locator(".fs-main")
            alert = button.locator("xpath=ancestor::tr").get_attribute("data-alert")
            x, y = centre(button)
            viewer.mouse.move(x, y)
            aims.append((viewer, x, y, alert))
            expected.append(alert)
        content = parts(minute())
        dice.shuffle(content["actions"]["rows"])
        content["headline"]["orders_per_minute"] += len(expected)
        newer = publish_with_details(store.publisher(), minute(), content)
        for viewer, x, y, _ in aims:
            shown = viewer.locator(f'.fs-row[data-snapshot="{newer.snapshot_id}"], .fs-gone')
            expect(shown.first).to_be_attached()
            viewer.mouse.click(x, y)
        commands = wait_for_commands(page, store, len(expected))
        assert sorted(command.alert_id for command in commands) == sorted(expected)
        for viewer, *_ in aims:
            viewer.mouse.move(5, 700)
        for viewer, *_ in aims:
            expect(viewer.locator(".fs-gone")).to_have_count(0)
            expect(viewer.locator(f'.fs-row[data-snapshot="{newer.snapshot_id}"]')).to_have_count(10)
    assert len(expected) == VIEWERS * ROUNDS
    for viewer in viewers:
        viewer.close()


def test_a_command_that_redis_refuses_stays_at_its_row_until_it_is_sent(page, store, rows, tmp_path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "redis_dashboard_read").write_text(store.settings.secret("redis_dashboard_read"))
    (secrets / "redis_dashboard_command").write_text("not the password")
    own = DashboardServer(tmp_path, store.settings.model_copy(update={"secrets_dir": secrets}))
    own.start()
    try:
        with another_viewer(page, own.url, "Sana") as viewer:
            alert = rows[0]["alert_id"]
            row(viewer, alert).locator(".fs-main").click()
            expect(row(viewer, alert).locator(".fs-trouble")).to_contain_text("Not sent: this page may not write")
            assert on_stream(store) == []
            assert "not sent" in own.log.read_text()
            (secrets / "redis_dashboard_command").write_text(store.settings.secret("redis_dashboard_command"))
            row(viewer, alert).locator(".fs-again").click()
            (command,) = wait_for_commands(viewer, store, 1)
            assert (command.alert_id, command.by) == (alert, "Sana")
            expect(row(viewer, alert).locator(".fs-pending")).to_be_visible()
            expect(viewer.locator(".fs-trouble")).to_have_count(0)
    finally:
        own.stop()


def test_a_press_while_redis_is_away_is_sent_when_it_is_back(sana, store, rows):
    alert = rows[0]["alert_id"]
    x, y = centre(row(sana, alert).locator(".fs-main"))
    sana.mouse.move(x, y)
    newer = publish_with_details(store.publisher(), minute(), parts(minute(), open_actions=26))
    # Right after a refresh: the next one, which finds no Redis, comes after the press.
    expect(row(sana, alert)).to_have_attribute("data-snapshot", newer.snapshot_id)
    store.stop()
    try:
        sana.mouse.click(x, y)
        expect(sana.locator(".st-key-state_redis_unreachable")).to_be_visible()
    finally:
        store.start()
    (command,) = wait_for_commands(sana, store, 1)
    assert (command.alert_id, command.command) == (alert, "ack")
    expect(row(sana, alert).locator(".fs-pending")).to_be_visible()


def test_the_dialog_behind_a_row_is_of_the_minute_that_was_drawn_and_stays(sana, store, rows):
    first = rows[0]
    row(sana, first["alert_id"]).focus()
    sana.keyboard.press("Enter")
    dialog = sana.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{first['available']:,} available")
    expect(dialog.locator(".js-plotly-plot").filter(visible=True)).to_have_count(2)
    for text in ("What could be done", "Transfer 420 from Karachi North", "costs Rs 41 k", "calling Hyderabad"):
        expect(dialog).to_contain_text(text)
    newer = publish_with_details(store.publisher(), minute(), parts(minute(), seed=12))
    expect(sana.locator(f'.fs-row[data-snapshot="{newer.snapshot_id}"]').first).to_be_attached()
    expect(dialog).to_contain_text(f"{first['available']:,} available")
    sana.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_whole_warehouse_is_a_tab_a_key_and_a_button_away(sana, store, rows):
    first = rows[0]
    whole = ("units available", "Most urgent here", "of 227 SKUs 4 are sold out")
    row(sana, first["alert_id"]).focus()
    sana.keyboard.press("Enter")
    dialog = sana.get_by_role("dialog")
    dialog.get_by_role("tab", name="The whole warehouse").click()
    for text in whole:
        expect(dialog.get_by_text(text).first).to_be_visible()
    expect(dialog.locator(".js-plotly-plot").filter(visible=True)).to_have_count(2)
    assert grave_violations(sana) == []
    sana.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    row(sana, first["alert_id"]).focus()
    sana.keyboard.press("w")
    for text in whole:
        expect(dialog.get_by_text(text).first).to_be_visible()
    expect(dialog.get_by_role("tab")).to_have_count(0)
    sana.keyboard.press("Escape")
    sana.goto(f"{sana.url.split('?')[0]}?warehouse={first['warehouse_id']}")
    sana.get_by_role("button", name="Whole warehouse").click()
    for text in whole:
        expect(dialog.get_by_text(text).first).to_be_visible()


def test_details_that_are_gone_are_said_to_be(sana, store, rows):
    first = rows[0]
    snapshot = row(sana, first["alert_id"]).get_attribute("data-snapshot")
    store.publisher().delete(KEYS.snapshot_details(snapshot))
    row(sana, first["alert_id"]).locator(".fs-open").click()
    expect(sana.get_by_role("dialog")).to_contain_text("The details of that minute are gone")


def test_a_row_off_the_screen_s_snapshot_cannot_be_acted_on(sana, store, rows):
    sana.evaluate("document.querySelector('.fs-row').shown_.line.alert_id = 'invented'")
    sana.locator(".fs-row").first.locator(".fs-main").click()
    expect(sana.locator(".fs-saying")).to_contain_text("this alert was not on the page")
    assert on_stream(store) == []
