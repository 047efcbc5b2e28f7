"""What the stack needs to know of a service: how it starts, when it answers, how it stops."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flashsale.errors import FlashsaleError


class NotAnsweringError(FlashsaleError):
    """A service did not answer a request of its own protocol; the text says what happened instead."""


def _nothing() -> None:
    return None


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Step:
    """A command that must succeed before the service itself starts; skipped unless `needed`."""

    name: str
    argv: tuple[str, ...]
    needed: Callable[[], bool] = _always


@dataclass(frozen=True)
class PortUse:
    """A port the service listens on, and the environment variable that moves it."""

    number: int
    variable: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process (or, with `one_shot`, one command that must exit with 0).

    A one-shot runs only when `needed`, and `done` is called after it.
    `bring_up` is called until it succeeds after each start: it makes the first request,
    and does once what a fresh server needs.  `probe` makes one request and changes nothing;
    both raise NotAnsweringError.  `env` is all the service gets besides a bare PATH and locale.
    """

    name: str
    argv: tuple[str, ...]
    probe: Callable[[], None] = _nothing
    bring_up: Callable[[], None] | None = None
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = _nothing
    steps: tuple[Step, ...] = ()
    ports: tuple[PortUse, ...] = ()
    address: str = ""
    one_shot: bool = False
    needed: Callable[[], bool] = _always
    done: Callable[[], None] = _nothing
    start_seconds: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20.0
