"""The rows of a published file of facts, read part by part; and the seal they have."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flashsale.schema import Table
from spark_jobs.archive_batch import make_seal, summed_fields

Ints = npt.NDArray[np.int64]
_ROWS = 100_000


@dataclass(frozen=True)
class FactColumns:
    """Of N facts `ids`, `event_ms` and `arrived_ms` (epoch ms), each (N,); and the two sums of a seal, if asked for."""

    ids: Ints
    event_ms: Ints
    arrived_ms: Ints
    sums: tuple[int, int] | None

    def seal(self) -> dict[str, int | str]:
        """What a seal says of them, by its names; without the sums if those were not read."""
        whole = asdict(make_seal(self.ids, *(self.sums or (0, 0))))
        return whole if self.sums else {name: whole[name] for name in ("rows", "id_digest")}


def read_columns(source: BinaryIO | str, table: Table, *, sums: bool) -> FactColumns:
    """Ids and times of a Parquet file of `table`; the two sums only if asked for, for they are two more columns."""
    summed = summed_fields(table)
    names = [table.key, table.event_time or "", "arrived_at", *(summed if sums else ())]
    parts = list(_parts(source, names))
    totals = (sum(part[3] for part in parts), sum(part[4] for part in parts)) if sums else None
    empty = [np.empty(0, np.int64)]
    ids, event_ms, arrived_ms = (np.concatenate(empty + [part[i] for part in parts]) for i in range(3))
    return FactColumns(ids, event_ms, arrived_ms, totals)


def _parts(source: BinaryIO | str, names: list[str]) -> Iterator[tuple[Ints, Ints, Ints, int, int]]:
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_ROWS, columns=names):
            columns = [batch.column(name) for name in names]
            quantity, value = (_total(column) for column in columns[3:]) if len(columns) > 3 else (0, 0)
            yield columns[0].to_numpy(zero_copy_only=False), _ms(columns[1]), _ms(columns[2]), quantity, value


def _ms(column: pa.Array) -> Ints:
    moments: Ints = column.cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return moments


def _total(column: pa.Array) -> int:
    return int(pc.sum(column.cast(pa.int64())).as_py() or 0)
