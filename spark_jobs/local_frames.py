"""Tables of the driver as Spark DataFrames."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from spark_jobs.pair_columns import decode, encode

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROWS_AS_LITERALS = 2_000
"""Spark makes an object of each row that a plan holds, and keeps large ones for as long as the session lives."""


def to_frame(spark: "SparkSession", table: pa.Table, parts: int = 1) -> "DataFrame":
    """`table` as a DataFrame with its Arrow schema, also when it has no rows; a larger one in `parts` partitions."""
    from pyspark.sql.pandas.types import from_arrow_schema

    if table.num_rows == 0:
        # An empty Arrow table carries no batch, and Spark Connect then insists on a schema.
        return spark.createDataFrame([], from_arrow_schema(table.schema)).coalesce(1)
    if table.num_rows <= _ROWS_AS_LITERALS:
        # Of a table in one partition Spark knows that joins and aggregates need no exchange.
        return spark.createDataFrame(table).coalesce(1)
    length = -(-table.num_rows // parts)
    texts = [encode(table.slice(part * length, length)) for part in range(parts)]
    return spark.range(0, parts, 1, parts).mapInArrow(_unpacking(texts), from_arrow_schema(table.schema))


def _unpacking(texts: list[bytes]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` over a frame of numbers: number i becomes the rows of text i."""

    def unpack(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                yield from decode(texts[number]).to_batches()

    return unpack
