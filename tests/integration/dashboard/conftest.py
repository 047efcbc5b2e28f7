"""A real Redis with its users, a real Streamlit on it and a real browser: one of each per file of tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.dashboard_redis import DashboardRedis
from tests.support.dashboard_server import DashboardServer, chromium


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardRedis]:
    running = DashboardRedis(tmp_path_factory.mktemp("redis"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def server(store: DashboardRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardServer]:
    running = DashboardServer(tmp_path_factory.mktemp("page"), store.settings)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, store: DashboardRedis, server: DashboardServer) -> Iterator[Page]:
    """A viewer at an empty Redis; whatever happens, no traceback, no script error, no foreign request."""
    store.empty()
    viewer = browser.new_page(viewport={"width": 1920, "height": 1080})
    faults: list[str] = []
    viewer.on("pageerror", lambda error: faults.append(str(error)))
    viewer.on("dialog", lambda dialog: faults.append(f"dialog {dialog.message}"))
    viewer.on("request", lambda request: faults.append(request.url) if _foreign(request.url, server.url) else None)
    viewer.goto(server.url)
    yield viewer
    assert "Traceback" not in viewer.inner_text("body")
    assert viewer.locator("[data-testid=stException]").count() == 0
    viewer.close()
    assert faults == []


def _foreign(url: str, own: str) -> bool:
    return not url.startswith((own, "data:", "blob:"))
