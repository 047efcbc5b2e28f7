"""Read facts of chosen minutes from MongoDB into Spark, filter and columns pushed down."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flashsale.rendering import spark_schema
from flashsale.schema import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def read_facts(
    spark: "SparkSession",
    database: str,
    table: Table,
    start: datetime,
    end: datetime,
    columns: Sequence[str] | None = None,
) -> "DataFrame":
    """Facts of `table` whose event time lies in ``[start, end)``, under their own field names.

    The URI and its credentials are the server's configuration, so they never travel in a plan.
    One partition: the connector's other partitioners count the collection first, twice.
    """
    from pyspark.sql import functions as F  # noqa: N812 - the name every Spark user knows

    if table.event_time is None:
        raise ValueError(f"{table.name} is not a fact table")
    frame = (
        spark.read.format("mongodb")
        .option("database", database)
        .option("collection", table.name)
        .option("partitioner", "com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner")
        .option("mode", "FAILFAST")
        .schema(spark_schema(table, stored_names=True))
        .load()
        .where((F.col(table.event_time) >= F.lit(start)) & (F.col(table.event_time) < F.lit(end)))
    )
    names = columns or [field.name for field in table.fields]
    return frame.select([F.col(table.stored_name(table.field(name))).alias(name) for name in names])


def within_lateness(frame: "DataFrame", event_time: str, lateness: timedelta) -> "DataFrame":
    """Drop late facts: those that arrived at or after the end of their minute + `lateness`.

    Every read for a rollup goes through here, so live runs, rebuilds and replays agree.
    Adds the column `minute`, the start of the fact's minute.
    """
    from pyspark.sql import functions as F  # noqa: N812

    final_after = timedelta(minutes=1) + lateness
    return frame.withColumn("minute", F.date_trunc("minute", F.col(event_time))).where(
        F.col("arrived_at") < F.col("minute") + F.lit(final_after)
    )
