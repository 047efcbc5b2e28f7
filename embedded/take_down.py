"""`make down` and `make clean`."""

import os
import shutil
import signal
import time
from contextlib import suppress

from embedded.catalog import catalog
from embedded.config import StackConfig
from embedded.launch import running_services, stop_recorded
from embedded.run_records import supervisor_lock, supervisor_pid
from flashsale.errors import FlashsaleError

DOWN_SECONDS = 120.0
KEPT = "install"
"""Folder of ``.flashsale`` that holds the installer's own tools, which no start makes again."""


def down(config: StackConfig) -> int:
    """Stop the supervisor and everything it started, or what one that was killed left behind."""
    pid = supervisor_pid(config.run)
    if pid is not None:
        print(f"stopping the stack (pid {pid})", flush=True)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while supervisor_pid(config.run) is not None:
            if time.monotonic() > deadline:
                raise FlashsaleError(
                    f"the supervisor (pid {pid}) did not end within {DOWN_SECONDS:.0f} s; "
                    f"kill -9 {pid}, then `make down`"
                )
            time.sleep(0.2)
    if not config.secrets_dir.exists():
        print("nothing is running")
        return 0
    with supervisor_lock(config.run):
        left = stop_recorded(config, catalog(config))
    if left:
        print(f"stopped what an earlier run had left: {', '.join(left)}")
    elif pid is None:
        print("nothing is running")
    else:
        print("everything stopped")
    return 0


def clean(config: StackConfig) -> int:
    """Remove data, logs, secrets and run files; keeps what `make install` made."""
    if not config.home.exists():
        print(f"{config.home} does not exist; nothing to remove")
        return 0
    with supervisor_lock(config.run):
        running = running_services(config)
        if running:
            raise FlashsaleError(f"still running: {', '.join(running)}; `make down` stops them")
        for entry in config.home.iterdir():
            if entry.name == KEPT:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    print(f"removed data, logs and secrets in {config.home}; kept the installed environment (.venv, jars, {KEPT}/)")
    return 0
