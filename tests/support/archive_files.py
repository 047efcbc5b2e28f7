"""The archive as a second engine reads it: DuckDB over copies of the files."""

from collections import Counter
from pathlib import Path

import duckdb

from flashsale.hdfs_paths import SalePaths
from flashsale.schema import FACTS
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore


def archived_ids(settings: Settings, sale_id: str, folder: Path) -> dict[str, Counter[int]]:
    """Fact table -> ids in its published files; each fact must stand in the partition of its hour."""
    hdfs, paths = HdfsStore(settings), SalePaths(sale_id)
    found = {}
    for table in FACTS:
        files = hdfs.walk_files(paths.table(table.name))
        for path in files:
            target = folder / path.removeprefix(paths.archive + "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            hdfs.download(path, target)
        if not files:
            found[table.name] = Counter[int]()
            continue
        source = f"read_parquet('{folder}/{table.name}/**/*.parquet', hive_partitioning=true)"
        query = f"SELECT {table.key}, {table.event_time} AT TIME ZONE 'UTC', hour FROM {source}"
        rows = duckdb.sql(query).fetchall()
        assert all(moment.hour == int(hour) for _, moment, hour in rows), "a fact stands in another hour's partition"
        found[table.name] = Counter(int(row[0]) for row in rows)
    return found
