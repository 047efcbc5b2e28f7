"""Several worker processes: they end together, whoever is told to and whoever dies, and leave nobody behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from flashsale.minutes import floor_minute, utc_now
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Client, mongo_client
from tests.support.generator_kills import acked_ticks, wait_for_progress
from tests.support.generator_runs import digest, environment, ledger, run_in_process, start_generator
from tests.support.generator_sales import BUSY_SHARDS, busy_scenario, open_sale

LONG = busy_scenario(minutes=60)
"""Longer than any test lets it run."""


@pytest.fixture
def client(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "generator") as client:
        yield client


@pytest.fixture
def sale(data_services: Settings) -> SaleRun:
    return open_sale(data_services, LONG, floor_minute(utc_now()) - timedelta(minutes=90), shipments=True)


def _workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline())]


def _assert_ended(workers: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive, f"workers were left behind: {alive}"


def test_sigterm_stores_what_was_simulated_and_all_shards_stop_at_the_same_tick(
    client: Client, data_services: Settings, sale: SaleRun
) -> None:
    database = client[sale.database]
    process = start_generator(data_services, "--speed", "max", "--workers", "2", "--json")
    wait_for_progress(database, BUSY_SHARDS, process, ticks=1)
    workers = _workers_of(process)
    assert len(workers) == 2
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    _assert_ended(workers)
    ticks = set(acked_ticks(database, BUSY_SHARDS).values())
    assert len(ticks) == 1
    end = sale.sale_start + timedelta(seconds=ticks.pop() + 1)
    assert sale.sale_start < end < sale.sale_end
    assert read_watermark(database) == end
    assert database["orders_fact"].count_documents({"arrived_at": {"$gte": end}}) == 0
    totals = json.loads(out.splitlines()[-1])
    assert (totals["event"], totals["orders"]) == ("finished", database["orders_fact"].count_documents({}))
    assert totals["inventory_events"] == database["inventory_fact"].count_documents({})


def test_ctrl_c_of_a_terminal_reaches_all_processes_and_ends_them_well(
    client: Client, data_services: Settings, sale: SaleRun
) -> None:
    """The signal comes while the workers are still starting: none of them may die of it."""
    command = [sys.executable, "-m", "generator.cli", "run", "--speed", "max", "--workers", "2"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, env=environment(data_services), cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(_workers_of(process)) < 2:
            assert time.monotonic() < deadline
        workers = _workers_of(process)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "KeyboardInterrupt" not in errors
    _assert_ended(workers)
    assert len(set(acked_ticks(client[sale.database], BUSY_SHARDS).values())) == 1


def test_a_dead_worker_ends_the_others_with_one_clear_line_and_the_next_start_goes_on(
    client: Client, data_services: Settings, sale: SaleRun
) -> None:
    database = client[sale.database]
    process = start_generator(data_services, "--speed", "max", "--workers", "2")
    wait_for_progress(database, BUSY_SHARDS, process, ticks=1)
    workers = _workers_of(process)
    workers[1].kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(
        r"error: worker \d of 2 \(shards \d, \d\) was killed by SIGKILL; the next start goes on [^\n]*",
        errors.splitlines()[-1],
    )
    assert "Traceback" not in errors
    _assert_ended(workers)

    reached = min(acked_ticks(database, BUSY_SHARDS).values()) + 1
    ticks = max(acked_ticks(database, BUSY_SHARDS).values()) + 1 + 30
    run_in_process(client, data_services, sale, ticks - reached, pace="max")
    whole = open_sale(data_services, LONG, sale.sale_start, shipments=True)
    run_in_process(client, data_services, whole, ticks, pace="max")
    assert digest(database) == digest(client[whole.database])
    assert ledger(database) == ledger(client[whole.database])


def test_workers_of_a_killed_leader_stop_writing_at_once(
    client: Client, data_services: Settings, sale: SaleRun
) -> None:
    database = client[sale.database]
    process = start_generator(data_services, "--speed", "max", "--workers", "4")
    wait_for_progress(database, BUSY_SHARDS, process, ticks=1)
    workers = _workers_of(process)
    assert len(workers) == 4
    process.kill()
    process.wait()
    _assert_ended(workers)
    process.communicate()
    time.sleep(0.3)
    before = acked_ticks(database, BUSY_SHARDS)
    time.sleep(1)
    assert acked_ticks(database, BUSY_SHARDS) == before


def test_more_workers_than_shards_are_refused_in_one_line(data_services: Settings, sale: SaleRun) -> None:
    process = start_generator(data_services, "--speed", "max", "--workers", "5")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"error: --workers 5: scenario test_small has 4 shards[^\n]*\n", errors)


def test_a_failure_of_one_worker_is_the_one_line_of_the_run(
    client: Client, data_services: Settings, sale: SaleRun
) -> None:
    """The checkpoint of one shard is of another scenario: its worker alone can find that out."""
    run_in_process(client, data_services, sale, 70, pace="max")
    other = open_sale(data_services, LONG.replace("count = 12", "count = 40"), sale.sale_start)
    run_in_process(client, data_services, other, 70, pace="max")
    foreign = client[other.database]["generator_checkpoints"].find_one({"_id": 1})
    assert foreign is not None
    client[sale.database]["generator_checkpoints"].update_one({"_id": 1}, {"$set": {"state": foreign["state"]}})
    process = start_generator(data_services, "--sale", sale.sale_id, "--speed", "max", "--workers", "2")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"error: checkpoint of shard 1 holds [^\n]*", errors.splitlines()[-1])
    assert "Traceback" not in errors
