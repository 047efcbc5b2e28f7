"""A benchmark ends by itself, and leaves nothing running."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flashsale.errors import FlashsaleError


@contextmanager
def bounded(what: str, seconds: int) -> Iterator[None]:
    """Turn too long a time, and SIGTERM, into an error that lets services and processes be ended."""

    def stop(number: int, _: FrameType | None) -> None:
        # Stopping must not be interrupted in its turn.
        signal.alarm(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        why = f"took more than {seconds} s" if number == signal.SIGALRM else "was told to stop"
        raise FlashsaleError(f"{what} {why}; its services are stopped")

    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
