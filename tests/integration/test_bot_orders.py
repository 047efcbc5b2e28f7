"""What machines bought, as the rollups have it: on real services, from facts alone, and held against the truth.

The sale is that of `configs/sales/bot_burst.toml`, shortened: machines, and a crowd that comes by itself.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from flashsale.bots import MinuteOrders, bot_like
from flashsale.minutes import MINUTE, epoch_ms, from_epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.schema import ORDERS, QUARANTINE_OF, ROLLUP_PW
from flashsale.settings import Settings
from generator.facts import OrderColumns, order_documents
from spark_jobs.hot_facts import HotFacts
from spark_jobs.minute_store import MinuteStore
from spark_jobs.pair_columns import PairColumns, decode, encode
from spark_jobs.rollup_refresh import RollupRefresh
from spark_jobs.rollups import BOT_SUMS, PW_COLUMNS, MinuteRollup
from spark_jobs.session import spark_session
from spark_jobs.sweep import KnownIds
from tests.support.sale_texts import SALES, with_values
from tests.support.shop import Pipeline, Shop
from tests.support.simulated import START, START_MS, Run, simulate, worlds_of

Open = Callable[..., SaleRun]
Document = dict[str, Any]
Bought = dict[tuple[datetime, int, int], tuple[int, ...]]

MINUTES = 8
END = START + MINUTES * MINUTE
BOTS_FROM, BURST_FROM = 1, 6
SHOP = Shop(products=120, capacities=(9_000,) * 7, provinces=("Sindh",) * 12)
UNKNOWN_CITY = 999

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def run() -> Run:
    text = (SALES / "bot_burst.toml").read_text()
    text = with_values(text, orders_per_second=12.0).replace("orders_per_second = 12.0", "orders_per_second = 120.0", 1)
    bots, burst = text.index("[[bots]]"), text.index("[[bursts]]")
    timed = (
        text[:bots],
        with_values(text[bots:burst], starts_at_minute=BOTS_FROM, duration_minutes=4),
        with_values(text[burst:], starts_at_minute=BURST_FROM, duration_minutes=2, multiplier=6.0),
    )
    return simulate(worlds_of("".join(timed)), 60 * MINUTES)


@pytest.fixture(scope="module")
def documents(run: Run) -> list[Document]:
    """All orders; each arrives at once."""
    found = order_documents(run.orders(), START_MS)
    for document in found:
        document["arrived_at"] = document["order_ts"]
    return found


@pytest.fixture(scope="module")
def rollups(spark_services: Settings, open_test_sale: Open, documents: list[Document]) -> list[MinuteRollup]:
    """Of all orders, stored as they came, read in as few slices as there are minutes."""
    pipeline = _stored(spark_services, open_test_sale, documents)
    return _built(pipeline, 1)


def test_the_rollups_have_what_the_orders_of_each_minute_taken_together_tell(
    run: Run, rollups: list[MinuteRollup]
) -> None:
    found = _bought(rollups)
    assert found == _told_by(run.orders())
    assert {product for _, product, _ in found} == {7, 23, 61}
    for rollup in rollups:
        for bots, of_all in zip(BOT_SUMS, ("orders", "units", "units_squared", "value"), strict=True):
            assert (rollup.pw[bots] <= rollup.pw[of_all]).all()


def test_machines_are_found_and_the_crowd_is_not(
    run: Run, rollups: list[MinuteRollup], capsys: pytest.CaptureFixture[str]
) -> None:
    units = {key: sums[1] for key, sums in _bought(rollups).items()}
    true = _truth(run)
    right = sum(min(count, units.get(key, 0)) for key, count in true.items())
    recall, precision = right / true.total(), right / sum(units.values())
    with capsys.disabled():
        print(f"\nunits of machines: {true.total()}, recall {recall:.3f}, precision {precision:.3f}")
    assert recall >= 0.95
    assert precision >= 0.95
    crowd = [rollup.units for rollup in rollups]
    assert crowd[BURST_FROM] > 1.2 * crowd[0], "no crowd came"
    assert all(minute < START + (BOTS_FROM + 4) * MINUTE for minute, _, _ in units)


def test_the_same_bytes_in_any_order_of_arrival_and_on_any_number_of_slices(
    spark_services: Settings, open_test_sale: Open, documents: list[Document], rollups: list[MinuteRollup]
) -> None:
    shuffled = random.Random(5).sample(documents, len(documents))
    again = _built(_stored(spark_services, open_test_sale, shuffled), 3)
    assert [r.digest() for r in again] == [r.digest() for r in rollups]
    assert any(r.pw["bot_units"].any() for r in again)


def test_machines_orders_that_came_late_or_are_not_sound_do_not_count(
    spark_services: Settings, open_test_sale: Open, run: Run, documents: list[Document]
) -> None:
    orders = run.orders()
    late = np.random.default_rng(2).random(len(orders.order_id)) < 0.02
    of_machines = np.flatnonzero(orders.seller_id == 13)[:5]
    late[of_machines] = True
    changed = []
    for document, is_late in zip(documents, late.tolist(), strict=True):
        moment = document["order_ts"]
        changed.append({**document, "arrived_at": moment + timedelta(minutes=3)} if is_late else document)
    unsound = [{**documents[i], "_id": 1 + 2**50 + i, "city_id": UNKNOWN_CITY} for i in of_machines.tolist()]
    pipeline = _stored(spark_services, open_test_sale, changed + unsound)
    assert _bought(_built(pipeline, 2)) == _told_by(orders.take(np.flatnonzero(~late)))
    assert pipeline.database[QUARANTINE_OF[ORDERS.name]].count_documents({}) == len(unsound)


def test_what_is_stored_is_what_was_built_and_needs_no_second_run(
    spark_services: Settings, open_test_sale: Open, documents: list[Document]
) -> None:
    start, end = START + BOTS_FROM * MINUTE, START + (BOTS_FROM + 1) * MINUTE
    pipeline = _stored(spark_services, open_test_sale, [d for d in documents if start <= d["order_ts"] < end])
    built = {rollup.minute: rollup for rollup in _built(pipeline, 2)}
    assert built[start].pw["bot_units"].any()
    loaded = MinuteStore(pipeline.database).load_rollup(start)
    assert loaded.digest() == built[start].digest()
    assert _built(pipeline, 2, force=False) == []


def test_a_minute_that_an_older_version_stored_is_read_and_carried_on_from_without_building_again(
    spark_services: Settings, open_test_sale: Open, documents: list[Document]
) -> None:
    last = END - MINUTE
    pipeline = _stored(spark_services, open_test_sale, [d for d in documents if d["order_ts"] < last])
    _built(pipeline, 2)
    store, collection = MinuteStore(pipeline.database), pipeline.database[ROLLUP_PW]
    carried = ""
    for document in collection.find().sort("_id", 1):
        columns = decode(document["rows"]).drop_columns(list(BOT_SUMS))
        digest = PairColumns.from_arrow(columns, [c for c in PW_COLUMNS if c not in BOT_SUMS]).digest()
        older = {"rows": encode(columns), "digest": digest, "carried_digest": carried or document["carried_digest"]}
        collection.update_one({"_id": document["_id"]}, {"$set": older})
        carried = digest
    assert not store.load_rollup(last).pw["bot_units"].any()

    pipeline.database[ORDERS.name].insert_many([d for d in documents if d["order_ts"] >= last])
    assert [rollup.minute for rollup in _built(pipeline, 2, force=False)] == [last]
    assert _built(pipeline, 2, force=False) == []
    first_bots = START + BOTS_FROM * MINUTE
    assert not store.load_rollup(first_bots).pw["bot_units"].any()
    assert {r.minute: r for r in _built(pipeline, 2)}[first_bots].pw["bot_units"].any()


def _stored(settings: Settings, open_test_sale: Open, documents: list[Document]) -> Pipeline:
    sale = open_test_sale(settings, sale_start=START, sale_end=END)
    pipeline = Pipeline(settings, sale, SHOP)
    pipeline.database[ORDERS.name].insert_many(documents)
    return pipeline


def _built(pipeline: Pipeline, workers: int, *, force: bool = True) -> list[MinuteRollup]:
    """Rollups built anew, oldest first, with so many slices at least for each reading; of all minutes with `force`."""
    settings = pipeline.settings.model_copy(update={"spark_parallelism": workers})
    with spark_session(settings, "test") as spark:
        database = pipeline.database
        known, watermark = KnownIds.read(database), END + 5 * MINUTE
        facts = HotFacts(spark, database, START, known, settings, watermark)
        refresh = RollupRefresh(facts, MinuteStore(database), START, settings, watermark)
        _, rebuilt = refresh.refresh(START + MINUTE, END, force=force)
    return [rebuilt[minute] for minute in sorted(rebuilt)]


def _bought(rollups: list[MinuteRollup]) -> Bought:
    """(minute, product, warehouse) -> orders, units, units² and value of machines, where there are any."""
    found: Bought = {}
    for rollup in rollups:
        pw = rollup.pw
        for row in np.flatnonzero(pw["bot_orders"]).tolist():
            key = (rollup.minute, int(pw.product_id[row]), int(pw.warehouse_id[row]))
            found[key] = tuple(int(pw[name][row]) for name in BOT_SUMS)
    return found


def _told_by(orders: OrderColumns) -> Bought:
    """The same from `bot_like` on all orders of each minute."""
    sums: Counter[tuple[tuple[datetime, int, int], int]] = Counter()
    for number in range(MINUTES):
        start = epoch_ms(START + number * MINUTE)
        one = orders.take(np.flatnonzero((orders.ts >= start) & (orders.ts < start + 60_000)))
        mask = bot_like(MinuteOrders(one.product_id, one.seller_id, one.city_id, one.qty, one.ts))
        bots = one.take(np.flatnonzero(mask))
        columns = (bots.product_id, bots.warehouse_id, bots.qty, bots.value)
        for product, warehouse, qty, value in zip(*(column.tolist() for column in columns), strict=True):
            for place, amount in enumerate((1, qty, qty * qty, value)):
                sums[(from_epoch_ms(start), product, warehouse), place] += amount
    return {key: tuple(sums[key, place] for place in range(4)) for key, _ in sums}


def _truth(run: Run) -> Counter[tuple[datetime, int, int]]:
    """(minute, product, warehouse) -> units machines bought."""
    units: Counter[tuple[datetime, int, int]] = Counter()
    for tick, shards in enumerate(run.history):
        for world, facts in zip(run.worlds, shards, strict=True):
            for key, count in zip(facts.truth.bots.key.tolist(), facts.truth.bots.units.tolist(), strict=True):
                product, warehouse = divmod(key, world.shape[1])
                units[START + tick // 60 * MINUTE, int(world.product_id[product]), warehouse + 1] += count
    return units
