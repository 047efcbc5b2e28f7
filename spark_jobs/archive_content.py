"""What an archive batch holds, as numbers that two readers of the same rows agree on, in whatever order they come.

A `Seal` is taken from MongoDB before a byte is copied, and again from the file that was read back.
"""

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from flashsale.schema import KPI_HISTORY, ORDERS, QUARANTINE_OF, ROLLUP_PW, Table
from spark_jobs.pair_columns import table_digest

Words = NDArray[np.uint64]
_BATCH_ROWS = 100_000
_WORD = 2**64


@dataclass(frozen=True, slots=True)
class Seal:
    """Content of a batch: its rows, SHA-256 over the sorted ids, two sums, and a mark of every cell.

    `quantity` and `value` sum what `summed_fields` names; `content` (hex) is the sum modulo 2^64 of a 64-bit
    mix of each row, so that a single wrong cell changes it and the order of the rows does not.
    """

    rows: int
    id_digest: str
    quantity: int
    value: int
    content: str = ""


def summed_fields(table: Table) -> tuple[str, str]:
    """The two fields a seal sums; of a rollup those of its pairs, and none where a table has no quantities."""
    if table.name in (ORDERS.name,):
        return ("order_qty", "order_value")
    if table.name == ROLLUP_PW:
        return ("units", "value")
    if table.name in (KPI_HISTORY, *QUARANTINE_OF.values()):
        return ("", "")
    return ("inventory_on_hand", "reserved_stock")


def seal_of_batches(table: Table, batches: Iterable[pa.RecordBatch]) -> Seal:
    """Seal of rows in the table's own columns, in any order and in any pieces."""
    taken = _Taken(table)
    for batch in batches:
        taken.add(batch)
    return taken.seal()


def seal_of_file(table: Table, path: str) -> Seal:
    """Seal of a Parquet file's rows; every column is read."""
    with pq.ParquetFile(path) as file:
        names = [field.name for field in table.fields]
        return seal_of_batches(table, file.iter_batches(_BATCH_ROWS, columns=names))


class _Taken:
    """The running sums of a seal; of the rows themselves only the ids are kept."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sums = summed_fields(table)
        # One growing block: millions of ids in a list of pieces would have to be held twice to be sorted.
        self._ids = array("q")
        self._texts: list[str] = []
        self._rows = self._quantity = self._value = self._content = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._rows += batch.num_rows
        self._quantity += _total(batch, self._sums[0])
        self._value += _total(batch, self._sums[1])
        self._content = (self._content + int(_mixed(self._table, batch).sum(dtype=np.uint64))) % _WORD
        keys = batch.column(self._table.key)
        if pa.types.is_string(keys.type):
            self._texts += keys.to_pylist()
        else:
            self._ids.frombytes(np.ascontiguousarray(_words(keys), np.int64).view(np.uint8).data)

    def seal(self) -> Seal:
        if self._texts:
            digest = hashlib.sha256("".join(sorted(self._texts)).encode()).hexdigest()
        else:
            ids = np.frombuffer(self._ids, np.int64)
            ids.sort()
            digest = hashlib.sha256(ids.astype("<i8", copy=False).data).hexdigest()
        return Seal(self._rows, digest, self._quantity, self._value, f"{self._content:016x}")


def _total(batch: pa.RecordBatch, name: str) -> int:
    if not name:
        return 0
    column = batch.column(name) if name in batch.schema.names else batch.column("pairs").flatten().field(name)
    return int(pc.sum(column.cast(pa.int64())).as_py() or 0)


def _mixed(table: Table, batch: pa.RecordBatch) -> Words:
    """(N,) one word a row, made of all its cells: the finaliser of SplitMix64 (Steele, Lea & Flood 2014), chained."""
    row = np.zeros(batch.num_rows, np.uint64)
    for field in table.fields:
        row = _finalised(row + np.uint64(0x9E3779B97F4A7C15) + _words(batch.column(field.name)).view(np.uint64))
    return row


def _finalised(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = words ^ (words >> np.uint64(31))
    return mixed


def _words(column: pa.Array) -> NDArray[np.int64]:
    """(N,) a column as words of 64 bits: numbers and times (epoch ms) themselves, everything else hashed."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ms", kind.tz)).cast(pa.int64())
    elif pa.types.is_floating(kind):
        words: NDArray[np.int64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False).view(np.int64)
        return words
    elif not pa.types.is_integer(kind):
        return np.array([_hashed(value) for value in column], np.int64)
    numbers: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _hashed(value: pa.Scalar) -> int:
    if pa.types.is_list(value.type):
        fields = value.values
        text = table_digest(pa.table(dict(zip([f.name for f in fields.type], fields.flatten(), strict=True))))
    else:
        text = str(value.as_py())
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:8], "little", signed=True)
