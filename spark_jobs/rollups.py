"""Per-minute rollups: what Spark aggregated, joined with the stock carried from the minute before.

``kpi_rollup_pw`` of minute m has a row for every (product, warehouse) known by then:
orders, units, units_squared, value of the minute; on_hand, reserved, inventory_ts
(epoch ms) and inventory_event_id of the last event so far; opening_available (units at
the first event of the sale); sold_units (of the sale so far); delay_ms_sum, delay_count;
in_stock_ms (time of the minute with available > 0; null while the stock is unknown);
bot_orders, bot_units, bot_units_squared, bot_value: what of the minute's sums machines bought.
``kpi_rollup_pwc`` has units and orders by (product, warehouse, city).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flashsale.minutes import epoch_ms, from_epoch_ms
from spark_jobs.fact_source import NO_PRODUCT, UNSOUND
from spark_jobs.pair_columns import NULL, Ints, PairColumns, int_column, table_digest, union_of_pairs

MS_PER_MINUTE = 60_000

SUMS = ("orders", "units", "units_squared", "value")
STOCK = ("on_hand", "reserved", "inventory_ts", "inventory_event_id")
BOT_SUMS = ("bot_orders", "bot_units", "bot_units_squared", "bot_value")
"""Of bots what `SUMS` has of all, in the same order."""
PW_COLUMNS = (
    *SUMS,
    *BOT_SUMS,
    *STOCK,
    "opening_available",
    "sold_units",
    "delay_ms_sum",
    "delay_count",
    "in_stock_ms",
)


@dataclass(frozen=True)
class MinuteRollup:
    """Rollup of the minute that starts at `minute`; `pwc` is an Arrow table sorted by its keys.

    `carried_digest` is that of the pw part it carries on from.
    """

    minute: datetime
    pw: PairColumns
    pwc: pa.Table
    carried_digest: str

    def digest(self) -> str:
        """SHA-256 (hex, twice) of both parts."""
        return self.pw.digest() + self.pwc_digest

    @cached_property
    def pwc_digest(self) -> str:
        """SHA-256 (hex) of the city part."""
        return table_digest(self.pwc)

    @property
    def orders(self) -> int:
        return int(self.pw["orders"].sum())

    @property
    def units(self) -> int:
        return int(self.pw["units"].sum())


def pw_columns(stored: pa.Table) -> PairColumns:
    """The pw part as it was stored; in one of an older version, which knew no machines, they bought nothing."""
    for name in BOT_SUMS:
        if name not in stored.column_names:
            stored = stored.append_column(name, pa.array(np.zeros(stored.num_rows, np.int64)))
    return PairColumns.from_arrow(stored, PW_COLUMNS)


def empty_pwc() -> pa.Table:
    names = ("product_id", "warehouse_id", "city_id", "orders", "units")
    return pa.table({name: pa.array([], pa.int64()) for name in names})


def available(on_hand: Ints, reserved: Ints) -> Ints:
    """max(0, on_hand - reserved), null where the stock is unknown."""
    return np.where(on_hand == NULL, NULL, np.maximum(0, on_hand - reserved))


def build_rollups(
    minutes: list[datetime],
    before: PairColumns,
    orders: pa.Table,
    inventory: pa.Table,
    bots: pa.Table,
    before_digest: str | None = None,
) -> list[MinuteRollup]:
    """Rollups of consecutive `minutes` from Spark's aggregates over all of them.

    `before` is the pw part of the minute before the first (empty at the sale's start), stored under
    `before_digest`, which is another than its own when an older version stored it.
    `orders` and `inventory` are what `rollup_transforms` returns, in any row order, of facts `that_count`,
    and `bots` what `bot_orders` found among the orders.
    """
    rollups = []
    carried, came_from = before, before_digest or before.digest()
    orders_at = int_column(orders, "minute")
    inventory_at = int_column(inventory, "minute")
    bots_at = int_column(bots, "minute")
    for minute in minutes:
        start = epoch_ms(minute)
        pwc = orders.filter(pa.array(orders_at == start))
        changes = PairColumns.from_arrow(
            inventory.filter(pa.array(inventory_at == start)),
            (*STOCK, "first_ms", "first_available", "in_stock_ms", "delay_ms_sum", "delay_count"),
        )
        machines = PairColumns.from_arrow(bots.filter(pa.array(bots_at == start)), BOT_SUMS)
        carried = _minute_columns(carried, _sum_over_cities(pwc), machines, changes)
        rollups.append(MinuteRollup(minute, carried, _pwc(pwc), came_from))
        came_from = carried.digest()
    return rollups


def _minute_columns(before: PairColumns, sums: PairColumns, bots: PairColumns, changes: PairColumns) -> PairColumns:
    pairs = union_of_pairs([before.pair, sums.pair, changes.pair])
    columns: dict[str, Ints] = {name: sums.aligned(pairs, name, 0) for name in SUMS}
    for name, of_all in zip(BOT_SUMS, SUMS, strict=True):
        # Bots are read after the sums: one whose orders came in between is counted by the next run, with its orders.
        columns[name] = np.minimum(bots.aligned(pairs, name, 0), columns[of_all])
    changed = changes.aligned(pairs, "inventory_event_id", NULL) != NULL
    for name in STOCK:
        columns[name] = np.where(changed, changes.aligned(pairs, name, NULL), before.aligned(pairs, name, NULL))
    opening = before.aligned(pairs, "opening_available", NULL)
    columns["opening_available"] = np.where(opening == NULL, changes.aligned(pairs, "first_available", NULL), opening)
    columns["sold_units"] = before.aligned(pairs, "sold_units", 0) + columns["units"]
    columns["delay_ms_sum"] = changes.aligned(pairs, "delay_ms_sum", 0)
    columns["delay_count"] = changes.aligned(pairs, "delay_count", 0)
    # Until its first event of this minute a pair had the stock it came with.
    came_with = available(before.aligned(pairs, "on_hand", NULL), before.aligned(pairs, "reserved", NULL))
    until_first = np.where(changed, changes.aligned(pairs, "first_ms", 0), MS_PER_MINUTE)
    in_stock = np.where(came_with > 0, until_first, 0) + changes.aligned(pairs, "in_stock_ms", 0)
    columns["in_stock_ms"] = np.where(columns["on_hand"] == NULL, NULL, in_stock)
    return PairColumns(pairs, columns)


def _sum_over_cities(pwc: pa.Table) -> PairColumns:
    grouped = pwc.group_by(["product_id", "warehouse_id"]).aggregate([(name, "sum") for name in SUMS])
    table = grouped.rename_columns([name.removesuffix("_sum") for name in grouped.column_names])
    return PairColumns.from_arrow(table, SUMS)


def _pwc(pwc: pa.Table) -> pa.Table:
    keys = ["product_id", "warehouse_id", "city_id"]
    table = pwc.select([*keys, "orders", "units"]).sort_by([(key, "ascending") for key in keys])
    return table.cast(empty_pwc().schema)


def counted_facts(aggregates: pa.Table, count: str) -> dict[datetime, int]:
    """Facts by minute in what `rollup_transforms` returns, those that do not count among them."""
    sums = aggregates.group_by("minute").aggregate([(count, "sum")])
    return {from_epoch_ms(row["minute"]): row[f"{count}_sum"] for row in sums.to_pylist()}


def unsound_facts(aggregates: pa.Table, count: str) -> int:
    """How many of them are not what they should be."""
    unsound = pc.and_(_not_counted(aggregates), pc.equal(aggregates["warehouse_id"], UNSOUND))
    return int(pc.sum(aggregates.filter(unsound)[count]).as_py() or 0)


def that_count(aggregates: pa.Table) -> pa.Table:
    """The rows of facts that are sound and came in time."""
    return aggregates.filter(pc.invert(_not_counted(aggregates)))


def _not_counted(aggregates: pa.Table) -> pa.ChunkedArray:
    return pc.equal(aggregates["product_id"], NO_PRODUCT)
