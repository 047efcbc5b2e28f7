"""What the minute engine is measured against: scan the whole 15-minute window in Spark, each minute anew.

Reads the window's orders and inventory by the MongoDB connector, and gives stock ÷ velocity per
(product, warehouse): a part of what the engine publishes.  Run by itself, under spark-submit, it
is the cold job; the benchmark calls `scan` in a warm session for the warm one.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flashsale.rendering import spark_schema
from flashsale.schema import INVENTORY, ORDERS, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def scan(spark: "SparkSession", database: str, start: datetime, end: datetime) -> int:
    """Rows of the result, collected in the client as the engine's are."""
    from pyspark.sql import functions as F  # noqa: N812

    pair = ["product_id", "warehouse_id"]
    minutes = (end - start).total_seconds() / 60
    orders = read_facts(spark, database, ORDERS, start, end, (*pair, "order_qty", "order_value", "order_ts"))
    stock = read_facts(spark, database, INVENTORY, start, end, [field.name for field in INVENTORY.fields])
    sold = orders.groupBy(*pair).agg(F.sum("order_qty").alias("units"), F.sum("order_value").alias("value"))
    last = stock.groupBy(*pair).agg(
        F.max_by(
            F.col("inventory_on_hand") - F.col("reserved_stock"), F.struct("inventory_ts", "inventory_event_id")
        ).alias("available")
    )
    kpis = last.join(sold, on=pair, how="full").withColumn(
        "eta_minutes", F.try_divide(F.col("available") * F.lit(minutes), F.col("units"))
    )
    return int(kpis.toArrow().num_rows)


def read_facts(
    spark: "SparkSession", database: str, table: Table, start: datetime, end: datetime, columns: Sequence[str]
) -> "DataFrame":
    """Facts of `table` whose event time lies in ``[start, end)`` by the connector, under their own field names.

    The URI and its credentials are the server's configuration, so they never travel in a plan.
    One partition: the connector's other partitioners count the collection first, twice.
    """
    from pyspark.sql import functions as F  # noqa: N812

    time = table.event_time or ""
    frame = (
        spark.read.format("mongodb")
        .option("database", database)
        .option("collection", table.name)
        .option("partitioner", "com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner")
        .option("mode", "FAILFAST")
        .schema(spark_schema(table, stored_names=True))
        .load()
        .where((F.col(time) >= F.lit(start)) & (F.col(time) < F.lit(end)))
    )
    return frame.select([F.col(table.stored_name(table.field(name))).alias(name) for name in columns])


def main(arguments: list[str]) -> int:
    """``kpi_window_scan.py DATABASE START END`` under spark-submit."""
    from pyspark.sql import SparkSession

    database, start, end = arguments
    spark = SparkSession.builder.getOrCreate()
    rows = scan(spark, database, datetime.fromisoformat(start), datetime.fromisoformat(end))
    sys.stdout.write(f"{rows} rows\n")
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
