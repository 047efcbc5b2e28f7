"""The same facts and the same counts, whatever the number of workers, the size of a write, and who was killed."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache

import pytest

from flashsale.minutes import floor_minute, utc_now
from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, FACTS
from flashsale.settings import Settings
from flashsale.stores.ingest import ledger_totals
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.sales import find_sale
from generator.running.options import Batching
from tests.support.generator_kills import Remains, Victim, remains, wait_for_progress, wait_for_write
from tests.support.generator_runs import Documents, digest, ledger, run_in_process, start_generator
from tests.support.generator_sales import BUSY_SHARDS, busy_scenario, open_sale
from tests.support.quarantined import quarantined

MINUTES = 5


@pytest.fixture(scope="module")
def client(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "generator") as client:
        yield client


WholeSale = Callable[[int], SaleRun]


@pytest.fixture(scope="module")
def whole_sale(client: Client, data_services: Settings) -> WholeSale:
    """`whole_sale(minutes)`: a sale that is over and was written by one worker without any interruption."""

    @cache
    def written(minutes: int) -> SaleRun:
        start = floor_minute(utc_now()) - timedelta(minutes=60)
        sale = open_sale(data_services, busy_scenario(minutes), start, shipments=True)
        run_in_process(client, data_services, sale, None, pace="max")
        database = client[sale.database]
        assert database["orders_fact"].count_documents({}) > 4_000 * minutes
        assert ledger_totals(database).acked == sum(database[table.name].count_documents({}) for table in FACTS)
        return sale

    return written


def _same_sale(data_services: Settings, whole: SaleRun) -> SaleRun:
    return open_sale(data_services, whole.scenario_toml, whole.sale_start, shipments=True)


def _assert_same(client: Client, sale: SaleRun, whole: SaleRun) -> None:
    assert digest(client[sale.database]) == digest(client[whole.database])
    assert ledger(client[sale.database]) == ledger(client[whole.database])
    assert quarantined(client[sale.database]) == quarantined(client[whole.database])
    first = client[sale.database]["orders_fact"].find_one(sort=[("order_ts", 1)])
    assert first is not None
    assert find_sale(client, sale.sale_id).first_order_ts == first["order_ts"]


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers_writes_the_same(
    client: Client, data_services: Settings, whole_sale: WholeSale, workers: int
) -> None:
    whole = whole_sale(MINUTES)
    sale = _same_sale(data_services, whole)
    run_in_process(client, data_services, sale, None, pace="max", workers=workers)
    _assert_same(client, sale, whole)


@pytest.mark.parametrize(
    "batching", [Batching(write_ticks=2), Batching(write_bytes=20_000, queue_bytes=100_000)], ids=["ticks", "bytes"]
)
def test_any_size_of_a_write_stores_the_same(
    client: Client, data_services: Settings, whole_sale: WholeSale, batching: Batching
) -> None:
    whole = whole_sale(MINUTES)
    sale = _same_sale(data_services, whole)
    run_in_process(client, data_services, sale, None, pace="max", batching=batching)
    _assert_same(client, sale, whole)


def test_shards_whose_states_are_of_different_ticks_go_on_as_if_nothing_had_been(
    client: Client, data_services: Settings, whole_sale: WholeSale
) -> None:
    """One shard has lost everything since tick 63, another only its newer states, two have lost nothing."""
    whole = whole_sale(MINUTES)
    sale = _same_sale(data_services, whole)
    checkpoints = client[sale.database][CHECKPOINTS]
    run_in_process(client, data_services, sale, 64, pace="max")
    older = {c["_id"]: c for c in checkpoints.find()}
    run_in_process(client, data_services, sale, 120, pace="max")
    assert {c["tick"] for c in checkpoints.find()} == {183}
    for name in ("acked_through", "tick", "state"):
        checkpoints.update_one({"_id": 2}, {"$set": {name: older[2][name]}})
    checkpoints.update_one({"_id": 0}, {"$set": {"state.simulation": older[0]["state"]["simulation"]}})
    run_in_process(client, data_services, sale, None, pace="max", workers=2)
    _assert_same(client, sale, whole)


@pytest.mark.parametrize(
    ("kills", "at_least_inside", "minutes"),
    [
        pytest.param(5, 2, 8, id="5"),
        pytest.param(20, 5, 24, id="20", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
def test_sigkills_leave_no_trace(
    client: Client, data_services: Settings, whole_sale: WholeSale, kills: int, at_least_inside: int, minutes: int
) -> None:
    whole = whole_sale(minutes)
    sale = _same_sale(data_services, whole)
    killed = _run_with_kills(client[sale.database], client[whole.database], data_services, kills, at_least_inside)
    _finish(data_services)
    cut_off = sum(one.is_partial for one in killed)
    inside = sum(one.facts > 0 for one in killed)
    print(f"{len(killed)} SIGKILLs: {inside} with facts of an unacknowledged batch stored, {cut_off} in part of it")
    assert cut_off >= at_least_inside
    _assert_same(client, sale, whole)


def _run_with_kills(
    database: Documents, whole: Documents, settings: Settings, kills: int, at_least_inside: int
) -> list[Remains]:
    """Start it with one, two or four workers and kill it, most times while it writes.

    So many times; some more, at most half as many, when too few have met it inside a write.
    """
    chance = random.Random(kills)
    killed: list[Remains] = []
    for number in range(kills + kills // 2):
        if number >= kills and sum(one.is_partial for one in killed) >= at_least_inside:
            break
        victim = Victim(settings, workers=(1, 2, 4)[number % 3])
        if number % 4 == 3:
            wait_for_progress(database, BUSY_SHARDS, victim.process, ticks=chance.randint(1, 30))
        else:
            wait_for_write(database, victim.process)
        victim.kill()
        killed.append(remains(database, whole, BUSY_SHARDS))
    return killed


def _finish(settings: Settings) -> None:
    process = start_generator(settings, "--speed", "max", "--workers", "2")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "going on at tick" in errors
