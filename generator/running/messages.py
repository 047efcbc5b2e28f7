"""What the process that leads a run and its workers say to each other, over one pipe each.

The leader is the barrier: it collects the aggregates of a tick from all workers and answers
all of them, with the totals or with the end.  Nothing else goes from one worker to another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from generator.running.exchange import Go
from generator.running.parcels import AckedTicks, Acknowledged
from generator.shard_state import Aggregate


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker: my shards stand at these ticks; I have a state of `saved` or later of each."""

    saved: int
    acked: AckedTicks


@dataclass(frozen=True, slots=True)
class Begin:
    """Leader: the first tick of the run."""

    tick: int


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Worker: my shards are ready for `tick`."""

    tick: int
    of_shards: Mapping[int, Aggregate]


@dataclass(frozen=True, slots=True)
class Finish:
    """Leader: no tick begins any more; store what is there, and end; `at_once`: wait for no store that is away."""

    at_once: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Worker: a line for the log."""

    logger: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Worker: what ended me, in one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """Worker: all is stored."""


FromLeader = Begin | Go | Finish
FromWorker = Ready | Aggregates | Acknowledged | Said | Failed | Done
