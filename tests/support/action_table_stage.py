"""The action table's own JavaScript and styles in a real browser, without Streamlit around it.

What Streamlit would do is done by the test: data comes when it says so, and what the component sends is kept.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Page

from dashboard.action_table import action_table
from dashboard.frontend import ACTION_TABLE_JS, STYLES
from dashboard.names import Names
from flashsale.minutes import parse_iso
from tests.support.dashboard_samples import dimensions

NOON = parse_iso("2026-11-11T12:00:00Z")
_START = """async ([source, name]) => {
  localStorage.setItem("flashsale-name", name);
  const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const parentElement = document.getElementById("stage");
  window.sent = [];
  window.opened = [];
  window.feed = (data) => {
    window.snapshot = data.lines[0]?.snapshot_id;
    window.stop = module.default({
      data: { outcomes: {}, pending: {}, acts: true, ...data },
      parentElement,
      setStateValue: (name, value) => window.sent.push(...value.slice(-1)),
      setTriggerValue: (name, value) => window.opened.push(value),
    });
  };
  window.buttonAt = (place) => {
    const row = document.querySelectorAll(".fs-row")[place];
    const { x, y, width, height } = row.querySelector(".fs-main").getBoundingClientRect();
    return [x + width / 2, y + height / 2, row.dataset.alert];
  };
  // Past the moment in which a changed order makes presses void and a second press is the same press.
  window.settle = () => {
    document.querySelectorAll(".fs-row").forEach((tr) => (tr.placedAt_ = -1e6));
    window.fsActing.pressedAt.clear();
  };
}"""


class ActionTableStage:
    """The component in `page`, its viewer already known by name."""

    def __init__(self, page: Page, origin: str, name: str = "Sana") -> None:
        self.page = page
        # localStorage needs an origin: an empty document at one.
        page.route(f"{origin}/**", lambda route: route.fulfill(body=self._document(), content_type="text/html"))
        page.goto(f"{origin}/")
        page.evaluate(_START, [ACTION_TABLE_JS, name])

    def feed(self, rows: Sequence[dict[str, Any]], snapshot_id: str, **data: Any) -> None:
        """New data, as a refresh brings it: the rows of the part `actions` in their order."""
        self.page.evaluate("data => window.feed(data)", view(rows, snapshot_id) | data)

    def settle(self) -> None:
        """The rows have stood where they are for a while, and nothing was pressed just now."""
        self.page.evaluate("window.settle()")

    def feed_and_aim(self, rows: Sequence[dict[str, Any]], snapshot_id: str, place: int) -> tuple[float, float, str]:
        """New data that has stood for a while; where the first button of a row is, and the row's alert."""
        x, y, alert = self.page.evaluate(
            "([data, place]) => { window.feed(data); window.settle(); return window.buttonAt(place); }",
            [view(rows, snapshot_id), place],
        )
        return x, y, alert

    def put_up_anew(self, rows: Sequence[dict[str, Any]], snapshot_id: str) -> None:
        """Take the component out of the page and put it up again, as Streamlit does when its surroundings change."""
        self.page.evaluate(
            "() => { const root = document.querySelector('.fs-table-root'); const fresh = root.cloneNode(false);"
            " root.replaceWith(fresh); window.stop(); }"
        )
        self.feed(rows, snapshot_id)

    def sent(self) -> list[dict[str, Any]]:
        """The commands sent since the last call; the server has answered for them."""
        sent: list[dict[str, Any]] = self.page.evaluate(
            "(() => { const sent = window.sent; window.sent = []; window.fsActing.outbox.length = 0; return sent; })()"
        )
        return sent

    @staticmethod
    def _document() -> str:
        styles = STYLES.read_text(encoding="utf-8")
        return f'<!doctype html><style>{styles}</style><div id="stage"><div class="fs-table-root"></div></div>'


def view(rows: Sequence[dict[str, Any]], snapshot_id: str) -> dict[str, Any]:
    """What the page would hand to the component."""
    actions: Any = {"total": len(rows), "rows": list(rows)}
    table = action_table(actions, Names(dimensions()), "PKR", NOON, ZoneInfo("Asia/Karachi"), snapshot_id)
    lines = [asdict(line) for line in table.lines]
    found: dict[str, Any] = json.loads(json.dumps({"title": table.title, "more": table.more, "lines": lines}))
    return found
