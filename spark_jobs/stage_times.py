"""Where a run's time went: a stopwatch whose laps have names, and their one line in logs and health keys."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flashsale.minutes import iso, parse_iso, utc_now

_LINE = re.compile(r"began (?P<began>\S+Z): (?P<stages>[a-z_]+ \d+\.\d{3} s(?:, [a-z_]+ \d+\.\d{3} s)*)")
_NAME = re.compile(r"[a-z_]+")


@dataclass(slots=True)
class StageTimes:
    """Seconds per stage, in the order in which the stages first ended; together they are all time since `began`.

    ``stages = StageTimes.start()``, then ``stages.mark("watermark")`` where that stage ends.
    A stage that is marked again adds up.
    """

    began: datetime
    seconds: dict[str, float] = field(default_factory=dict)
    _clock: Callable[[], float] = time.monotonic
    _last: float = 0.0

    @classmethod
    def start(cls, clock: Callable[[], float] = time.monotonic) -> "StageTimes":
        """Begin now; `clock` tells seconds and never goes back."""
        return cls(utc_now(), {}, clock, clock())

    def mark(self, name: str) -> None:
        """The time since the mark before (or the start) was stage `name`; raises ValueError for a name not of a-z_."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"stage {name!r}: a name has the letters a-z and _ alone")
        now = self._clock()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now

    def line(self) -> str:
        """``began 2026-11-11T09:01:00.512Z: watermark 0.104 s, spark 1.402 s``; `read_stages` reads it."""
        return stages_line(self.began, self.seconds)


@dataclass(frozen=True, slots=True)
class Stages:
    """What a run's line told: when it began, and seconds per stage in order."""

    began: datetime
    seconds: Mapping[str, float]


def stages_line(began: datetime, seconds: Mapping[str, float]) -> str:
    """The canonical line; raises ValueError without a stage."""
    if not seconds:
        raise ValueError("no stage has ended yet")
    return f"began {iso(began)}: " + ", ".join(f"{name} {value:.3f} s" for name, value in seconds.items())


def read_stages(text: str) -> Stages | None:
    """The stages told anywhere in `text`, such as a run's report; None when it tells none."""
    match = _LINE.search(text)
    if match is None:
        return None
    laps = (lap.split(" ") for lap in match["stages"].split(", "))
    return Stages(parse_iso(match["began"]), {name: float(value) for name, value, _ in laps})
