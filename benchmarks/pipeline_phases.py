"""Run the pipeline's own jobs over what was written, each in a metered phase."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo.database import Database

from benchmarks.cpu_meter import CpuMeter
from flashsale.hdfs_paths import SalePaths
from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, FACTS, ROLLUP_PW, ROLLUP_PWC
from flashsale.settings import Settings
from flashsale.snapshot import PARTS
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.mongo import Client, Document
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id, read_parts
from spark_jobs import archive_facts, minute_kpis
from spark_jobs.hot_facts import HotFacts
from spark_jobs.minute_store import MinuteStore
from spark_jobs.rollup_refresh import RollupRefresh
from spark_jobs.session import spark_session
from spark_jobs.sweep import KnownIds

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Sizes in bytes: of all facts in MongoDB (BSON, on disk, indexes), of one minute's documents, of one snapshot."""

    facts_bson: int
    facts_disk: int
    facts_indexes: int
    rollup_pw: int
    rollup_pwc: int
    checkpoint: int
    snapshot: int
    products_part: int


@dataclass(frozen=True, slots=True)
class Measured:
    """`rolled_up`, `archived`: facts; `files`: table -> (bytes of Parquet, rows)."""

    stored: StoredBytes
    rolled_up: int
    archived: int
    files: dict[str, tuple[int, int]]


def run_jobs(mongo: Client, settings: Settings, sale: SaleRun, minutes: int, meter: CpuMeter, say: Say) -> Measured:
    """Roll up, publish and archive the sale's first `minutes`.  Phases: rollup, kpi, archive.

    `mongo` is logged in as jobs.  The first minute's rollup and the first KPI pass warm Spark up, unmetered.
    """
    database = mongo[sale.database]
    end = sale.sale_start + minutes * MINUTE
    say("rolling up")
    rolled_up = _roll_up(database, settings, sale, minutes, meter)
    minute_kpis.backfill(settings, sale.sale_start, end, sale.sale_id)
    say("publishing")
    minute_kpis.run(settings, end, sale.sale_id)
    with meter.phase("kpi"):
        minute_kpis.run(settings, end, sale.sale_id)
    stored = _stored_bytes(database, settings, sale)
    rows = {table.name: database[table.name].count_documents({}) for table in FACTS}
    say("archiving")
    with meter.phase("archive"):
        archived = archive_facts.run(settings, sale.sale_id).rows
    left = {table.name: database[table.name].count_documents({}) for table in FACTS}
    files = {name: (_parquet_bytes(settings, sale, name), rows[name] - left[name]) for name in rows}
    return Measured(stored, rolled_up, archived, files)


def _roll_up(database: Database[Document], settings: Settings, sale: SaleRun, minutes: int, meter: CpuMeter) -> int:
    """Build each minute as the minute job does; returns the facts of the metered ones."""
    store, known = MinuteStore(database), KnownIds.read(database)
    watermark = sale.sale_start + minutes * MINUTE + settings.lateness + MINUTE
    facts = 0
    with spark_session(settings, "benchmark") as spark:
        facts_here = HotFacts(spark, database, sale.sale_start, known, settings, watermark)
        refresh = RollupRefresh(facts_here, store, sale.sale_start, settings, watermark)
        first = sale.sale_start + MINUTE
        refresh.refresh(first, first, force=False)
        for number in range(2, minutes + 1):
            end = sale.sale_start + number * MINUTE
            with meter.phase("rollup"):
                metas, _ = refresh.refresh(end, end, force=False)
            facts += sum(metas[end - MINUTE].facts.values())
    return facts


def _stored_bytes(database: Database[Document], settings: Settings, sale: SaleRun) -> StoredBytes:
    facts = [_stats(database, table.name) for table in FACTS]
    with redis_client(settings, "publisher") as redis:
        current = current_snapshot_id(redis, sale.sale_id)
        parts = read_parts(redis, sale.sale_id, current or "", PARTS)
    sizes = {name: len((text or "").encode()) for name, text in parts.items()}
    return StoredBytes(
        facts_bson=sum(stats["size"] for stats in facts),
        facts_disk=sum(stats["storageSize"] for stats in facts),
        facts_indexes=sum(stats["totalIndexSize"] for stats in facts),
        rollup_pw=_stats(database, ROLLUP_PW)["avgObjSize"],
        rollup_pwc=_stats(database, ROLLUP_PWC)["avgObjSize"],
        checkpoint=_stats(database, CHECKPOINTS)["size"],
        snapshot=sum(sizes.values()),
        products_part=sizes["products"],
    )


def _stats(database: Database[Document], collection: str) -> dict[str, Any]:
    return database.command("collStats", collection)


def _parquet_bytes(settings: Settings, sale: SaleRun, table: str) -> int:
    store = HdfsStore(settings)
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in store.walk_files(SalePaths(sale.sale_id).table(table)):
            copy = Path(folder) / "file.parquet"
            store.download(path, copy)
            total += copy.stat().st_size
    return total
