"""The backtest's rollups equal those that Spark makes of the same facts, machines and late facts included."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from evaluation.minute_rollups import MinuteRollup, MinuteRollups
from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from generator.facts import inventory_documents, order_documents, tick_time_ms
from generator.shard_state import TickFacts
from spark_jobs.hot_facts import HotFacts
from spark_jobs.minute_store import MinuteStore
from spark_jobs.rollup_refresh import RollupRefresh
from spark_jobs.rollups import MinuteRollup as SparkRollup
from spark_jobs.rollups import available
from spark_jobs.session import spark_session
from spark_jobs.sweep import KnownIds
from tests.support.sale_texts import SALES, with_values
from tests.support.shop import Pipeline, Shop
from tests.support.simulated import START, START_MS, ticks_of, worlds_of

Open = Callable[..., SaleRun]

MINUTES = 7
END = START + MINUTES * MINUTE
PRODUCTS, WAREHOUSES = 120, 7
SHOP = Shop(products=PRODUCTS, capacities=(9_000,) * WAREHOUSES, provinces=("Sindh",) * 12)
COLUMNS = {
    "orders": "orders",
    "units": "units",
    "squares": "units_squared",
    "value": "value",
    "bot_orders": "bot_orders",
    "bot_units": "bot_units",
    "bot_squares": "bot_units_squared",
    "bot_value": "bot_value",
    "in_stock_ms": "in_stock_ms",
}


@pytest.fixture(scope="module")
def ticks() -> list[list[TickFacts]]:
    """Machines in minutes 1 to 4, stock that runs out, facts late and out of order."""
    text = (SALES / "bot_burst.toml").read_text()
    text = with_values(text, orders_per_second=12.0).replace("orders_per_second = 12.0", "orders_per_second = 90.0", 1)
    text = with_values(text, cover_median_minutes=6.0, late_share=0.02, out_of_order_share=0.05)
    bots, burst = text.index("[[bots]]"), text.index("[[bursts]]")
    timed = text[:bots] + with_values(text[bots:burst], starts_at_minute=1, duration_minutes=4)
    return [facts for _, _, facts in ticks_of(worlds_of(timed), 60 * MINUTES)]


@pytest.mark.timeout(600)
def test_dense_rollups_equal_sparks(
    spark_services: Settings, open_test_sale: Open, ticks: list[list[TickFacts]]
) -> None:
    mine = MinuteRollups(START_MS, (PRODUCTS, WAREHOUSES))
    dense = [rollup for facts in ticks for rollup in mine.add(facts)]
    dense += mine.finish(MINUTES)
    built = _built(_stored(spark_services, open_test_sale, ticks))
    assert [rollup.minute for rollup in dense] == list(range(len(built))) == list(range(MINUTES))
    for one, other in zip(dense, built, strict=True):
        for name, of_spark in COLUMNS.items():
            missing = -1 if name == "in_stock_ms" else 0
            wrong = np.argwhere(getattr(one, name) != _dense(other, other.pw[of_spark], missing))
            assert not len(wrong), f"{name} of minute {one.minute} at {wrong[:3].tolist()}"
        left = available(other.pw["on_hand"], other.pw["reserved"])
        assert np.array_equal(one.available, _dense(other, left, -1)), f"available of minute {one.minute}"
    _something_of_everything(dense, ticks)


def _something_of_everything(dense: list[MinuteRollup], ticks: list[list[TickFacts]]) -> None:
    assert sum(int(rollup.bot_units.sum()) for rollup in dense) > 100
    assert any((rollup.available == 0).any() for rollup in dense)
    assert any(((rollup.in_stock_ms > 0) & (rollup.in_stock_ms < 60_000)).any() for rollup in dense)
    sent = sum(len(facts.orders.ts) for tick in ticks for facts in tick)
    assert 0 < sent - sum(int(rollup.orders.sum()) for rollup in dense) < 0.05 * sent, "nothing came too late"


def _stored(settings: Settings, open_test_sale: Open, ticks: list[list[TickFacts]]) -> Pipeline:
    pipeline = Pipeline(settings, open_test_sale(settings, sale_start=START, sale_end=END), SHOP)
    orders, inventory = [], []
    for tick in ticks:
        for facts in tick:
            arrived_ms = tick_time_ms(START_MS, facts.tick)
            orders += order_documents(facts.orders, arrived_ms)
            inventory += inventory_documents(facts.inventory, arrived_ms)
    pipeline.add(orders, inventory)
    return pipeline


def _built(pipeline: Pipeline) -> list[SparkRollup]:
    with spark_session(pipeline.settings, "test") as spark:
        database = pipeline.database
        watermark = END + 5 * MINUTE
        facts = HotFacts(spark, database, START, KnownIds.read(database), pipeline.settings, watermark)
        refresh = RollupRefresh(facts, MinuteStore(database), START, pipeline.settings, watermark)
        _, rebuilt = refresh.refresh(START + MINUTE, END, force=True)
    return [rebuilt[minute] for minute in sorted(rebuilt)]


def _dense(rollup: SparkRollup, values: npt.NDArray[np.int64], missing: int) -> npt.NDArray[np.int64]:
    table = np.full((PRODUCTS, WAREHOUSES), missing, dtype=np.int64)
    table[rollup.pw.product_id - 1, rollup.pw.warehouse_id - 1] = values
    return table
