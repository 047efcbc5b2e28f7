"""Per-(product, warehouse) columns of one minute, as int64 numpy arrays sorted by pair.

A null is -1: every quantity here is non-negative.  Arrow with real nulls is what is
stored and what Spark sees; numpy is what carrying forward needs.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NULL = -1
_SHIFT = 32


def pair_key(product_id: Ints, warehouse_id: Ints) -> Ints:
    """One sortable integer per (product, warehouse); ids are below 2**31."""
    return (product_id.astype(np.int64) << _SHIFT) | warehouse_id.astype(np.int64)


def warehouse_of(pair: Ints) -> Ints:
    """The warehouse_id of each `pair_key`."""
    return pair & ((1 << _SHIFT) - 1)


@dataclass(frozen=True)
class PairColumns:
    """`pair` is sorted and unique; every column has its length."""

    pair: Ints
    columns: Mapping[str, Ints]

    def __getitem__(self, name: str) -> Ints:
        return self.columns[name]

    @property
    def product_id(self) -> Ints:
        return self.pair >> _SHIFT

    @property
    def warehouse_id(self) -> Ints:
        return warehouse_of(self.pair)

    def aligned(self, pairs: Ints, name: str, missing: int) -> Ints:
        """Column `name` at `pairs` (sorted), `missing` where this minute has no such pair."""
        out = np.full(len(pairs), missing, dtype=np.int64)
        if len(self.pair):
            at = np.minimum(np.searchsorted(self.pair, pairs), len(self.pair) - 1)
            found = self.pair[at] == pairs
            out[found] = self.columns[name][at[found]]
        return out

    def digest(self) -> str:
        """SHA-256 (hex) of the content, independent of how it is encoded."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        sha = hashlib.sha256(self.pair.tobytes())
        for name in sorted(self.columns):
            sha.update(name.encode() + self.columns[name].tobytes())
        return sha.hexdigest()

    def to_arrow(self) -> pa.Table:
        """product_id, warehouse_id and the columns, -1 as null."""
        arrays = {"product_id": self.product_id, "warehouse_id": self.warehouse_id, **self.columns}
        return pa.table({name: pa.array(values, mask=values == NULL) for name, values in arrays.items()})

    @classmethod
    def from_arrow(cls, table: pa.Table, names: Iterable[str]) -> "PairColumns":
        """Inverse of `to_arrow`; rows may come in any order."""
        pair = pair_key(int_column(table, "product_id"), int_column(table, "warehouse_id"))
        order = np.argsort(pair, kind="stable")
        return cls(pair[order], {name: int_column(table, name)[order] for name in names})

    @classmethod
    def empty(cls, names: Iterable[str]) -> "PairColumns":
        none = np.empty(0, dtype=np.int64)
        return cls(none, dict.fromkeys(names, none))


def int_column(table: pa.Table, name: str) -> Ints:
    """A column as int64, nulls as -1."""
    column = table.column(name).combine_chunks().cast(pa.int64())
    filled: Ints = column.fill_null(NULL).to_numpy(zero_copy_only=False)
    return filled


def union_of_pairs(parts: Iterable[Ints]) -> Ints:
    """Sorted distinct pairs of all `parts`."""
    arrays = [part for part in parts if len(part)]
    return np.unique(np.concatenate(arrays)) if arrays else np.empty(0, dtype=np.int64)


def table_digest(table: pa.Table) -> str:
    """SHA-256 (hex) of a numeric table's content in its row order, independent of encoding."""
    sha = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        zero = pa.scalar(0, column.type)
        sha.update(name.encode() + column.is_null().cast(pa.int8()).to_numpy(zero_copy_only=False).tobytes())
        sha.update(column.fill_null(zero).to_numpy(zero_copy_only=False).tobytes())
    return sha.hexdigest()


def encode(table: pa.Table) -> bytes:
    """Arrow IPC stream, zstd: what a MongoDB document holds."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def decode(data: bytes) -> pa.Table:
    """Inverse of `encode`."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_all()
