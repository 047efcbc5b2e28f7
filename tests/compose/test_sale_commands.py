"""Choosing, starting and stopping sales on the running stack, with the commands the README names."""

import json
import time
from pathlib import Path

import pytest

from flashsale.minutes import utc_now
from tests.compose.stack import ComposeStack, inside
from tests.support.scenarios import SMALL

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]


def _live(stack: ComposeStack) -> str:
    sale: str = json.loads(stack.one_off("sale", inside("count_orders")))["sale"]
    return sale


def _generator_is_well(stack: ComposeStack, seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stack.container("generator")["State"]["Health"]["Status"] == "healthy":
            return True
        time.sleep(1)
    return False


def test_sales_are_started_chosen_and_stopped_without_editing_a_file(stack: ComposeStack, tmp_path: Path) -> None:
    scenario = tmp_path / "small.toml"
    scenario.write_text(SMALL.replace("duration_minutes = 10", "duration_minutes = 60"))
    before = _live(stack)
    moment = utc_now()
    stack.run("make", "sale-start", f"SALE={scenario}")
    opened = _live(stack)
    assert opened.startswith("test_small_")
    assert f"* {opened}" in stack.run("make", "sale-list").stdout
    stack.wait_for_snapshot(moment, 180)
    assert stack.published()["sale_id"] == opened
    assert _generator_is_well(stack)

    stack.up()
    assert _live(stack) == opened, "a plain up goes on with the live sale"

    said = stack.run("make", "sale-stop").stdout
    assert opened in said
    deadline = time.monotonic() + 60
    while "ended" not in (listed := stack.run("make", "sale-list").stdout.split(opened)[1].splitlines()[0]):
        assert time.monotonic() < deadline, listed
        time.sleep(2)
    assert _generator_is_well(stack)

    stack.environment["SALE"] = "configs/sales/demo.toml"
    try:
        moment = utc_now()
        stack.up()
    finally:
        del stack.environment["SALE"]
    again = _live(stack)
    assert again.startswith("demo_")
    assert again != before
    stack.wait_for_snapshot(moment, 180)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sale-start"], "which sale?"),
        (["sale-start", "SALE=configs/sales/nowhere.toml"], "configs/sales/nowhere.toml"),
        (["sale-start", "SALE=configs/sales/demo.toml", "AT=2020-01-01T00:00Z"], "2020-01-01"),
        (["sale-start", "SALE=configs/sales/demo.toml", "AT=soon"], "soon"),
    ],
)
def test_wrong_wishes_get_one_line_and_change_nothing(stack: ComposeStack, arguments: list[str], words: str) -> None:
    before = _live(stack)
    tried = stack.run("make", *arguments, check=False)
    assert tried.returncode != 0
    assert words in tried.stderr
    assert "Traceback" not in tried.stderr + tried.stdout
    assert _live(stack) == before


def test_broken_scenario_names_file_and_key(stack: ComposeStack, tmp_path: Path) -> None:
    scenario = tmp_path / "broken.toml"
    scenario.write_text(SMALL.replace("duration_minutes = 10", "duration_minutes = 0"))
    before = _live(stack)
    tried = stack.run("make", "sale-start", f"SALE={scenario}", check=False)
    assert tried.returncode != 0
    assert "broken.toml" in tried.stderr
    assert "duration_minutes" in tried.stderr
    assert _live(stack) == before
