"""Whatever moves between looking and pressing, a press is about the row that was looked at; a real browser."""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.action_table_stage import NOON, ActionTableStage
from tests.support.dashboard_samples import parts

ORIGIN = "http://war-room.test"
REORDERINGS = 500
"""Between hover and click; a fifth of them between press and release."""
SEED = int(os.environ.get("FLASHSALE_TEST_SEED", "11"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    viewer = browser.new_page(viewport={"width": 1366, "height": 768})
    faults: list[str] = []
    viewer.on("pageerror", lambda error: faults.append(str(error)))
    yield viewer
    viewer.close()
    assert faults == []


@pytest.fixture
def stage(page: Page) -> ActionTableStage:
    return ActionTableStage(page, ORIGIN)


def pool() -> list[dict[str, Any]]:
    """Rows to draw tables from: more than fit, each with its own alert."""
    rows: list[dict[str, Any]] = parts(NOON, open_actions=27)["actions"]["rows"]
    seen = {f"{row['product_id']}:{row['warehouse_id']}": row for row in rows}
    return list(seen.values())


def any_table(dice: random.Random, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return dice.sample(rows, dice.randrange(2, 11))


def test_500_random_reorderings_between_hover_and_click_always_act_on_the_right_sku(stage: ActionTableStage) -> None:
    dice, rows, page = random.Random(SEED), pool(), stage.page
    moved = 0
    for number in range(REORDERINGS):
        page.mouse.move(5, 700)  # out of the table: the order is let go
        before = any_table(dice, rows)
        place = dice.randrange(len(before))
        x, y, alert = stage.feed_and_aim(before, f"before-{number}", place)
        assert alert == before[place]["alert_id"]
        page.mouse.move(x, y)
        for step in range(1 + (number % 5 == 0)):
            after = any_table(dice, rows)
            stage.feed(after, f"after-{number}-{step}")
            moved += place >= len(after) or after[place]["alert_id"] != alert
        page.mouse.down()
        page.mouse.up()
        (command,) = stage.sent()
        assert (command["alert_id"], command["command"]) == (alert, "ack"), f"seed {SEED}, reordering {number}"
        # It names the snapshot the row was drawn from: the newest it was in.
        in_after = any(row["alert_id"] == alert for row in after)
        assert command["snapshot_id"].startswith("after-" if in_after else ("before-", "after-"))
    assert moved > REORDERINGS / 2, "the rows did move below the pointer"


def test_reorderings_between_press_and_release_act_on_the_pressed_row_or_on_none(stage: ActionTableStage) -> None:
    dice, rows, page = random.Random(SEED), pool(), stage.page
    acted = 0
    for number in range(REORDERINGS // 5):
        page.mouse.move(5, 700)
        before = any_table(dice, rows)
        x, y, alert = stage.feed_and_aim(before, f"before-{number}", dice.randrange(len(before)))
        page.mouse.move(x, y)
        page.mouse.down()
        stage.feed(any_table(dice, rows), f"after-{number}")
        page.mouse.up()
        sent = stage.sent()
        assert [command["alert_id"] for command in sent] in ([alert], []), f"seed {SEED}, reordering {number}"
        acted += len(sent)
    assert acted == REORDERINGS // 5


def test_an_order_that_changed_under_a_resting_pointer_is_not_pressed(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    x, y, _ = stage.feed_and_aim(rows[:6], "s1", 2)
    page.mouse.move(x, y)
    # The pointer has lain there for longer than the order is held.
    page.evaluate(
        "(() => { const now = performance.now.bind(performance); performance.now = () => now() + 21_000; })()"
    )
    stage.feed(rows[1:7], "s2")
    assert page.locator(".fs-row").nth(2).get_attribute("data-alert") == rows[3]["alert_id"], "the order was let go"
    page.evaluate("(() => { const now = performance.now; performance.now = () => now() + 1_000; })()")
    page.mouse.click(x, y)
    assert stage.sent() == []
    expect(page.locator(".fs-saying")).to_have_text("The order had just changed: look again, then press")
    page.mouse.move(x + 2, y)
    page.mouse.click(x + 2, y)
    assert [command["alert_id"] for command in stage.sent()] == [rows[3]["alert_id"]]


def test_a_tap_right_after_a_reordering_is_not_taken(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    stage = ActionTableStage(context.new_page(), ORIGIN)
    rows = pool()
    stage.feed(rows[:5], "s1")
    # The page's clock stands still: however slow this machine, the tap comes at once.
    stage.page.evaluate("(() => { const now = performance.now(); performance.now = () => now; })()")
    stage.feed(rows[1:6], "s2")
    stage.page.locator(".fs-main").first.tap()
    assert stage.sent() == []
    stage.settle()
    stage.page.locator(".fs-main").first.tap()
    assert [command["alert_id"] for command in stage.sent()] == [rows[1]["alert_id"]]
    context.close()


def test_the_order_waits_while_a_pointer_is_over_it_and_says_so(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    x, y, _ = stage.feed_and_aim(rows[:6], "s1", 3)
    page.mouse.move(x, y)
    changed = [row | {"available": 4_321} for row in rows[2:8]]
    stage.feed(changed, "s2")
    shown = [row.get_attribute("data-alert") for row in page.locator(".fs-row").all()]
    assert shown == [row["alert_id"] for row in rows[:6]]
    expect(page.locator(".fs-row").nth(3)).to_contain_text("4,321")
    expect(page.locator(".fs-gone")).to_have_count(2)
    expect(page.locator("caption")).to_contain_text("order held while you point")
    page.mouse.move(5, 700)
    shown = [row.get_attribute("data-alert") for row in page.locator(".fs-row").all()]
    assert shown == [row["alert_id"] for row in changed]
    expect(page.locator("caption")).not_to_contain_text("order held")


def test_a_double_click_is_one_command_and_no_undo_of_it(stage: ActionTableStage) -> None:
    stage.feed(pool()[:4], "s1")
    stage.settle()
    stage.page.locator(".fs-main").first.dblclick()
    assert [command["command"] for command in stage.sent()] == ["ack"]


def test_focus_stays_with_the_alert_through_100_reorderings(stage: ActionTableStage) -> None:
    dice, rows, page = random.Random(SEED), pool(), stage.page
    own = rows[0]
    stage.feed(rows[:8], "s0")
    page.locator(".fs-row").first.focus()
    page.evaluate("window.blurs = 0; document.querySelector('.fs-row').addEventListener('blur', () => window.blurs++)")
    for number in range(REORDERINGS // 5):
        table = [own, *dice.sample(rows[1:], dice.randrange(1, 9))]
        dice.shuffle(table)
        stage.feed(table, f"s{number}")
        focused, order = page.evaluate(
            "[document.activeElement, [...document.querySelectorAll('.fs-row')]].map("
            "(found) => (Array.isArray(found) ? found.map((tr) => tr.dataset.alert) : found.dataset.alert))"
        )
        assert focused == own["alert_id"], f"seed {SEED}, reordering {number}"
        assert order == [row["alert_id"] for row in table], f"seed {SEED}, reordering {number}"
    assert page.evaluate("window.blurs") == 0
    page.keyboard.press("a")
    assert [command["alert_id"] for command in stage.sent()] == [own["alert_id"]]


def test_a_table_that_is_put_up_anew_gives_the_keyboard_back_to_its_row(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    stage.feed(rows[:5], "s1")
    page.locator(".fs-row").nth(3).focus()
    stage.put_up_anew(rows[1:6], "s2")
    expect(page.locator(".fs-row:focus")).to_have_attribute("data-alert", rows[3]["alert_id"])
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(50)
    stage.put_up_anew(rows[1:6], "s3")
    expect(page.locator(".fs-row:focus")).to_have_count(0)  # it takes no keyboard that it did not have


def test_everything_can_be_done_by_keyboard(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    stage.feed([rows[0], rows[1] | {"state": "acknowledged", "owner": "Bilal"}, *rows[2:5]], "s1")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    focused = page.locator(".fs-row:focus")
    expect(focused).to_have_attribute("data-alert", rows[1]["alert_id"])
    page.keyboard.press("u")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    page.keyboard.press("End")
    page.keyboard.press("z")
    page.keyboard.press("Enter")
    page.keyboard.press("k")
    page.keyboard.press("t")
    page.keyboard.type("25")
    page.keyboard.press("Enter")
    sent = [(command["alert_id"], command["command"], command["minutes"]) for command in stage.sent()]
    assert sent == [
        (rows[1]["alert_id"], "undo", None),
        (rows[2]["alert_id"], "ack", None),
        (rows[4]["alert_id"], "snooze", 10),
        (rows[3]["alert_id"], "in_transit", 25),
    ]
    key = f"{rows[2]['product_id']}:{rows[2]['warehouse_id']}"
    assert page.evaluate("window.opened") == [{"key": key, "snapshot_id": "s1"}]
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("acknowledge")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(focused).to_have_attribute("data-alert", rows[3]["alert_id"])


def test_an_assignment_can_be_undone_by_key_and_in_the_form(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    stage.feed([rows[0] | {"owner": "Bilal"}, rows[1]], "s1")
    first = page.locator(".fs-row").first
    expect(first.locator(".fs-main")).to_have_text("Ack")
    first.focus()
    page.keyboard.press("u")
    stage.settle()
    assert [(command["command"], command["alert_id"]) for command in stage.sent()] == [("undo", rows[0]["alert_id"])]
    page.keyboard.press("s")
    page.locator("dialog .fs-undo").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert [(command["command"], command["alert_id"]) for command in stage.sent()] == [("undo", rows[0]["alert_id"])]
    page.keyboard.press("j")
    page.keyboard.press("u")
    assert stage.sent() == []
    expect(page.locator(".fs-saying")).to_contain_text("nothing to undo")


def test_a_table_that_is_only_read_has_no_controls(stage: ActionTableStage) -> None:
    page = stage.page
    stage.feed(pool()[:4], "s1", acts=False)
    expect(page.locator(".fs-row")).to_have_count(4)
    expect(page.locator(":is(.fs-button, .fs-who, .fs-keys):visible")).to_have_count(0)
    for key in ("j", "a", "s", "?"):
        page.keyboard.press(key)
    page.locator(".fs-open").first.click()
    expect(page.locator("dialog")).to_have_count(0)
    assert stage.sent() == page.evaluate("window.opened") == []


def test_the_first_press_asks_for_a_name_once(page: Page) -> None:
    stage = ActionTableStage(page, ORIGIN, name="")
    stage.feed(pool()[:3], "s1")
    stage.settle()
    page.locator(".fs-main").first.click()
    expect(page.locator("dialog")).to_be_visible()
    assert stage.sent() == []
    page.keyboard.type("Hamza")
    page.keyboard.press("Enter")
    page.locator(".fs-main").nth(1).click()
    assert [command["by"] for command in stage.sent()] == ["Hamza", "Hamza"]
    expect(page.locator(".fs-who")).to_have_text("acting as Hamza")


def test_a_row_without_an_alert_has_no_buttons_and_says_why(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    stage.feed([rows[0] | {"alert_id": None, "state": None, "raised_at": None}, rows[1]], "s1")
    first = page.locator(".fs-row").first
    expect(first.locator(".fs-button:visible")).to_have_count(0)
    expect(first.locator(".fs-none")).to_have_attribute("title", "No alert yet: it is raised after a second bad minute")
    first.focus()
    page.keyboard.press("a")
    assert stage.sent() == []
    expect(page.locator(".fs-saying")).to_contain_text("No alert yet")


def test_an_open_form_keeps_its_row_and_what_was_typed_through_refreshes(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    stage.feed(rows[:5], "s1")
    page.locator(".fs-row").nth(2).focus()
    page.keyboard.press("s")
    page.keyboard.type("Bilal")
    for number in range(20):
        stage.feed(random.Random(number).sample([row for row in rows if row is not rows[2]], 6), f"s{number}")
    expect(page.locator("dialog input[name=owner]")).to_have_value("Bilal")
    expect(page.locator("dialog input[name=owner]")).to_be_focused()
    page.keyboard.press("Enter")
    (command,) = stage.sent()
    assert (command["alert_id"], command["owner"], command["snapshot_id"]) == (rows[2]["alert_id"], "Bilal", "s1")


def test_a_failed_command_stays_at_its_row_and_is_the_same_command_when_tried_again(stage: ActionTableStage) -> None:
    rows, page = pool(), stage.page
    stage.feed(rows[:3], "s1")
    stage.settle()
    page.locator(".fs-main").first.click()
    (first,) = page.evaluate("window.sent.splice(0)")
    failed = {first["command_id"]: {"attempt": 1, "error": "Not sent: Redis does not answer."}}
    stage.feed(rows[:3], "s1", outcomes=failed)
    expect(page.locator(".fs-row").first.locator(".fs-trouble")).to_have_text("Not sent: Redis does not answer.")
    page.locator(".fs-again:visible").click()
    (again,) = stage.sent()
    assert again == first | {"attempt": 2}
