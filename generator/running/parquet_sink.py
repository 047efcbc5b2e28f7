"""Facts into Parquet files, one for each table, shard and hour, without any MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import pyarrow as pa
from pyarrow import parquet

from flashsale.minutes import from_epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS, Table
from flashsale.settings import Settings
from generator.facts import tick_time_ms
from generator.running.parcels import Parcel
from generator.running.parquet_columns import schema_of, tick_columns
from generator.running.parquet_folder import UNFINISHED, ParquetFolder, file_errors, put_in_place
from generator.running.sinks import Resume
from generator.shard_state import ShardState, TickFacts
from generator.simulation import opening_state
from generator.world import World

GROUP_ROWS = 1 << 18
"""Rows of a group, divided among the shards: what one worker may have to hold of each file."""


class ParquetSink:
    """Writes the facts of some shards; always from the first tick on, and the same files every time.

    A file has its name once its hour is whole; what is left of an interrupted run goes.
    """

    keeps_states = False

    def __init__(self, folder: Path, sale: SaleRun, shards: int, settings: Settings) -> None:
        self._folder, self._sale = ParquetFolder(folder), sale
        self._group_rows = max(GROUP_ROWS // shards, 1 << 13)
        self._max_ahead_ms = settings.max_ahead_seconds * 1000
        self._hours: dict[int, _HourFiles] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for files in self._hours.values():
            files.discard()

    def resume(self, world: World) -> Resume:
        return Resume(opening_state(world), -1)

    def pack(self, world: World, facts: TickFacts) -> Parcel:
        arrived_ms = tick_time_ms(world.start_ms, facts.tick)
        columns = tick_columns(facts, arrived_ms, self._max_ahead_ms)
        orders, events = (columns[table.name] for table in FACTS)
        size = orders.nbytes + events.nbytes
        return Parcel(facts.tick, orders.num_rows, events.num_rows, size, (from_epoch_ms(arrived_ms), columns))

    def write(self, shard: int, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            arrived_at, columns = parcel.content
            hour = arrived_at.replace(minute=0, second=0, microsecond=0)
            files = self._hours.get(shard)
            if files is None or files.hour != hour:
                if files is not None:
                    files.close()
                files = self._hours[shard] = _HourFiles(self._folder, hour, shard, self._group_rows)
            files.add(columns)

    def finish(self, shard: int, state: ShardState) -> None:
        files = self._hours.pop(shard, None)
        if files is not None:
            (files.close if state.tick == self._sale.seconds - 1 else files.discard)()


class _HourFiles:
    """The files of one shard and hour, each opened with its first row."""

    def __init__(self, folder: ParquetFolder, hour: datetime, shard: int, group_rows: int) -> None:
        self.hour = hour
        self._folder, self._shard, self._group_rows = folder, shard, group_rows
        self._files: dict[str, _File] = {}

    def add(self, columns: dict[str, pa.RecordBatch]) -> None:
        for table in FACTS:
            batch = columns[table.name]
            if batch.num_rows:
                if table.name not in self._files:
                    path = self._folder.file(table, self.hour, self._shard)
                    self._files[table.name] = _File(path, table, self._group_rows)
                self._files[table.name].add(batch)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def discard(self) -> None:
        for file in self._files.values():
            file.discard()
        self._files = {}


class _File:
    """A Parquet file; groups of rows have the same size whatever came at once."""

    def __init__(self, path: Path, table: Table, group_rows: int) -> None:
        self._path, self._unfinished = path, path.with_name(path.name + UNFINISHED)
        self._schema, self._group_rows = schema_of(table), group_rows
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        with file_errors(self._unfinished):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = parquet.ParquetWriter(self._unfinished, self._schema, compression="zstd")

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._rows += batch.num_rows
        if self._rows >= self._group_rows:
            self._flush(self._rows // self._group_rows * self._group_rows)

    def close(self) -> None:
        self._flush(self._rows)
        with file_errors(self._path):
            self._writer.close()
            put_in_place(self._unfinished, self._path)

    def discard(self) -> None:
        self._batches = []
        with file_errors(self._unfinished):
            self._writer.close()
            self._unfinished.unlink(missing_ok=True)

    def _flush(self, rows: int) -> None:
        """Write the first `rows` of what is held."""
        if not rows:
            return
        held = pa.Table.from_batches(self._batches, self._schema)
        with file_errors(self._unfinished):
            self._writer.write_table(held.slice(0, rows), row_group_size=self._group_rows)
        self._batches = held.slice(rows).to_batches()
        self._rows -= rows
