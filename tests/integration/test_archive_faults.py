"""Faults of the archive's stores, for real: one clear line, nothing deleted, and the next run goes on by itself."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest
from pymongo.collection import Collection

from embedded.environment import settings_environment
from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.errors import FlashsaleError, ReadBackError, ServiceUnavailableError
from flashsale.hdfs_paths import SalePaths
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES
from flashsale.settings import Settings
from flashsale.stores.context import write_sale
from flashsale.stores.health import read_health
from flashsale.stores.redis_client import redis_client
from spark_jobs import archive_facts, archive_steps
from tests.support.archived_ids import acknowledged, everywhere, hot_ids, orphans
from tests.support.archived_sale import NOW, open_sale
from tests.support.hdfs_admin import safe_mode, space_quota
from tests.support.shop import Pipeline

Open = Callable[..., SaleRun]


@pytest.fixture(scope="module")
def hdfs_services(stack: Stack, data_services: Settings) -> Settings:
    stack.start("datanode")
    return data_services


@pytest.fixture
def pipeline(hdfs_services: Settings, open_test_sale: Open) -> Pipeline:
    sale = open_sale(hdfs_services, open_test_sale)
    with redis_client(hdfs_services, "publisher") as redis:
        write_sale(redis, sale.sale, [])
    return sale


def _run(pipeline: Pipeline) -> None:
    archive_facts.run(pipeline.settings, pipeline.sale.sale_id, NOW)


def _assert_fails_in_one_line(pipeline: Pipeline, kind: type[FlashsaleError], *words: str) -> None:
    with pytest.raises(kind) as failure:
        _run(pipeline)
    text = str(failure.value)
    assert "\n" not in text
    assert len(text) < 400
    for word in words:
        assert word in text, text


def _assert_goes_on(pipeline: Pipeline) -> None:
    _run(pipeline)
    assert everywhere(pipeline) == acknowledged()
    assert sum(map(len, hot_ids(pipeline).values())) == 0
    assert orphans(pipeline) == []


def test_safe_mode(pipeline: Pipeline, stack: Stack) -> None:
    with safe_mode(stack.config):
        _assert_fails_in_one_line(pipeline, ServiceUnavailableError, "safe mode", "dfsadmin -safemode leave")
        with redis_client(pipeline.settings, "dashboard_read") as redis:
            told = read_health(redis, pipeline.sale.sale_id, {"archive": "archive"})["archive"]
        assert told
        assert (told["state"], "safe mode" in told["detail"]) == ("failed", True), "people are told"
    assert hot_ids(pipeline) == acknowledged()
    _assert_goes_on(pipeline)


def test_quota_exceeded(pipeline: Pipeline, stack: Stack) -> None:
    archive_facts.HdfsStore(pipeline.settings).write_text(f"{SalePaths(pipeline.sale.sale_id).root}/note", "x")
    with space_quota(stack.config, SalePaths(pipeline.sale.sale_id).root, "1m"):
        _assert_fails_in_one_line(pipeline, FlashsaleError, "quota", "-setSpaceQuota")
    assert hot_ids(pipeline) == acknowledged()
    archive_facts.HdfsStore(pipeline.settings).delete(f"{SalePaths(pipeline.sale.sale_id).root}/note")
    _assert_goes_on(pipeline)


@pytest.mark.parametrize("part", ["datanode", "namenode"])
def test_a_part_of_hdfs_is_down(pipeline: Pipeline, stack: Stack, part: str) -> None:
    stack.stop_one(part)
    try:
        _assert_fails_in_one_line(pipeline, ServiceUnavailableError, "HDFS does not answer at 127.0.0.1:")
    finally:
        # The DataNode reports to a new NameNode by itself; starting it waits until it has.
        stack.start(part)
        stack.stop_one("datanode")
        stack.start("datanode")
    assert hot_ids(pipeline) == acknowledged()
    _assert_goes_on(pipeline)


def test_the_disk_of_the_datanode_is_full(pipeline: Pipeline, stack: Stack) -> None:
    service = stack.services["datanode"]
    # More than any disk has: what is left to others is everything.
    stack.services["datanode"] = replace(service, env={**service.env, "FLASHSALE_DATANODE_RESERVED": str(2**60)})
    stack.stop_one("datanode")
    stack.start("datanode")
    try:
        _assert_fails_in_one_line(pipeline, FlashsaleError, "none has room", "free space or add one")
    finally:
        stack.services["datanode"] = service
        stack.stop_one("datanode")
        stack.start("datanode")
    assert hot_ids(pipeline) == acknowledged()
    _assert_goes_on(pipeline)


def test_another_file_stands_where_a_batch_belongs(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, strangers = archive_steps.ArchiveSteps.publish, []

    def put_a_stranger_first(self, table, batch):  # type: ignore[no-untyped-def]
        if not strangers:
            strangers.append(self._target(batch))
            self._hdfs.write_text(strangers[0], "not a batch")
        publish(self, table, batch)

    monkeypatch.setattr(archive_steps.ArchiveSteps, "publish", put_a_stranger_first)
    _assert_fails_in_one_line(pipeline, ReadBackError, "is not the file that was verified", "nothing was deleted")
    assert hot_ids(pipeline) == acknowledged()
    _assert_fails_in_one_line(pipeline, ReadBackError, "is not the file that was verified")
    hdfs = archive_facts.HdfsStore(pipeline.settings)
    hdfs.delete(strangers[0])
    _assert_goes_on(pipeline)


def test_a_published_file_that_was_changed_deletes_nothing(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    prune, damaged = archive_steps.ArchiveSteps.prune, []

    def damage_first(self, table, batch):  # type: ignore[no-untyped-def]
        if not damaged:
            damaged.append(batch)
            self._hdfs.write_text(self._target(batch), "overwritten by hand")
        return prune(self, table, batch)

    monkeypatch.setattr(archive_steps.ArchiveSteps, "prune", damage_first)
    _assert_fails_in_one_line(pipeline, ReadBackError, "is not the file that was verified", "nothing was deleted")
    assert hot_ids(pipeline) == acknowledged()
    # MongoDB has it all still: once the stranger is out of the way, the batch is written again.
    archive_facts.HdfsStore(pipeline.settings).delete(
        SalePaths(pipeline.sale.sale_id).data_file(damaged[0].table, damaged[0].hour, damaged[0].batch_id)
    )
    _assert_goes_on(pipeline)


def test_mongodb_goes_away_in_the_middle_of_deleting(
    pipeline: Pipeline, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Collection.delete_many
    killed: list[int] = []

    def kill_first(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        if not killed:
            record = next(record for record in read_records(stack.config.run) if record.service == "mongo")
            killed.append(record.process.pid)
            os.killpg(record.process.pid, signal.SIGKILL)
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch, ExitStack() as afterwards:
        patch.setattr(Collection, "delete_many", kill_first)
        afterwards.callback(stack.start, "mongo")
        afterwards.callback(stack.stop_one, "mongo")
        _assert_fails_in_one_line(pipeline, ServiceUnavailableError, "MongoDB does not answer")
    assert killed
    _assert_goes_on(pipeline)


def test_no_room_on_this_machines_disk(pipeline: Pipeline, stack: Stack) -> None:
    """A limit on the size of files stands for a full disk: writing fails in the same place, and needs no root."""
    command = [sys.executable, "-m", "spark_jobs.archive_cli", "run", "--sale", pipeline.sale.sale_id]
    done = subprocess.run(
        command,
        env={**os.environ, **settings_environment(stack.config), "FLASHSALE_ARCHIVE_AGE_MINUTES": "20"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "cannot take the batch" in done.stderr
    assert "TMPDIR" in done.stderr
    assert hot_ids(pipeline) == acknowledged()
    _assert_goes_on(pipeline)


def test_a_failed_verification_is_told_and_deletes_nothing(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = archive_steps.ArchiveSteps.stage

    def stage_another_value(self, table, batch):  # type: ignore[no-untyped-def]
        names = {"orders_fact": "order_value", "inventory_fact": "reserved_stock"}
        one = pipeline.database[table.name].find_one({})
        assert one
        name = names[table.name]
        pipeline.database[table.name].update_one({"_id": one["_id"]}, {"$set": {name: type(one[name])(7)}})
        stage(self, table, batch)
        pipeline.database[table.name].replace_one({"_id": one["_id"]}, one)

    with monkeypatch.context() as patch:
        patch.setattr(archive_steps.ArchiveSteps, "stage", stage_another_value)
        _assert_fails_in_one_line(pipeline, ReadBackError, "does not hold the", "nothing was deleted")
    with redis_client(pipeline.settings, "dashboard_read") as redis:
        told = read_health(redis, pipeline.sale.sale_id, {"archive": "archive"})["archive"]
    assert told
    assert (told["state"], "nothing was deleted" in told["detail"]) == ("failed", True)
    assert hot_ids(pipeline) == acknowledged()
    assert {b["state"] for b in pipeline.database[ARCHIVE_BATCHES].find({"table": {"$exists": True}})} == {"SEALED"}
    _assert_goes_on(pipeline)
