"""Small files of closed hours become one: nothing is lost or seen twice, wherever a compaction is killed."""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedded.environment import settings_environment
from embedded.stack import Stack
from flashsale.errors import FlashsaleError, NothingToDoError, ReadBackError
from flashsale.hdfs_paths import SalePaths, hour_of
from flashsale.minutes import iso
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, ARCHIVE_COMPACTIONS, FACTS, ORDERS
from flashsale.settings import Settings
from flashsale.stores.hdfs import UNFINISHED_SUFFIX, HdfsStore
from spark_jobs import archive_facts
from spark_jobs.archive_lease import archive_lease
from spark_jobs.archive_tools.compact import compact
from spark_jobs.archive_tools.compactions import CompactionStore
from spark_jobs.archive_tools.opened import opened
from spark_jobs.archive_tools.sql_views import select, sql_views
from spark_jobs.archive_tools.verify import verify
from tests.support.archive_files import archived_ids
from tests.support.archived_sale import archived_sale, drawn, open_sale
from tests.support.shop import Pipeline, at, order

Open = Callable[..., SaleRun]
CLOSED, BATCH_ROWS = at("11:40"), 40
KILLS = 3


@pytest.fixture
def pipeline(spark_services: Settings, open_test_sale: Open) -> Pipeline:
    """Two hours of two tables, several files each."""
    return archived_sale(spark_services, open_test_sale, BATCH_ROWS)


@pytest.fixture(scope="module")
def well(spark_services: Settings, open_test_sale: Open) -> Pipeline:
    """The same, for the tests in which nothing goes wrong."""
    return archived_sale(spark_services, open_test_sale, BATCH_ROWS)


@pytest.fixture(scope="module")
def damaged(spark_services: Settings, open_test_sale: Open) -> Pipeline:
    """The same, for tests that put right what they damage."""
    return archived_sale(spark_services, open_test_sale, BATCH_ROWS)


def _acknowledged() -> dict[str, Counter[int]]:
    return {
        table.name: Counter(int(fact["_id"]) for fact in facts) for table, facts in zip(FACTS, drawn(), strict=True)
    }


def _files(pipeline: Pipeline) -> dict[tuple[str, Any], set[str]]:
    """(table, hour) -> names of the files a reader would find."""
    hdfs, paths = HdfsStore(pipeline.settings), SalePaths(pipeline.sale.sale_id)
    found: dict[tuple[str, Any], set[str]] = {}
    for table in FACTS:
        for path in hdfs.walk_files(paths.table(table.name)):
            found.setdefault((table.name, hour_of(path)), set()).add(path.rsplit("/", 1)[1])
    return found


def _compact(pipeline: Pipeline) -> list[str]:
    return [done.line() for done in compact(pipeline.settings, pipeline.sale.sale_id, CLOSED)]


def _queried(pipeline: Pipeline) -> int:
    """Facts that `flashsale-archive query` counts, in hours that can be told apart."""
    counts = " + ".join(f"(SELECT count(*) FROM {table.name} WHERE hour IN (9, 10))" for table in FACTS)
    with opened(pipeline.settings, pipeline.sale.sale_id, "test") as archive, sql_views(archive) as connection:
        return int(select(connection, f"SELECT {counts} AS facts").read_all()["facts"][0].as_py())


def _findings(pipeline: Pipeline) -> tuple[str, ...]:
    return verify(pipeline.settings, pipeline.sale.sale_id, deep=True).findings


def test_each_closed_hour_is_one_file_with_the_same_rows(well: Pipeline, tmp_path: Path) -> None:
    before = _files(well)
    assert min(len(names) for names in before.values()) > 1
    lines = _compact(well)
    assert len(lines) == len(before) == 4
    after = _files(well)
    assert {key: len(names) for key, names in after.items()} == dict.fromkeys(before, 1)
    assert archived_ids(well.settings, well.sale.sale_id, tmp_path) == _acknowledged()
    assert _findings(well) == ()
    assert _compact(well) == [], "there is nothing left to gain"
    assert {one["state"] for one in well.database[ARCHIVE_COMPACTIONS].find()} == {"DONE"}


def test_late_facts_after_a_compaction_are_taken_in_by_the_next(well: Pipeline, tmp_path: Path) -> None:
    _compact(well)
    well.add([{**order(999_999, "09:55", (1, 1), 1, 1, 100), "arrived_at": at("10:29")}], [])
    archive_facts.run(well.settings, well.sale.sale_id, CLOSED)
    assert len(_files(well)[ORDERS.name, at("09:00")]) == 2
    assert len(_compact(well)) == 1
    expected = _acknowledged()
    expected[ORDERS.name][999_999] = 1
    assert archived_ids(well.settings, well.sale.sale_id, tmp_path) == expected
    assert _findings(well) == ()


def test_hours_that_are_open_or_unfinished_are_left_alone(pipeline: Pipeline) -> None:
    pipeline.database[ARCHIVE_BATCHES].update_one(
        {"table": ORDERS.name, "start": {"$gte": at("10:00")}}, {"$set": {"state": "PRUNING"}}
    )
    just_closed = list(compact(pipeline.settings, pipeline.sale.sale_id, at("10:22")))
    assert {(done.table, done.hour) for done in just_closed} == {(table.name, at("09:00")) for table in FACTS}
    rest = list(compact(pipeline.settings, pipeline.sale.sale_id, CLOSED))
    assert [(done.table, done.hour) for done in rest] == [("inventory_fact", at("10:00"))]


def test_dying_after_any_step_loses_nothing_and_shows_no_reader_both(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _files(pipeline)
    steps_left = 0

    def dying(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal steps_left
            result = original(self, *args, **kwargs)
            for key, names in _files(pipeline).items():
                assert names <= old[key] or not names & old[key], "a reader would see old and new files"
            steps_left -= 1
            if steps_left == 0:
                raise KeyboardInterrupt
            return result

        monkeypatch.setattr(owner, name, step)

    for owner, name in (
        *((HdfsStore, name) for name in ("upload", "rename", "delete", "write_text")),
        *((CompactionStore, name) for name in ("plan", "advance")),
    ):
        dying(owner, name)
    deaths = 0
    # The n-th run dies after its n-th step: every step is the last one of some run.
    for steps in range(1, 200):
        steps_left = steps
        try:
            _compact(pipeline)
            break
        except KeyboardInterrupt:
            deaths += 1
            assert _findings(pipeline) == (), f"after the death of run {steps}"
    steps_left = -1
    assert deaths > 10
    assert {key: len(names) for key, names in _files(pipeline).items()} == dict.fromkeys(old, 1)
    assert archived_ids(pipeline.settings, pipeline.sale.sale_id, tmp_path) == _acknowledged()


def test_killed_processes_leave_an_archive_that_the_next_run_finishes(
    stack: Stack, pipeline: Pipeline, tmp_path: Path
) -> None:
    code = (
        "import sys; from flashsale.minutes import parse_iso; from flashsale.settings import load_settings; "
        "from spark_jobs.archive_tools.compact import compact; print('begun', flush=True); "
        "list(compact(load_settings(), sys.argv[1], parse_iso(sys.argv[2])))"
    )
    environment = {**os.environ, **settings_environment(stack.config)}
    for _ in range(KILLS):
        command = (sys.executable, "-c", code, pipeline.sale.sale_id, iso(CLOSED))
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(random.uniform(0.05, 0.5))
        process.kill()
        process.communicate()
        assert _findings(pipeline) == ()
    _compact(pipeline)
    assert {len(names) for names in _files(pipeline).values()} == {1}
    assert archived_ids(pipeline.settings, pipeline.sale.sale_id, tmp_path) == _acknowledged()


def test_a_manifest_that_was_only_begun_is_awaited_until_it_is_whole(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = HdfsStore.rename

    class KilledError(Exception):
        pass

    def die_at_a_manifest(self: HdfsStore, source: str, target: str, *, overwrite: bool = False) -> None:
        if source.endswith(UNFINISHED_SUFFIX):
            raise KilledError
        rename(self, source, target, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(HdfsStore, "rename", die_at_a_manifest)
        with pytest.raises(KilledError):
            _compact(pipeline)
    begun = [path for path in _manifests(pipeline) if path.endswith(UNFINISHED_SUFFIX)]
    assert len(begun) == 1
    assert _findings(pipeline) == ()
    _compact(pipeline)
    assert not [path for path in _manifests(pipeline) if path.endswith(UNFINISHED_SUFFIX)]
    HdfsStore(pipeline.settings).write_text(begun[0], "{}")
    assert _findings(pipeline) == (f"manifest {begun[0]}: was begun, and nothing is under way that goes on with it",)


def _manifests(pipeline: Pipeline) -> list[str]:
    paths = SalePaths(pipeline.sale.sale_id)
    return [path for table in FACTS for path in HdfsStore(pipeline.settings).walk_files(paths.metadata(table.name))]


def test_a_damaged_source_or_staged_file_stops_it_with_every_old_file_in_place(
    damaged: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _files(damaged)
    upload = HdfsStore.upload

    def upload_less(self: HdfsStore, source: Path, path: str) -> None:
        source.write_bytes(source.read_bytes()[:-9])
        upload(self, source, path)

    with monkeypatch.context() as patch:
        patch.setattr(HdfsStore, "upload", upload_less)
        with pytest.raises((FlashsaleError, OSError, ValueError)):
            _compact(damaged)
    assert _files(damaged) == before
    hdfs, paths = HdfsStore(damaged.settings), SalePaths(damaged.sale.sale_id)
    path = hdfs.walk_files(paths.table(ORDERS.name))[0]
    content = hdfs.read_range(path, 0, hdfs.size(path))
    hdfs._client.write(path, content + b"x", overwrite=True)
    with pytest.raises(ReadBackError, match="is not the file that was published"):
        _compact(damaged)
    assert _files(damaged) == before
    hdfs._client.write(path, content, overwrite=True)
    assert _findings(damaged) == ()


def test_without_its_staged_file_a_compaction_goes_back_and_begins_anew(
    damaged: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, hdfs = HdfsStore.rename, HdfsStore(damaged.settings)

    def die_after_the_first(self: HdfsStore, source: str, target: str, *, overwrite: bool = False) -> None:
        rename(self, source, target, overwrite=overwrite)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(HdfsStore, "rename", die_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            _compact(damaged)
    assert len(_files(damaged)) == 3, "an hour is away"
    assert _queried(damaged) == sum(map(len, drawn())), "our own query looks where it went"
    hdfs.delete(SalePaths(damaged.sale.sale_id).staging_root)
    _compact(damaged)
    assert {len(names) for names in _files(damaged).values()} == {1}
    assert _findings(damaged) == ()


def test_while_an_archive_run_is_at_work_nothing_is_compacted(spark_services: Settings, open_test_sale: Open) -> None:
    shop = open_sale(spark_services, open_test_sale)
    with archive_lease(shop.database), pytest.raises(NothingToDoError, match="is at work"):
        _compact(shop)
