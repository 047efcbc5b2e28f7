"""The clock, as fast as possible, catching up, and a store that is slow, silent or full."""

import json
import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.minutes import MINUTE, floor_minute, iso, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.sales import active_sale, end_sale, find_sale
from generator.running.disk import RELIEF_GB, free_at_mongodb
from generator.running.options import Batching
from generator.running.write_behind import WriteBehind
from tests.support.generator_kills import acked_ticks
from tests.support.generator_runs import digest, ledger, run_in_process, start_generator, wait_for_tick, wait_until
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

LONG = SMALL.replace("duration_minutes = 10\nshards", "duration_minutes = 120\nshards", 1)
GB = 10**9


@pytest.fixture
def client(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "generator") as client:
        yield client


@pytest.fixture
def owner(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "owner") as client:
        yield client


def test_a_past_sale_runs_as_fast_as_it_can_be_stored_and_is_complete(client: Client, data_services: Settings) -> None:
    sale = open_sale(data_services, SMALL, floor_minute(utc_now()) - 12 * MINUTE, shipments=True)
    database = client[sale.database]
    process = start_generator(data_services, "--speed", "max")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert f"sale {sale.sale_id} is complete up to its end" in errors
    assert find_sale(client, sale.sale_id).phase == "ended"
    assert read_watermark(database) == sale.sale_end + 3 * MINUTE
    whole = open_sale(data_services, SMALL, sale.sale_start, shipments=True)
    run_in_process(client, data_services, whole, None, pace="max")
    assert digest(database) == digest(client[whole.database])

    again = start_generator(data_services, "--speed", "max", "--sale", sale.sale_id)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert read_watermark(database) == sale.sale_end + 3 * MINUTE
    assert (digest(database), ledger(database)) == (digest(client[whole.database]), ledger(client[whole.database]))


def test_a_run_at_another_pace_goes_on_where_the_one_before_stopped(client: Client, data_services: Settings) -> None:
    start = floor_minute(utc_now()) - 12 * MINUTE
    whole = open_sale(data_services, SMALL, start, shipments=True)
    run_in_process(client, data_services, whole, None, pace="max")
    sale = open_sale(data_services, SMALL, start, shipments=True)
    run_in_process(client, data_services, sale, 33)
    run_in_process(client, data_services, sale, 101, pace="max", workers=2)
    run_in_process(client, data_services, sale, 5)
    run_in_process(client, data_services, sale, None, pace="catch-up")
    assert digest(client[sale.database]) == digest(client[whole.database])
    assert ledger(client[sale.database]) == ledger(client[whole.database])


def test_catching_up_stores_what_is_missing_up_to_now_and_ends(client: Client, data_services: Settings) -> None:
    sale = open_sale(data_services, LONG, utc_now().replace(microsecond=0) - 7 * MINUTE, shipments=True)
    database = client[sale.database]
    run_in_process(client, data_services, sale, 30)
    process = start_generator(data_services, "--catch-up", "--workers", "2")
    _, errors = process.communicate(timeout=60)
    ended = utc_now()
    assert process.returncode == 0, errors
    assert "caught up with the clock" in errors
    watermark = read_watermark(database)
    assert watermark is not None
    # Of seven minutes; the process itself takes some seconds to end on a busy machine.
    assert timedelta(0) <= ended - watermark < timedelta(seconds=15)
    assert find_sale(client, sale.sale_id).phase == "live"
    ticks = set(acked_ticks(database, 2).values())
    assert len(ticks) == 1
    whole = open_sale(data_services, LONG, sale.sale_start, shipments=True)
    run_in_process(client, data_services, whole, ticks.pop() + 1)
    assert digest(database) == digest(client[whole.database])
    assert ledger(database) == ledger(client[whole.database])


def test_a_sale_that_another_has_replaced_can_still_be_completed(
    client: Client, owner: Client, data_services: Settings
) -> None:
    sale = open_sale(data_services, LONG, floor_minute(utc_now()) - 20 * MINUTE, shipments=True)
    run_in_process(client, data_services, sale, 100)
    live = open_sale(data_services, SMALL, utc_now() + timedelta(hours=1))
    # As if it had been replaced some minutes ago.
    end_sale(owner, sale.sale_id, sale.sale_start + 5 * MINUTE)
    process = start_generator(data_services, "--sale", sale.sale_id)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(rf"error: sale {sale.sale_id} is not the live one: --catch-up [^\n]*\n", errors)
    process = start_generator(data_services, "--sale", sale.sale_id, "--catch-up")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    done = find_sale(client, sale.sale_id)
    assert (done.phase, done.sale_end) == ("ended", sale.sale_start + 5 * MINUTE)
    assert read_watermark(client[sale.database]) == done.sale_end + 3 * MINUTE
    assert active_sale(client).sale_id == live.sale_id
    whole = open_sale(data_services, LONG, sale.sale_start, shipments=True)
    run_in_process(client, data_services, whole, 300)
    assert digest(client[sale.database]) == digest(client[whole.database])


def test_a_sale_that_is_not_over_cannot_run_faster_than_the_clock(client: Client, data_services: Settings) -> None:
    sale = open_sale(data_services, SMALL, floor_minute(utc_now()) - 2 * MINUTE)
    process = start_generator(data_services, "--speed", "max")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(rf"error: --speed max: sale {sale.sale_id} ends at {iso(sale.sale_end)}[^\n]*\n", errors)
    for table in FACTS:
        assert client[sale.database][table.name].find_one() is None


def test_a_silent_mongodb_is_told_and_costs_time_but_no_fact(
    client: Client, data_services: Settings, stack: Stack
) -> None:
    start = utc_now().replace(microsecond=0) - timedelta(seconds=20)
    sale = open_sale(data_services, LONG, start, shipments=True)
    process = start_generator(data_services, "--json")
    wait_until(lambda: _lag_seconds(client, sale) < 2, process)
    mongod = next(record for record in read_records(stack.config.run) if record.service == "mongo").process.pid
    os.kill(mongod, signal.SIGSTOP)
    try:
        time.sleep(9)
    finally:
        os.kill(mongod, signal.SIGCONT)
    wait_for_tick(client[sale.database], 45, process)
    wait_until(lambda: _lag_seconds(client, sale) < 2, process)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "MongoDB has acknowledged nothing for" in errors
    assert "MongoDB acknowledges again, after" in errors
    assert re.search(r"\d s behind the clock, \d+ % of the time waiting for MongoDB", errors), errors
    assert "caught up with the clock" in errors
    lines = [json.loads(line) for line in out.splitlines()]
    assert {"progress", "behind", "silent", "heard", "caught_up", "finished"} <= {line["event"] for line in lines}
    behind = next(line for line in lines if line["event"] == "behind" and line["tick"] >= 15)
    assert behind["lag_seconds"] > 5
    assert behind["waiting_share"] > 0.5
    ticks = set(acked_ticks(client[sale.database], 2).values())
    assert len(ticks) == 1
    whole = open_sale(data_services, LONG, start, shipments=True)
    run_in_process(client, data_services, whole, ticks.pop() + 1)
    assert digest(client[sale.database]) == digest(client[whole.database])
    assert ledger(client[sale.database]) == ledger(client[whole.database])


def test_a_full_disk_pauses_the_generator_which_goes_on_by_itself(
    client: Client, data_services: Settings, tmp_path: Path
) -> None:
    """A file takes the room that is asked for; nothing else may take or give back more than 1 GB meanwhile."""
    sale = open_sale(data_services, LONG, floor_minute(utc_now()) - 5 * MINUTE, shipments=True)
    ballast = data_services.home / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 3 * GB)
    try:
        free = free_at_mongodb(client[sale.database])
        assert free is not None
        heartbeat = tmp_path / "heartbeat"
        asked = {"disk_pause_gb": free / GB + 1.5 - RELIEF_GB, "disk_slow_gb": 0.0, "heartbeat_file": heartbeat}
        process = start_generator(data_services.model_copy(update=asked))
        wait_until(heartbeat.exists, process)
        time.sleep(2)
        assert acked_ticks(client[sale.database], 2) == {0: -1, 1: -1}
        first_beat = heartbeat.stat().st_mtime
        wait_until(lambda: heartbeat.stat().st_mtime > first_beat, process)
        assert client[sale.database]["inventory_fact"].find_one() is None
    finally:
        ballast.unlink()
    wait_for_tick(client[sale.database], 10, process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    told = re.findall(r"the disk of MongoDB has [^\n]*", errors)
    assert len(told) == 2
    assert re.search(r"has [\d.]+ GB free, needed are [\d.]+ GB: paused until there is more; .*_DISK_PAUSE_GB", told[0])
    assert "GB free again: going on" in told[1]


def test_a_nearly_full_disk_slows_the_run_and_changes_no_fact(
    client: Client, data_services: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a slow writer rests as long as it writes is shown, with its times, in the tests of the queue."""
    slow: list[bool] = []
    put = WriteBehind.put

    def watched(behind: WriteBehind, *arguments: Any) -> None:
        slow.append(behind.slow)
        put(behind, *arguments)

    monkeypatch.setattr(WriteBehind, "put", watched)
    start = floor_minute(utc_now()) - 12 * MINUTE
    small_queue = Batching(write_ticks=2, queue_ticks=4)
    digests = []
    for slow_gb in (0.0, 1e6):
        sale = open_sale(data_services, SMALL, start, shipments=True)
        chosen = data_services.model_copy(update={"disk_slow_gb": slow_gb, "disk_pause_gb": 0.0})
        caplog.clear()
        with caplog.at_level(logging.INFO, "generator"):
            run_in_process(client, chosen, sale, None, pace="max", batching=small_queue)
        assert ("writing half of the time only" in caplog.text) == (slow_gb > 0)
        assert slow[-1] == (slow_gb > 0)
        digests.append(digest(client[sale.database]))
    assert digests[0] == digests[1]


def _lag_seconds(client: Client, sale: SaleRun) -> float:
    watermark = read_watermark(client[sale.database])
    return 1e9 if watermark is None else (utc_now() - watermark).total_seconds()
