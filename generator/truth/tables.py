"""The truth as Parquet files: which columns, of what type and unit, and how they are written."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from flashsale.minutes import epoch_ms
from generator.truth.actual_intensity import IntensityMinute
from generator.truth.again import Replay
from generator.truth.log import LatentMinute, Stockout

_MOMENT = pa.timestamp("ms", tz="UTC")
GROUP_ROWS = 1 << 18


def _column(name: str, kind: Any, description: str, *, nullable: bool = False) -> Any:
    return pa.field(name, kind, nullable=nullable, metadata={"description": description})


LATENT_DEMAND = pa.schema(
    [
        _column("minute", _MOMENT, "UTC minute [m, m + 1)"),
        _column("product_id", pa.int32(), "product"),
        _column("warehouse_id", pa.int32(), "warehouse the order was sent to"),
        _column("sold_units", pa.int32(), "units sold, to people and machines"),
        _column("bot_units", pa.int32(), "units of those that machines bought"),
        _column("cancelled_units", pa.int32(), "units sold earlier that the shelf turned out not to have"),
        _column("lost_units", pa.int32(), "units people wanted and did not get, for there were none"),
        _column("lost_value", pa.int64(), "lost_units at the mean price of the moment, minor units"),
    ]
)
STOCKOUTS = pa.schema(
    [
        _column("product_id", pa.int32(), "product"),
        _column("warehouse_id", pa.int32(), "warehouse"),
        _column(
            "sold_out_at", _MOMENT, "when the last unit was sold or written off; the start, for one that opens empty"
        ),
        _column("available_again_at", _MOMENT, "when there was something to sell again; null: never", nullable=True),
    ]
)
INTENSITY = pa.schema(
    [
        _column("starts_at", _MOMENT, "start of the minute of the sale, counted from its start"),
        _column("category", pa.string(), "category"),
        _column("planned", pa.float64(), "planned intensity, 1 = base demand; mean by popularity"),
        _column("actual", pa.float64(), "actual intensity, likewise: planned, shifted in time, times factor"),
        _column("factor", pa.float64(), "hidden deviation of the category, mean 1"),
        _column("shift_minutes", pa.float64(), "minutes that demand of the category comes late; negative: early"),
        _column(
            "orders_per_second",
            pa.float64(),
            "orders expected with discounts and bursts, before scarcity, excitation and congestion",
        ),
    ]
)
TABLES = {"latent_demand": LATENT_DEMAND, "stockouts": STOCKOUTS, "intensity": INTENSITY}
"""File name without ``.parquet`` -> columns."""


class TableFile:
    """One Parquet file that is being written; `rows` so far."""

    def __init__(self, path: Path, schema: Any) -> None:
        """Raises OSError, here and in the methods."""
        self.path, self.rows = path, 0
        self._schema, self._held = schema, 0
        self._batches: list[Any] = []
        self._writer = parquet.ParquetWriter(path, schema, compression="zstd")

    def add(self, columns: Sequence[Any]) -> None:
        """Append rows: a sequence or array for each column."""
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._batches.append(batch)
        self._held += batch.num_rows
        if self._held >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """All rows are there."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        self.rows += self._held
        self._batches, self._held = [], 0


def latent_columns(minute: LatentMinute) -> list[Any]:
    """Rows of `LATENT_DEMAND`."""
    return [
        [minute.start_ms] * len(minute.product_id),
        minute.product_id,
        minute.warehouse_id,
        minute.sold,
        minute.bot,
        minute.cancelled,
        minute.lost,
        minute.lost_value,
    ]


def stockout_columns(stockouts: Iterable[Stockout]) -> list[Any]:
    """Rows of `STOCKOUTS`."""
    rows = [(s.product_id, s.warehouse_id, s.sold_out_ms, s.available_again_ms) for s in stockouts]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * len(STOCKOUTS)


def intensity_columns(replay: Replay, minutes: Sequence[IntensityMinute]) -> list[Any]:
    """Rows of `INTENSITY`, by minute, then category in the scenario's order."""
    names = [one.name for one in replay.scenario.products.categories]
    start_ms = epoch_ms(replay.sale.sale_start)
    return [
        [start_ms + 60_000 * one.minute for one in minutes for _ in names],
        names * len(minutes),
        *(
            [value for one in minutes for value in getattr(one, field).tolist()]
            for field in ("planned", "actual", "factor", "shift_minutes", "orders_per_second")
        ),
    ]
