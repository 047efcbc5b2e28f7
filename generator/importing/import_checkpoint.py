"""Resume point of an import: the last stored second, its counts, and of which content it is."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo.database import Database

from flashsale.errors import FlashsaleError
from flashsale.minutes import floor_minute
from flashsale.sale_run import SaleRun
from flashsale.stores.ingest import LedgerEntry, put_checkpoint, read_checkpoint
from flashsale.stores.mongo import Document

SHARD = 0
"""Imported orders come through one door, in order of time."""


def load_import(database: Database[Document], sale: SaleRun, content: str) -> tuple[int, LedgerEntry]:
    """(last stored tick, ledger counts of its minute) of the import of `content`; (-1, zeros) before the first.

    Raises FlashsaleError when the sale was imported from something else.
    """
    document = read_checkpoint(database, SHARD)
    state: Mapping[str, Any] = (document or {}).get("state") or {}
    if document is None or "content" not in state:
        return -1, LedgerEntry(floor_minute(sale.sale_start), SHARD)
    if state["content"] != content:
        raise FlashsaleError(
            f"sale {sale.sale_id} was imported from another file or mapping; change `name` in the mapping"
        )
    return document["tick"], LedgerEntry(**state["ledger"])


def save_import(
    database: Database[Document], acked_through: datetime, tick: int, ledger: LedgerEntry, content: str
) -> None:
    """Say that everything up to `tick` is stored, and that all that arrives before `acked_through` is."""
    put_checkpoint(database, SHARD, acked_through, tick, {"ledger": asdict(ledger), "content": content})
