"""Our own programs as services: open the sale, seed it, generate its facts, show it, tell of it."""

import os
import time
from pathlib import Path

from embedded.config import HOST, ROOT, StackConfig
from embedded.environment import bin_folder, settings_environment
from embedded.http_probe import get_text
from embedded.service import NotAnsweringError, PortUse, Service
from embedded.writer_age import WriterStart, check_writer
from flashsale.settings import ENV_PREFIX


def pipeline_services(config: StackConfig) -> tuple[Service, ...]:
    env = settings_environment(config)
    python = str(bin_folder() / "python")
    sale = Service(
        name="sale",
        # A scenario that somebody named is wanted now, also while a sale of another one is live.
        argv=(str(bin_folder() / "flashsale-sale"), "open", *(("--switch",) if "FLASHSALE_SALE" in os.environ else ())),
        env=env,
        needs=("mongo",),
        one_shot=True,
    )
    seed = Service(
        name="seed",
        argv=(python, "-m", "spark_jobs.seed_dimensions"),
        env=env,
        needs=("sale", "redis"),
        one_shot=True,
    )
    start = WriterStart(config)
    generator = Service(
        name="generator",
        argv=(str(bin_folder() / "flashsale-generate"), "run"),
        env=env,
        needs=("seed",),
        prepare=start.begin,
        bring_up=start.check,
        probe=lambda: check_writer(config),
        start_seconds=60,
    )
    port = config.ports.dashboard
    dashboard = Service(
        name="dashboard",
        argv=(
            *(python, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py")),
            *("--server.address", HOST, "--server.port", str(port), "--server.headless", "true"),
            *("--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"),
            *("--browser.serverAddress", "localhost"),
        ),
        env=env,
        needs=("seed",),
        probe=lambda: _check_page(port),
        ports=(PortUse(port, "FLASHSALE_PORT_DASHBOARD"),),
        address=f"http://{HOST}:{port}",
        start_seconds=60,
    )
    return sale, seed, generator, dashboard, notifier(config)


def notifier(config: StackConfig) -> Service:
    """Tells those who are not looking; targets stand in the secret file `notify_targets`."""
    heartbeat = config.run / "notifier.alive"

    def prepare() -> None:
        config.run.mkdir(parents=True, exist_ok=True)
        # One that an earlier process left proves nothing.
        heartbeat.unlink(missing_ok=True)

    return Service(
        name="notifier",
        argv=(str(bin_folder() / "flashsale-notify"), "run"),
        env={**settings_environment(config), f"{ENV_PREFIX}HEARTBEAT_FILE": str(heartbeat)},
        needs=("seed",),
        prepare=prepare,
        probe=lambda: check_notifier(config, heartbeat),
        start_seconds=60,
    )


def check_notifier(config: StackConfig, heartbeat: Path) -> None:
    """Raise NotAnsweringError unless it looked, and could write what it saw, a moment ago."""
    try:
        age = time.time() - heartbeat.stat().st_mtime
    except FileNotFoundError:
        raise NotAnsweringError("it has not looked yet") from None
    if age > 3 * config.settings.notify_look_seconds + 15:
        raise NotAnsweringError(f"its last look is {age:.0f} s old")


def _check_page(port: int) -> None:
    text = get_text(f"http://{HOST}:{port}/_stcore/health")
    if text.strip() != "ok":
        raise NotAnsweringError(f"the page says {text[:80]!r}")
