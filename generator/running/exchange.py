"""How the shards learn each other's aggregates: the only thing that couples them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from generator.running.conductor import Conductor
from generator.running.parcels import AckedTicks, Acknowledged
from generator.shard_state import Aggregate, Totals


@dataclass(frozen=True, slots=True)
class Go:
    """A tick may be simulated, with these totals of the tick before; `slow`: the store asks for rests."""

    totals: Totals
    slow: bool


class Exchange(Protocol):
    """What a worker needs from outside."""

    def begin(self, saved: int, acked: AckedTicks) -> int:
        """The first tick to simulate, the same for all workers.

        `saved`: the least tick this worker has a state of; `acked`: of its shards.
        """

    def totals(self, tick: int, aggregates: Mapping[int, Aggregate]) -> Go | None:
        """Wait until `tick` may begin; None: there is none any more.

        `aggregates` are those of this worker's shards at the end of the tick before.
        """

    def acknowledged(self, report: Acknowledged) -> None:
        """Tell what is stored; called from the writing thread."""

    def idle(self) -> None:
        """Called a few times a second while the worker waits for the store."""


class LocalExchange:
    """One worker has all shards; it asks the conductor itself."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def begin(self, saved: int, acked: AckedTicks) -> int:
        self._conductor.begin(acked)
        return saved + 1

    def totals(self, tick: int, aggregates: Mapping[int, Aggregate]) -> Go | None:
        if not self._conductor.wait_for(tick):
            return None
        return Go(totals_of(aggregates), self._conductor.slow)

    def acknowledged(self, report: Acknowledged) -> None:
        self._conductor.acknowledged(report)

    def idle(self) -> None:
        self._conductor.idle()


def totals_of(aggregates: Mapping[int, Aggregate]) -> Totals:
    """In ascending order of the shards: floats do not commute."""
    return Totals.of(aggregates[shard] for shard in sorted(aggregates))
