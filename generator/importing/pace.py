"""When the seconds of an imported sale may be stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from generator.running.pacing import TICK, tick_end


class Pace(Protocol):
    """How many ticks of the sale may be stored at `now`, and when `tick` may."""

    def ticks_due(self, now: datetime) -> int: ...

    def seconds_until(self, tick: int, now: datetime) -> float: ...


class AtOnce:
    """As fast as the store takes them: the sale is over."""

    def ticks_due(self, now: datetime) -> int:  # noqa: ARG002 - it is never too early
        return 1 << 40

    def seconds_until(self, tick: int, now: datetime) -> float:  # noqa: ARG002
        return 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """`speed` seconds of the sale in one of the clock; both meet at its end.

    The sale's clock at `now` shows ``end - (end - now) * speed``, and never more than `now`: nothing is stored of what
    has not happened.
    """

    speed: float
    sale_start: datetime
    sale_end: datetime

    def ticks_due(self, now: datetime) -> int:
        left = max(self.sale_end - now, timedelta(0))
        return (self.sale_end - left * self.speed - self.sale_start) // TICK

    def seconds_until(self, tick: int, now: datetime) -> float:
        left = max(self.sale_end - tick_end(self.sale_start, tick), timedelta(0)) / self.speed
        return max((self.sale_end - left - now).total_seconds(), 0.0)


def start_of_replay(speed: float, now: datetime, length: timedelta) -> datetime:
    """Start of the sale of `length` whose replay begins at `now`: ``now - length * (1 - 1/speed)``, a whole second.

    Up to a second later, so that the replay of a live sale (`speed` 1) does not begin behind the clock.
    """
    start = now - length * (1 - 1 / speed)
    whole = start.replace(microsecond=0)
    return whole if whole == start else whole + TICK
