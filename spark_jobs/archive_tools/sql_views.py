"""SQL over the archive: DuckDB in this process, with a view for each archived table.

A view names the files of its table with their partitions, so that DuckDB leaves out, while it plans, every file
that a condition on `date` and `hour` rules out (`EXPLAIN` shows "Scanning Files: 1/24"); of the others it fetches
the columns it needs from HDFS, part by part.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from flashsale.archived_tables import ARCHIVED
from flashsale.errors import FlashsaleError, one_line
from flashsale.rendering import arrow_schema
from flashsale.schema import Table
from spark_jobs.archive_tools.opened import Archive, ArchiveFile
from spark_jobs.archive_tools.ranged_files import RangedFiles, address

if TYPE_CHECKING:
    import duckdb

BATCH_ROWS = 10_000
_PARTITIONS = pa.schema([("date", pa.date32()), ("hour", pa.int32())])
# Nothing is ever loaded from the network, and what does not fit goes to a folder that is removed.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "2GB",
}


@contextmanager
def sql_views(archive: Archive) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB with the archive's tables as views; raises FlashsaleError when nothing is archived yet."""
    import duckdb

    found = {table.name: archive.files(table) for table in ARCHIVED}
    if not any(found.values()):
        raise FlashsaleError(
            f"sale {archive.sale.sale_id}: nothing is archived yet; settled facts are, once they are older than "
            f"{archive.settings.archive_age_minutes} minutes (`flashsale-archive run`)"
        )
    with tempfile.TemporaryDirectory(prefix="flashsale-query-") as folder, duckdb.connect(config=_CONFIG) as connection:
        connection.execute(f"SET temp_directory = '{folder}'")
        connection.execute("SET TimeZone = 'UTC'")
        # It would be drawn on stdout, among the rows.
        connection.execute("SET enable_progress_bar = false")
        connection.register_filesystem(RangedFiles(archive.hdfs))
        for table in ARCHIVED:
            _put_view(connection, table, found[table.name])
        yield connection


def select(connection: "duckdb.DuckDBPyConnection", statement: str) -> pa.RecordBatchReader:
    """The rows of one SELECT, read as they are asked for.

    Raises FlashsaleError for anything but a SELECT or its EXPLAIN, and for what DuckDB cannot do.
    """
    import duckdb

    with sql_errors():
        statements = connection.extract_statements(statement)
        if len(statements) != 1:
            raise FlashsaleError(f"query: one SELECT at a time; there are {len(statements)} statements")
        kind = statements[0].type
        if kind not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise FlashsaleError(f"query: the archive is only read; give a SELECT and no {kind.name}")
        rows: pa.RecordBatchReader = connection.sql(statements[0].query).to_arrow_reader(BATCH_ROWS)
    return rows


@contextmanager
def sql_errors() -> Iterator[None]:
    """What DuckDB complains about, in one line."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        if "HDFS holds no file" in text:
            raise FlashsaleError("query: a file of the archive was replaced while it was read; run it again") from error
        tables = ""
        if isinstance(error, duckdb.CatalogException) and "Table with name" in text:
            text = text.split("\n")[0]
            tables = f"; the tables are {', '.join(table.name for table in ARCHIVED)}"
        raise FlashsaleError(f"query: {one_line(Exception(text.split('LINE 1:')[0]))}{tables}") from error


def _put_view(connection: "duckdb.DuckDBPyConnection", table: Table, files: list[ArchiveFile]) -> None:
    if not files:
        columns = [*arrow_schema(table), *_PARTITIONS]
        connection.register(table.name, pa.schema(columns).empty_table())
        return
    paths = ", ".join(f"'{address(file.path)}'" for file in files)
    partitions = "hive_partitioning = true, hive_types = {'date': DATE, 'hour': INTEGER}"
    # Names come from the schema and from our own paths.
    with sql_errors():
        connection.execute(f"CREATE VIEW {table.name} AS SELECT * FROM read_parquet([{paths}], {partitions})")  # noqa: S608
