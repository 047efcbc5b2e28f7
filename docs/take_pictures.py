"""Take the pictures of README and docs from the running demo: `make pictures` while `make demo` runs.

One picture per view.  The forecast's record and the past need a sale of about twenty minutes to show anything.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Error, Page, expect, sync_playwright

from embedded.config import HOST, load_config

PICTURES = Path(__file__).parent / "pictures"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
LIVE_MS = 60_000
SLIDES_MS = 90_000
"""Until every slide of the wall has had its turn."""


def main() -> int:
    """Exit code 1 with one line when the page does not show live figures."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        sys.stderr.write("error: no Chromium on the PATH; run `make install-tests`\n")
        return 1
    url = f"http://{HOST}:{load_config().ports.dashboard}"
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        for view, (ready, picture) in VIEWS.items():
            try:
                page.goto(f"{url}/?view={view}")
                expect(page.locator(".fs-badge")).to_contain_text("LIVE", timeout=LIVE_MS)
                ready(page)
                page.wait_for_timeout(2_000)
            except (Error, AssertionError):
                sys.stderr.write(f"error: {url}: no live figures in {view}; start `make demo` and wait for minutes\n")
                return 1
            page.screenshot(path=PICTURES / picture)
            sys.stdout.write(f"{PICTURES / picture}\n")
        browser.close()
    return 0


def _charts(count: int) -> Callable[[Page], None]:
    def ready(page: Page) -> None:
        expect(page.locator(".js-plotly-plot")).to_have_count(count, timeout=LIVE_MS)

    return ready


def _table_on_the_wall(page: Page) -> None:
    expect(page.locator(".st-key-wall_1")).to_be_visible(timeout=SLIDES_MS)


def _past_read(page: Page) -> None:
    expect(page.locator(".st-key-as_of")).not_to_contain_text("still being read", timeout=LIVE_MS)
    expect(page.locator(".js-plotly-plot")).to_have_count(1, timeout=LIVE_MS)


def _parts(page: Page) -> None:
    expect(page.locator(".st-key-versions td")).not_to_have_count(0, timeout=LIVE_MS)


VIEWS: dict[str, tuple[Callable[[Page], None], str]] = {
    "war-room": (_charts(3), "war-room.png"),
    "wall": (_table_on_the_wall, "wall.png"),
    "forecast-quality": (_charts(2), "forecast-quality.png"),
    "after-action": (_past_read, "after-action.png"),
    "system": (_parts, "system.png"),
}

if __name__ == "__main__":
    sys.exit(main())
