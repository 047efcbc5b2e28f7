"""Facts to per-minute aggregates: pure DataFrame -> DataFrame, integer sums only.

Times are epoch ms.  Facts that do not count are rows of `NO_PRODUCT`, so that one pass over the facts
both adds them up and says how many there are: of late ones the warehouse is `LATE`, of unsound
ones `UNSOUND`.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from spark_jobs.fact_source import NO_PRODUCT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MS_PER_MINUTE = 60_000
LATE = 1


def marking_late(facts: "DataFrame", event_time: str, lateness: timedelta) -> "DataFrame":
    """Mark late facts: those that arrived at or after the end of their minute + `lateness`.

    Every read for a rollup goes through here, so live runs, rebuilds and replays agree.
    Adds the column `minute`, the start of the fact's minute.
    """
    minute = F.col(event_time) - F.pmod(F.col(event_time), F.lit(MS_PER_MINUTE))
    final_after = MS_PER_MINUTE + lateness // timedelta(milliseconds=1)
    late = (F.col("arrived_at") >= minute + F.lit(final_after)) & (F.col("product_id") != NO_PRODUCT)
    return facts.select(
        minute.alias("minute"),
        F.when(late, NO_PRODUCT).otherwise(F.col("product_id")).alias("product_id"),
        F.when(late, LATE).otherwise(F.col("warehouse_id")).alias("warehouse_id"),
        *(name for name in facts.columns if name not in ("product_id", "warehouse_id")),
    )


def order_aggregates(orders: "DataFrame", lateness: timedelta) -> "DataFrame":
    """One row per (minute, product, warehouse, city) with orders in time, and those that do not count.

    Columns: minute (epoch ms), product_id, warehouse_id, city_id, orders, units,
    units_squared, value (minor units), all sums int64.
    """
    quantity = F.col("order_qty").cast("long")
    return (
        marking_late(orders, "order_ts", lateness)
        .groupBy("minute", "product_id", "warehouse_id", "city_id")
        .agg(
            F.count(F.lit(1)).alias("orders"),
            F.sum(quantity).alias("units"),
            F.sum(quantity * quantity).alias("units_squared"),
            F.sum("order_value").alias("value"),
        )
        .select(
            "minute",
            "product_id",
            "warehouse_id",
            "city_id",
            "orders",
            "units",
            "units_squared",
            "value",
        )
    )


def inventory_aggregates(inventory: "DataFrame", lateness: timedelta) -> "DataFrame":
    """One row per (minute, product, warehouse) with inventory events in time, and those that do not count.

    The last event by (inventory_ts, id) closes the minute.  Columns: minute,
    product_id, warehouse_id, on_hand, reserved, inventory_ts, inventory_event_id (of
    that event), first_ms and first_available (of the first event: offset in the minute
    and units), in_stock_ms (from the first event to the minute's end, while available > 0),
    delay_ms_sum, delay_count.
    """
    order = Window.partitionBy("minute", "product_id", "warehouse_id").orderBy("inventory_ts", "inventory_event_id")
    minute_end = F.col("minute") + F.lit(MS_PER_MINUTE)
    available = F.greatest(F.lit(0), F.col("inventory_on_hand") - F.col("reserved_stock"))
    events = marking_late(inventory, "inventory_ts", lateness).select(
        "*",
        available.alias("available"),
        (F.coalesce(F.lead("inventory_ts").over(order), minute_end) - F.col("inventory_ts")).alias("lasts_ms"),
    )
    position = F.struct("inventory_ts", "inventory_event_id")
    return (
        events.groupBy("minute", "product_id", "warehouse_id")
        .agg(
            F.max_by("inventory_on_hand", position).alias("on_hand"),
            F.max_by("reserved_stock", position).alias("reserved"),
            F.max_by("inventory_ts", position).alias("inventory_ts"),
            F.max_by("inventory_event_id", position).alias("inventory_event_id"),
            (F.min("inventory_ts") % MS_PER_MINUTE).alias("first_ms"),
            F.min_by("available", position).alias("first_available"),
            F.sum(F.when(F.col("available") > 0, F.col("lasts_ms")).otherwise(0)).alias("in_stock_ms"),
            F.sum(F.round(F.col("fulfillment_delay") * MS_PER_MINUTE).cast("long")).alias("delay_ms_sum"),
            F.count(F.lit(1)).alias("delay_count"),
        )
        .select(
            "minute",
            "product_id",
            "warehouse_id",
            "on_hand",
            "reserved",
            "inventory_ts",
            "inventory_event_id",
            "first_ms",
            "first_available",
            "in_stock_ms",
            "delay_ms_sum",
            "delay_count",
        )
    )
