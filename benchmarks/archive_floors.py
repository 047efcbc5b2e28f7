"""The least that archiving rows can cost: take them over from MongoDB, write them as Parquet, delete them by id."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pymongo.database import Database

from flashsale.schema import ORDERS
from flashsale.stores.mongo import Document
from spark_jobs.archive_rows import ArchiveRows
from spark_jobs.archive_steps import DELETE_CHUNK
from spark_jobs.sweep import FactSweep

_FACTS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Floors:
    """Seconds a row, each one measured alone over the same rows."""

    drain: float
    write: float
    delete: float

    @property
    def total(self) -> float:
        return self.drain + self.write + self.delete

    def mean(self, other: "Floors") -> "Floors":
        """The floors between two measurements, before and after what is compared with them."""
        pairs = ((self.drain, other.drain), (self.write, other.write), (self.delete, other.delete))
        return Floors(*((one + two) / 2 for one, two in pairs))


def measure_floors(database: Database[Document], sweep: FactSweep, start: datetime, end: datetime) -> Floors:
    """Floors over the orders of ``[start, end)``, which are gone afterwards.

    The drain takes raw answers and does nothing with them; the rows that are written are sorted and in memory;
    the ids that are deleted are known and in the order of their index, as many at a time as the archive deletes.
    """
    collection = database[ORDERS.name]
    query = {ORDERS.event_time or "": {"$gte": start, "$lt": end}}

    def drain() -> None:
        answers: Any = collection.find_raw_batches(query, batch_size=_FACTS_AT_ONCE)
        for _ in answers:
            pass

    drained = _seconds(drain)
    rows = ArchiveRows(database, sweep.rules, lambda _: None)
    order = [(name, "ascending") for name in ("product_id", "warehouse_id", "order_ts")]
    table = pa.Table.from_batches(rows.batches(ORDERS, start, end)).sort_by(order).combine_chunks()
    with tempfile.TemporaryDirectory(prefix="flashsale-bench-") as folder:
        written = _seconds(lambda: pq.write_table(table, Path(folder) / "floor.parquet", compression="zstd"))
    ids = sorted(table[ORDERS.key].to_pylist())

    def delete() -> None:
        for first in range(0, len(ids), DELETE_CHUNK):
            collection.delete_many({"_id": {"$in": ids[first : first + DELETE_CHUNK]}})

    deleted = _seconds(delete)
    count = len(ids)
    return Floors(drained / count, written / count, deleted / count)


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
