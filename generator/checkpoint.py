"""Resume points: a shard's state and its ledger counts, saved together after each acknowledged tick."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from bson.binary import Binary
from pymongo.database import Database

from flashsale.minutes import floor_minute
from flashsale.stores.ingest import LedgerEntry, put_checkpoint, read_checkpoint
from flashsale.stores.mongo import Document
from generator.shard_state import ShardState
from generator.simulation import opening_state
from generator.state_bytes import from_bytes, to_bytes
from generator.world import World


def save_checkpoint(
    database: Database[Document], world: World, acked_through: datetime, state: ShardState, ledger: LedgerEntry
) -> None:
    """Say that everything of the shard that arrived before `acked_through` is acknowledged."""
    saved: dict[str, Any] = {"ledger": asdict(ledger), "simulation": Binary(to_bytes(state))}
    put_checkpoint(database, world.shard, acked_through, state.tick, saved)


def load_checkpoint(database: Database[Document], world: World, sale_start: datetime) -> tuple[ShardState, LedgerEntry]:
    """(state, ledger counts) to go on from; the opening before the first tick.

    Raises FlashsaleError when the checkpoint is another scenario's.
    """
    document = read_checkpoint(database, world.shard)
    if document is None:
        return opening_state(world), LedgerEntry(floor_minute(sale_start), world.shard)
    saved = document["state"]
    return from_bytes(saved["simulation"], world), LedgerEntry(**saved["ledger"])
