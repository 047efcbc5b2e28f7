"""How a run was asked for."""

from dataclasses import dataclass, field
from typing import Literal

from generator.shard_state import RECENT_TICKS

Pace = Literal["clock", "max", "catch-up"]
"""A tick begins when its second is over; at once; at once until there is no second left that is over."""

MB = 1 << 20
QUEUE_TICKS = 120
LONGEST_SAVE_TICKS = 128
# A shard that was saved last may be that far ahead of one that was saved first, and still owes
# it the aggregate of the tick before.
assert QUEUE_TICKS + LONGEST_SAVE_TICKS < RECENT_TICKS


@dataclass(frozen=True, slots=True)
class Batching:
    """Bounds of what a worker holds between simulation and store, in bytes as encoded.

    `write_bytes`, `write_ticks`: of one shard, written at once; `queue_bytes`: all that is
    not acknowledged; `queue_ticks`: of one shard, not acknowledged.
    """

    write_bytes: int = 12 * MB
    write_ticks: int = QUEUE_TICKS
    queue_bytes: int = 40 * MB
    queue_ticks: int = QUEUE_TICKS


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`max_ticks` ends the run after so many ticks that were not acknowledged before."""

    pace: Pace = "clock"
    workers: int = 1
    max_ticks: int | None = None
    batching: Batching = field(default_factory=Batching)

    @property
    def patient(self) -> bool:
        """Whether facts may wait for company: no reader waits for the ones of a sale that is over."""
        return self.pace != "clock"

    @property
    def save_ticks(self) -> int:
        """Ticks from one saved state to the next: what a restart has to simulate again."""
        return 10 if self.pace == "clock" else 64
