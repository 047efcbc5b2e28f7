"""Ids and times of a published file of facts, read part by part."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from flashsale.schema import Table

Ints = npt.NDArray[np.int64]
_ROWS = 100_000


@dataclass(frozen=True)
class FactColumns:
    """Of N facts `ids`, `event_ms` and `arrived_ms` (epoch ms), each (N,)."""

    ids: Ints
    event_ms: Ints
    arrived_ms: Ints

    def of_seal(self) -> dict[str, int | str]:
        """What a seal says of ids alone, by its names (`spark_jobs.archive_content.Seal`)."""
        ordered = np.sort(self.ids).astype("<i8", copy=False)
        return {"rows": len(ordered), "id_digest": hashlib.sha256(ordered.data).hexdigest()}


def read_columns(source: BinaryIO | str, table: Table) -> FactColumns:
    """Of a Parquet file of facts; no other column is fetched."""
    names = [table.key, table.event_time or "", "arrived_at"]
    parts: list[list[Ints]] = [[np.empty(0, np.int64)] for _ in names]
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_ROWS, columns=names):
            for part, name in zip(parts, names, strict=True):
                part.append(_numbers(batch.column(name)))
    ids, event_ms, arrived_ms = (np.concatenate(part) for part in parts)
    return FactColumns(ids, event_ms, arrived_ms)


def _numbers(column: pa.Array) -> Ints:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    numbers: Ints = column.to_numpy(zero_copy_only=False)
    return numbers
