"""Read facts of chosen minutes from MongoDB into Spark, filter and columns pushed down."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from flashsale.schema import FieldType, Table
from spark_jobs.fact_decoding import FactRules
from spark_jobs.fact_source import FactRange, fact_reader

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SPARK_TYPE: dict[FieldType, str] = {"int32": "int", "int64": "bigint", "double": "double", "date": "bigint"}


def fact_rows(
    spark: "SparkSession",
    database: str,
    table: Table,
    ranges: Sequence[FactRange],
    rules: FactRules,
    columns: Sequence[str],
) -> "DataFrame":
    """Facts of `table` in `ranges`, a partition each, read and checked by Spark's Python workers.

    Columns as in the schema, times in epoch ms; an unsound fact as `fact_source` marks it.
    """
    reader = fact_reader(database, table, list(ranges), rules, tuple(columns))
    fields = ", ".join(f"{name} {SPARK_TYPE[table.field(name).type]}" for name in columns)
    return spark.range(0, len(ranges), 1, len(ranges)).mapInArrow(reader, fields)


def time_slices(start: datetime, end: datetime, parts: int) -> list[FactRange]:
    """``[start, end)`` in `parts` ranges of equal length, to the millisecond."""
    length = (end - start) / parts
    cuts = [start + number * length for number in range(parts)]
    cuts = [cut.replace(microsecond=cut.microsecond // 1000 * 1000) for cut in cuts] + [end]
    return [FactRange(*pair) for pair in pairwise(cuts)]
