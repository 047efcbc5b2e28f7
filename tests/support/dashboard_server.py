"""The page as it is really served, and a real browser to look at it."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from flashsale.settings import ENV_PREFIX, Settings
from tests.support.dashboard_redis import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class DashboardServer:
    """`streamlit run dashboard/app.py` on a free port, started from another folder than the project's."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = folder / "streamlit.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith((ENV_PREFIX, "STREAMLIT_"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment |= {
            "PYTHONPATH": str(ROOT),
            f"{ENV_PREFIX}REDIS_PORT": str(self._settings.redis_port),
            f"{ENV_PREFIX}SECRETS_DIR": str(self._settings.secrets_dir),
        }
        app = str(ROOT / "dashboard/app.py")
        command = [sys.executable, "-m", "streamlit", "run", app, "--server.port", str(self._port)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=environment, cwd=self.log.parent, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Streamlit did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()
