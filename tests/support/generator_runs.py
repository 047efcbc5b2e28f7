"""Run the generator on a sale, in this process or as one of its own, and compare what it left."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo.database import Database

from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, FACTS, INBOUND_SHIPMENTS, INGEST_LEDGER
from flashsale.settings import Settings
from flashsale.stores.mongo import Client
from generator.runner import SaleRunner
from generator.running.options import Batching, Pace, RunOptions

Documents = Database[dict[str, Any]]


def run_in_process(
    client: Client,
    settings: Settings,
    sale: SaleRun,
    max_ticks: int | None,
    *,
    pace: Pace = "clock",
    workers: int = 1,
    batching: Batching | None = None,
) -> None:
    options = RunOptions(pace, workers, max_ticks, batching or Batching())
    SaleRunner(client, sale, settings, threading.Event(), options).run()


def environment(settings: Settings) -> dict[str, str]:
    """Variables with which a command finds the test's services."""
    found = {
        **os.environ,
        "FLASHSALE_HOME": str(settings.home),
        "FLASHSALE_SECRETS_DIR": str(settings.secrets_dir or settings.home / "secrets"),
        "FLASHSALE_MONGO_HOST": settings.mongo_host,
        "FLASHSALE_MONGO_PORT": str(settings.mongo_port),
        "FLASHSALE_SALE": str(settings.sale),
        "FLASHSALE_DISK_SLOW_GB": str(settings.disk_slow_gb),
        "FLASHSALE_DISK_PAUSE_GB": str(settings.disk_pause_gb),
    }
    if settings.heartbeat_file is not None:
        found["FLASHSALE_HEARTBEAT_FILE"] = str(settings.heartbeat_file)
    return found


def start_generator(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "generator.cli", "run", *arguments],
        env=environment(settings),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def digest(database: Documents) -> dict[str, str]:
    """SHA-256 over all facts by id, per table; and over the shipments."""
    return {
        name: hashlib.sha256(b"".join(bson.encode(d) for d in database[name].find().sort("_id", 1))).hexdigest()
        for name in (*(table.name for table in FACTS), INBOUND_SHIPMENTS.name)
    }


def ledger(database: Documents) -> list[dict[str, Any]]:
    return list(database[INGEST_LEDGER].find().sort("_id", 1))


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Until `condition` holds, which it must before `process` ends."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain"
        time.sleep(0.05)


def wait_for_tick(database: Documents, tick: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        if any(c["tick"] >= tick for c in database[CHECKPOINTS].find({}, {"tick": 1})):
            return
        time.sleep(0.005)
    pytest.fail(f"tick {tick} was not reached within 60 s")
