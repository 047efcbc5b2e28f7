"""Fixtures of every kind of test; services start only when a test asks for them."""

import logging
from collections.abc import Iterator

import pytest


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
