"""Long faults on the whole stack, for real: ten minutes without the KPI DAG, and a kill of every service."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded.config import StackConfig, isolated_config
from embedded.environment import settings_environment
from embedded.run_records import RunRecord, read_records
from embedded.stack import Stack
from flashsale.minutes import MINUTE, floor_minute, parse_iso, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import DIMENSIONS, FACTS, KPI_HISTORY
from flashsale.stores.ingest import put_checkpoint, read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import provision_sale
from flashsale.stores.sales import activate, set_first_order
from spark_jobs import minute_kpis
from tests.e2e.war_room import WarRoom
from tests.support.archive_files import archived_ids
from tests.support.known_orders import known_ids
from tests.support.scenarios import SMALL
from tests.support.stacks import temporary_home

OUTAGE_MINUTES = 10
RECOVERY_SECONDS = 150

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[StackConfig]:
    scenario = tmp_path / "soak.toml"
    scenario.write_text(SMALL.replace("duration_minutes = 10", "duration_minutes = 120"))
    with temporary_home() as home:
        yield isolated_config(home, sale=scenario)


def _copy_of(sale: SaleRun, client: Client, sale_id: str) -> SaleRun:
    """The same facts and dimensions under another name, as if nothing had ever run on them."""
    copy = SaleRun(
        sale_id, sale.scenario, sale.scenario_toml, sale.seed, sale.sale_start, sale.sale_end, first_order_ts=None
    )
    provision_sale(client, copy)
    for table in (*DIMENSIONS, *FACTS):
        documents = list(client[sale.database][table.name].find())
        client[copy.database][table.name].insert_many(documents)
    watermark = read_watermark(client[sale.database])
    assert watermark is not None
    put_checkpoint(client[copy.database], 0, watermark, 0, None)
    return copy


def test_the_snapshot_after_ten_minutes_without_the_dag_equals_the_uninterrupted_one(config: StackConfig) -> None:
    with Stack(config) as stack:
        stack.start_all()
        with mongo_client(config.settings, "owner") as mongo:
            room = WarRoom(stack, mongo)
            room.wait_for_minute(room.sale.sale_start + 2 * MINUTE, 300)
            room.airflow.pause("minute_kpis")
            time.sleep(OUTAGE_MINUTES * 60)
            room.airflow.pause("minute_kpis", paused=False)
            first = room.wait_for_minute(floor_minute(utc_now()) - MINUTE, 150)
            assert first["meta"]["complete"]
            end = parse_iso(first["meta"]["data_interval_end"])
            room.wait_for_minute(end + 3 * MINUTE, 300)
            room.airflow.pause("minute_kpis")
            interrupted = _settled(room.mongo, room.sale, end)
            first_order = room.current_sale().first_order_ts
            assert first_order is not None
            copy = _copy_of(room.sale, mongo, "soak_copy")
            activate(mongo, copy)
            set_first_order(mongo, copy.sale_id, first_order)
            minute_kpis.backfill(config.settings, copy.sale_start, end, copy.sale_id)
            assert _settled(mongo, copy, end) == interrupted
            print(f"minutes with equal digests after an outage of {OUTAGE_MINUTES} minutes: {len(interrupted)}")


def test_every_service_killed_in_turn_comes_back_and_no_order_is_lost(config: StackConfig, tmp_path: Path) -> None:
    ports = {f"FLASHSALE_PORT_{name.upper()}": str(port) for name, port in config.ports.model_dump().items()}
    environment = {**os.environ, **settings_environment(config), **ports}
    with subprocess.Popen([sys.executable, "-m", "embedded", "demo"], env=environment) as demo:
        try:
            _wait(lambda: len(_ready(config)) >= 11, 240, "the stack never came up")
            with mongo_client(config.settings, "owner") as mongo:
                room = WarRoom(Stack(config), mongo)
                room.wait_for_minute(room.sale.sale_start, 200)
                for name in sorted(_ready(config)):
                    _kill_and_wait(config, room, name)
                everywhere = _ids_everywhere(room, tmp_path)
                watermark = read_watermark(mongo[room.sale.database])
                assert watermark is not None
                for table, expected in known_ids(room.sale, watermark - MINUTE).items():
                    missing = expected - everywhere[table]
                    assert not missing, f"{table}: {len(missing)} facts lost"
                    assert max(everywhere[table].values()) == 1, f"{table}: a fact stands twice"
                    print(f"{table}: {sum(expected.values())} facts acknowledged, none lost, none twice")
        finally:
            demo.send_signal(signal.SIGTERM)
            assert demo.wait(timeout=180) == 0


def _kill_and_wait(config: StackConfig, room: WarRoom, name: str) -> None:
    record = _ready(config)[name]
    began = time.monotonic()
    killed_at = utc_now()
    os.killpg(record.process.pid, signal.SIGKILL)
    _wait(
        lambda: name in _ready(config) and _ready(config)[name].restarts > record.restarts,
        RECOVERY_SECONDS,
        f"{name} did not come back",
    )
    back = time.monotonic() - began
    room.wait_for_minute(floor_minute(killed_at) + MINUTE, RECOVERY_SECONDS)
    print(f"{name}: answers again after {back:.0f} s, fresh snapshot after {time.monotonic() - began:.0f} s")


def _ready(config: StackConfig) -> dict[str, RunRecord]:
    return {record.service: record for record in read_records(config.run) if record.state == "ready"}


def _settled(client: Client, sale: SaleRun, end: object) -> dict[str, str]:
    found = client[sale.database][KPI_HISTORY].find({"settled": True, "_id": {"$lte": end}})
    return {document["_id"].isoformat(): document["digest"] for document in found}


def _ids_everywhere(room: WarRoom, folder: Path) -> dict[str, Counter[int]]:
    archived = archived_ids(room.settings, room.sale.sale_id, folder)
    database = room.mongo[room.sale.database]
    return {
        t.name: archived[t.name] + Counter(int(d["_id"]) for d in database[t.name].find({}, {"_id": 1})) for t in FACTS
    }


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{otherwise} within {seconds:.0f} s")
        time.sleep(1)
