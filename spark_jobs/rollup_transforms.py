"""Facts to per-minute aggregates: pure DataFrame -> DataFrame, integer sums only."""

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from spark_jobs.facts import within_lateness

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MS_PER_MINUTE = 60_000


def order_aggregates(orders: "DataFrame", lateness: timedelta) -> "DataFrame":
    """One row per (minute, product, warehouse, city) with orders in time.

    Columns: minute (timestamp), product_id, warehouse_id, city_id, orders, units,
    units_squared, value (minor units), all sums int64.
    """
    quantity = F.col("order_qty").cast("long")
    return (
        within_lateness(orders, "order_ts", lateness)
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
    """One row per (minute, product, warehouse) with inventory events in time.

    The last event by (inventory_ts, id) closes the minute.  Columns: minute,
    product_id, warehouse_id, on_hand, reserved, inventory_ts, inventory_event_id (of
    that event), first_ms and first_available (of the first event: offset in the minute
    and units), in_stock_ms (from the first event to the minute's end, while available > 0),
    delay_ms_sum, delay_count.
    """
    order = Window.partitionBy("minute", "product_id", "warehouse_id").orderBy("inventory_ts", "inventory_event_id")
    minute_end = F.col("minute") + F.lit(timedelta(minutes=1))
    available = F.greatest(F.lit(0), F.col("inventory_on_hand") - F.col("reserved_stock"))
    events = within_lateness(inventory, "inventory_ts", lateness).select(
        "*",
        available.alias("available"),
        (
            F.unix_millis(F.coalesce(F.lead("inventory_ts").over(order), minute_end)) - F.unix_millis("inventory_ts")
        ).alias("lasts_ms"),
    )
    position = F.struct("inventory_ts", "inventory_event_id")
    return (
        events.groupBy("minute", "product_id", "warehouse_id")
        .agg(
            F.max_by("inventory_on_hand", position).alias("on_hand"),
            F.max_by("reserved_stock", position).alias("reserved"),
            F.max_by("inventory_ts", position).alias("inventory_ts"),
            F.max_by("inventory_event_id", position).alias("inventory_event_id"),
            (F.unix_millis(F.min("inventory_ts")) % MS_PER_MINUTE).alias("first_ms"),
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
