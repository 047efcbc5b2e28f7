"""SIGKILL of the archive at every state boundary and at random instants, while facts keep arriving: nothing is lost."""

import random
import time
from collections.abc import Callable

import pytest

from embedded.stack import Stack
from flashsale.sale_run import SaleRun
from flashsale.schema import ARCHIVE_BATCHES, ORDERS
from flashsale.settings import Settings
from spark_jobs.archive_batch import State
from tests.support.archive_kills import facts_arriving, finish, kill_at, start_run, wait_until_at_work
from tests.support.archived_sale import acknowledged, everywhere, hot_ids, orphans, settled_sale
from tests.support.shop import Pipeline

Open = Callable[..., SaleRun]


@pytest.fixture(scope="module")
def hdfs_services(stack: Stack, data_services: Settings) -> Settings:
    stack.start("datanode")
    return data_services


@pytest.fixture
def pipeline(hdfs_services: Settings, open_test_sale: Open) -> Pipeline:
    return settled_sale(hdfs_services, open_test_sale)


def test_sigkill_at_every_state_boundary(pipeline: Pipeline, stack: Stack) -> None:
    died = []
    for state in (State.SEALED, State.STAGED, State.VERIFIED, State.PUBLISHED, State.PRUNING, State.PRUNED):
        run = start_run(stack, pipeline, die_at=state)
        run.communicate(timeout=120)
        assert run.returncode == -9, f"the run did not come to {state}"
        states = {b["state"] for b in pipeline.database[ARCHIVE_BATCHES].find({"table": {"$exists": True}})}
        assert state.value in states
        died.append(state)
        assert everywhere(pipeline).keys() == acknowledged().keys()
    finish(start_run(stack, pipeline))
    assert len(died) == 6
    _assert_nothing_is_lost(pipeline, acknowledged())


def test_five_kills_at_random_instants(pipeline: Pipeline, stack: Stack) -> None:
    _kill_many(pipeline, stack, 5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_kills_at_random_instants(pipeline: Pipeline, stack: Stack) -> None:
    _kill_many(pipeline, stack, 100)


def _kill_many(pipeline: Pipeline, stack: Stack, kills: int) -> None:
    rng, known = random.Random(7), acknowledged()
    states: list[str] = []
    with facts_arriving(pipeline, known, rng):
        length = 1.0
        while len(states) < kills:
            run = start_run(stack, pipeline)
            wait_until_at_work(run)
            began = time.monotonic()
            if kill_at(run, rng.uniform(0, length)):
                batch = pipeline.database[ARCHIVE_BATCHES].find_one({"state": {"$exists": True, "$ne": "PRUNED"}})
                states.append(batch["state"] if batch else "between batches")
            else:
                # It was through: the instants of the next ones lie within what a run takes now.
                length = max(0.3, 0.9 * (time.monotonic() - began))
    print(f"{kills} kills; what was at hand: { ({state: states.count(state) for state in sorted(set(states))}) }")
    finish(start_run(stack, pipeline))
    _assert_nothing_is_lost(pipeline, known)
    print(f"{known[ORDERS.name].total()} orders, each exactly once")


def _assert_nothing_is_lost(pipeline: Pipeline, known: dict[str, object]) -> None:
    assert everywhere(pipeline) == known
    assert sum(ids.total() for ids in hot_ids(pipeline).values()) == 0
    assert orphans(pipeline) == []
