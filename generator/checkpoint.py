"""Resume points: how far a shard is acknowledged, and a state of its simulation then or a little earlier.

The first moves with every write, the second is large and saved now and then: whoever resumes
simulates the ticks between them once more, without writing them.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from bson.binary import Binary
from pymongo.database import Database

from flashsale.minutes import floor_minute
from flashsale.stores.ingest import LedgerEntry, move_checkpoint, put_checkpoint, put_state, read_checkpoint
from flashsale.stores.mongo import Document
from generator.shard_state import ShardState
from generator.simulation import opening_state
from generator.state_bytes import from_bytes, to_bytes
from generator.world import World

SIMULATION = "simulation"
LEDGER = "ledger"


class ResumePoint(NamedTuple):
    """Facts are acknowledged up to `tick` (-1: none), counted in `ledger`; `state` is of `tick` or before."""

    state: ShardState
    tick: int
    ledger: LedgerEntry


def load_checkpoint(database: Database[Document], world: World, sale_start: datetime) -> ResumePoint:
    """Where to go on; the opening before the first tick.

    Raises FlashsaleError when the checkpoint is another scenario's.
    """
    document = read_checkpoint(database, world.shard)
    if document is None:
        return ResumePoint(opening_state(world), -1, LedgerEntry(floor_minute(sale_start), world.shard))
    saved = document["state"]
    state = from_bytes(saved[SIMULATION], world) if SIMULATION in saved else opening_state(world)
    return ResumePoint(state, document["tick"], LedgerEntry(**saved[LEDGER]))


def save_checkpoint(
    database: Database[Document], world: World, acked_through: datetime, state: ShardState, ledger: LedgerEntry
) -> None:
    """Say that everything of the shard that arrived before `acked_through` is acknowledged, with its state."""
    saved: dict[str, Any] = {LEDGER: asdict(ledger), SIMULATION: Binary(to_bytes(state))}
    put_checkpoint(database, world.shard, acked_through, state.tick, saved)


def advance_checkpoint(
    database: Database[Document],
    shard: int,
    acked_through: datetime,
    tick: int,
    ledger: LedgerEntry,
    simulation: bytes | None,
) -> None:
    """The same; the saved state stays what it is unless `simulation`, one of a tick up to `tick`, replaces it."""
    parts: dict[str, Any] = {LEDGER: asdict(ledger)}
    if simulation is not None:
        parts[SIMULATION] = Binary(simulation)
    move_checkpoint(database, shard, acked_through, tick, parts)


def save_state(database: Database[Document], shard: int, simulation: bytes) -> None:
    """Replace the saved state of a shard that has a checkpoint."""
    put_state(database, shard, {SIMULATION: Binary(simulation)})
