"""Small driver-side tables as Spark DataFrames."""

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def to_frame(spark: "SparkSession", table: pa.Table) -> "DataFrame":
    """`table` as a DataFrame with its Arrow schema, also when it has no rows.

    An empty Arrow table carries no batch, and Spark Connect then insists on a schema.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    if table.num_rows == 0:
        return spark.createDataFrame([], from_arrow_schema(table.schema))
    return spark.createDataFrame(table)
