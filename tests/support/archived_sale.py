"""A small sale with settled minutes for the archive, and where each of its ids stands afterwards."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from flashsale.hdfs_paths import SalePaths
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, FACTS, QUARANTINE_OF
from flashsale.settings import Settings
from flashsale.stores.hdfs import HdfsStore
from tests.support.archive_files import archived_ids
from tests.support.random_sale import Facts, draw
from tests.support.shop import Pipeline, Shop, at

Open = Callable[..., SaleRun]
Ids = dict[str, Counter[int]]
START, MINUTES = "09:52", 16  # over an hour boundary
NOW = at("10:30")  # with an age of 20 minutes everything before 10:10 may go


def settled_sale(settings: Settings, open_sale: Open, facts: Facts | None = None) -> Pipeline:
    """A sale with 16 minutes marked settled; that only settled ones go is tested on its own."""
    sale = open_sale(settings, sale_start=at(START), sale_end=at("12:00"))
    shop = Pipeline(settings, sale, Shop(products=4, capacities=(20, 30, 1000)))
    shop.add(*(facts or drawn_facts()))
    shop.acked_through("10:30")
    shop.mark_settled(START, "10:10")
    return shop


def drawn_facts() -> Facts:
    return draw(11, START, MINUTES, orders_per_minute=8)


def acknowledged(facts: Facts | None = None) -> Ids:
    """Every id of `facts` once."""
    orders, inventory = facts or drawn_facts()
    return {
        "orders_fact": Counter(int(o["_id"]) for o in orders),
        "inventory_fact": Counter(int(e["_id"]) for e in inventory),
    }


def hot_ids(pipeline: Pipeline) -> Ids:
    return {t.name: Counter(int(d["_id"]) for d in pipeline.database[t.name].find({}, {"_id": 1})) for t in FACTS}


def moved_ids(pipeline: Pipeline) -> Ids:
    """Ids that a job moved to quarantine and that stand there still."""
    return {
        name: Counter(int(d["document"]["_id"]) for d in pipeline.database[quarantine].find({"origin": "moved"}))
        for name, quarantine in QUARANTINE_OF.items()
    }


def everywhere(pipeline: Pipeline) -> Ids:
    """Each id as often as it stands in MongoDB, in the archive, or in quarantine because a job moved it there."""
    with tempfile.TemporaryDirectory() as folder:
        archived = archived_ids(pipeline.settings, pipeline.sale.sale_id, Path(folder))
    hot, moved = hot_ids(pipeline), moved_ids(pipeline)
    return {name: archived[name] + hot[name] + moved[name] for name in archived}


def orphans(pipeline: Pipeline) -> list[str]:
    """Files and manifests that no finished batch names, batches without them, and leftovers of staging."""
    hdfs, paths = HdfsStore(pipeline.settings), SalePaths(pipeline.sale.sale_id)
    batches = list(pipeline.database[ARCHIVE_BATCHES].find({"table": {"$exists": True}}))
    wanted = {paths.data_file(b["table"], b["start"].replace(minute=0), b["_id"]) for b in batches}
    wanted |= {paths.manifest(b["table"], b["start"].replace(minute=0), b["_id"]) for b in batches}
    found = set(hdfs.walk_files(paths.archive))
    unfinished = [f"{b['_id']} is {b['state']}" for b in batches if b["state"] != "PRUNED"]
    return sorted(found ^ wanted) + unfinished


def archived_rows(pipeline: Pipeline, table: str) -> list[dict[str, object]]:
    """Rows of an archived table, in the order of their files."""
    hdfs, paths = HdfsStore(pipeline.settings), SalePaths(pipeline.sale.sale_id)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in hdfs.walk_files(paths.table(table)):
            hdfs.download(path, Path(folder) / "file.parquet")
            rows += pq.ParquetFile(Path(folder) / "file.parquet").read().to_pylist()
    return rows
