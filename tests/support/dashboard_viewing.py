"""What a viewer checks on the page; every check waits, for the page draws itself piece by piece."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.sync_api import Page, expect

from flashsale.minutes import floor_minute, utc_now

REFRESH_MS = 60_000
"""A refresh every 5 s, and time to load and draw charts for the first time on a very busy machine."""
# Also for the checks that name no time of their own: Playwright's 5 s are one refresh, without the drawing.
expect.set_options(timeout=REFRESH_MS)

_LAYOUT_MS = 500


def minute() -> datetime:
    """The nearest minute boundary: young enough to stay live through a slow first drawing."""
    return floor_minute(utc_now() + timedelta(seconds=30))


def badge(page: Page, state: str, timeout: float = REFRESH_MS) -> None:
    expect(page.locator(".fs-badge")).to_contain_text(state, timeout=timeout)


def shows_figures(page: Page, figures: list[str]) -> None:
    """Streamlit draws the badge first and the figures after it."""
    expect(page.locator(".fs-figure-value")).to_have_text(figures, use_inner_text=True)


def is_greyed(page: Page, key: str) -> None:
    expect(page.locator(f".st-key-{key}")).to_have_css("filter", re.compile("grayscale"))


def comes_to_fit(page: Page, fits: Callable[[Page], bool]) -> None:
    """`fits` holds once the charts have found their sizes: not earlier than half a second from now."""
    deadline = time.monotonic() + REFRESH_MS / 1000
    page.wait_for_timeout(_LAYOUT_MS)
    while not fits(page):
        assert time.monotonic() < deadline, f"{fits.__name__} does not hold at {page.viewport_size}"
        page.wait_for_timeout(_LAYOUT_MS)


def no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate(f"(m => m.scrollWidth <= m.clientWidth)({_MAIN})"))


def no_scroll_at_all(page: Page) -> bool:
    down = bool(page.evaluate(f"(m => m.scrollHeight <= m.clientHeight)({_MAIN})"))
    return down and no_sideways_scroll(page)


_MAIN = "document.querySelector('[data-testid=stMain]')"
