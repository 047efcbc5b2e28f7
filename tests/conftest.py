"""Fixtures of every kind of test; services start only when a test asks for them."""

import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_ROOT = Path(__file__).parent.parent


@cache
def _needs_spark(path: Path) -> bool:
    return "spark_services" in path.read_text(encoding="utf-8")


class _OneSparkServer(LoadScopeScheduling):
    """A file stays with one worker, as do the services it shares; all files that need Spark stay with the same one.

    A Spark server takes longest to start, and is slow until its code is compiled.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = nodeid.split("::", 1)[0]
        return "spark" if _needs_spark(_ROOT / file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _OneSparkServer(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: Spark, and the minutes by the clock."""

    def turn(path: Path) -> int:
        return 0 if _needs_spark(path) else 1 if path.parent.name == "e2e" else 2

    items.sort(key=lambda item: turn(item.path))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A command run inside a test sets up the root logger of the whole test process.

    Its handler writes to the stderr that this test captured and that is closed afterwards: the next test in
    the process that logs anything would find a complaint about that in its own stderr.
    """
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    # Exactly what `configure_logging` installs; pytest's own handlers are subclasses.
    root.handlers[:] = [handler for handler in root.handlers if type(handler) is not logging.StreamHandler]
