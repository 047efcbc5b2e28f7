"""Where facts go; `mongo_sink` and `parquet_sink` are the two there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from generator.running.parcels import Parcel
from generator.shard_state import ShardState, TickFacts
from generator.world import World


@dataclass(frozen=True, slots=True)
class Resume:
    """A shard to go on from: a state, and the last tick whose facts are stored (at or after the state's)."""

    state: ShardState
    tick: int


class Sink(Protocol):
    """Stores the facts of some shards; `keeps_states`: also their states, to go on from."""

    keeps_states: bool

    def resume(self, world: World) -> Resume:
        """Where the shard stands; called once for each, before anything else."""

    def pack(self, world: World, facts: TickFacts) -> Parcel:
        """Encode one tick."""

    def write(self, shard: int, parcels: Sequence[Parcel]) -> None:
        """Store consecutive ticks of a shard; when it returns they are acknowledged."""

    def finish(self, shard: int, state: ShardState) -> None:
        """After the run's last write: the shard's state, whose tick is stored."""
