"""Take the README's picture from the running demo: `make pictures` while `make demo` runs."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Error, expect, sync_playwright

from embedded.config import HOST, load_config

PICTURES = Path(__file__).parent / "pictures"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


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
        try:
            page.goto(url)
            expect(page.locator(".fs-badge")).to_contain_text("LIVE", timeout=60_000)
            expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=30_000)
            page.wait_for_timeout(2_000)
        except (Error, AssertionError):
            sys.stderr.write(f"error: {url} shows no live figures; start `make demo` and wait for the first minute\n")
            return 1
        page.screenshot(path=PICTURES / "war-room.png")
        browser.close()
    sys.stdout.write(f"{PICTURES / 'war-room.png'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
