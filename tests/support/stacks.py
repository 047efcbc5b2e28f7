"""Homes of the stacks that tests start; those of test runs that were killed are cleared away."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded.config import StackConfig, isolated_config
from embedded.processes import identify
from embedded.stack import Stack

_HOMES = Path(tempfile.gettempdir()) / f"flashsale-tests-{os.getuid()}"


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A short-lived folder that carries the pid of its test run."""
    _HOMES.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=_HOMES))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def clear_abandoned_homes() -> None:
    """Stop and remove the stacks of test runs that ended without doing it themselves."""
    _HOMES.mkdir(exist_ok=True)
    # One process at a time: another worker of this run would find a home that is half gone.
    with (_HOMES / "clearing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for home in _HOMES.glob("*-*"):
            owner = home.name.split("-")[0]
            if owner.isdigit() and identify(int(owner)) is None:
                Stack(isolated_config(home)).clear_leftovers()
                shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_stack(config: StackConfig, *names: str) -> Iterator[Stack]:
    """A stack with the named services (and what they need), ended with the block."""
    with Stack(config) as stack:
        stack.start(*names)
        yield stack
