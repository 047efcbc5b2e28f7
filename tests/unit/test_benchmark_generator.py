"""The generator's benchmark: figures by hand; the floor sends every document once, in the order of time."""

import numpy as np
import pytest

from benchmarks.generator_figures import WARM_UP_TICKS, Measured, figures
from benchmarks.generator_floor import in_batches
from benchmarks.generator_pass import Pass
from benchmarks.generator_simulation import Simulated, encoded, simulate
from benchmarks.generator_store import FactSizes
from benchmarks.report import Figure
from flashsale.minutes import parse_iso
from flashsale.sale_opening import new_sale
from flashsale.scenario import parse_scenario
from flashsale.schema import FACTS
from tests.support.scenarios import SMALL


@pytest.mark.parametrize(
    ("value", "goal", "verdict"),
    [
        (0.8, ">=0.80", "ok"),
        (0.7999, ">=0.80", "short"),
        (400.0, "<=400", "ok"),
        (400.1, "<=400", "short"),
        (7.0, "", "ok"),
    ],
)
def test_a_goal_is_met_or_missed_by_the_value_itself(value: float, goal: str, verdict: str) -> None:
    assert Figure("name", value, "", "meaning", goal).verdict == verdict


def test_figures_by_hand() -> None:
    def floor(batch: int, *rates: int) -> list[Pass]:
        return [Pass(rate, 1.0, 1e-6 * rate, 9e-6 * rate, batch=batch) for rate in rates]

    rounds = list(zip(zip(floor(10, 90, 100, 130), floor(20, 80, 110, 120), strict=True), (88, 70, 99), strict=True))
    own = [(floors, Pass(rate, 1.0, 2e-6 * rate, 10e-6 * rate)) for floors, rate in rounds]
    samples = [(WARM_UP_TICKS - 1, [10**9, 1]), *((WARM_UP_TICKS + n, [100 + n, 200 + 4 * n]) for n in range(9))]
    measured = Measured(
        Simulated(orders=3_000, events=1_000, cpu_seconds=0.002),
        sweep=floor(10, 100) + floor(20, 160),
        many=floor(10, 60) + floor(20, 120),
        rounds=own,
        long_run=Pass(1_000, 4.0, 1.0, memory=samples),
        sizes=FactSizes(documents=1_000, bson=150_000, disk=50_000, indexes=60_000),
    )
    main_table, sweep = figures(measured)
    assert {figure.name: figure.value for figure in main_table} == pytest.approx(
        {
            "generator_store_ratio": 88 / 110,
            "generator_documents_per_s": 88,
            "floor_documents_per_s": 110,
            "insert_many_ratio": 120 / 160,
            "generator_cpu_us": 2,
            "generator_mongod_cpu_us": 10,
            "floor_cpu_us": 1,
            "floor_mongod_cpu_us": 9,
            "simulated_orders_per_s": 1_500_000,
            "simulated_documents": 4_000,
            "worker_memory_mb": 1_000,
            "worker_memory_growth": 228 / 204,
            "stored_documents": 1_000,
            "stored_share": 25,
            "stored_seconds": 4,
            "stored_documents_per_s": 250,
            "document_bson_bytes": 150,
            "document_disk_bytes": 50,
            "document_index_bytes": 60,
        }
    )
    assert {figure.name: figure.value for figure in sweep} == {
        "sweep_blocks_10": 100,
        "sweep_blocks_20": 160,
        "sweep_insert_many_10": 60,
        "sweep_insert_many_20": 120,
    }


def test_the_floor_sends_what_the_generator_would_in_batches_of_one_table() -> None:
    scenario = parse_scenario(SMALL, "of the test")
    sale = new_sale(scenario, parse_iso("2026-11-11T09:00Z"))
    ticks = list(encoded(scenario, sale, 20, [1]))
    assert len(ticks) == 20
    batches = list(in_batches(ticks, 100))
    sent = {table.name: [block for batch in batches for block in batch if block.table == table] for table in FACTS}
    for number, table in enumerate(FACTS):
        assert b"".join(bytes(block.payload) for block in sent[table.name]) == b"".join(
            bytes(tick[number].payload) for tick in ticks
        )
    assert all(len({block.table.name for block in batch}) == 1 for batch in batches)
    assert max(sum(map(len, batch)) for batch in batches) == 100
    # Both tables go forward together.
    ends = [batch[-1].arrived_ms for batch in batches]
    assert ends == sorted(ends)


def test_all_shards_together_are_what_is_simulated() -> None:
    scenario = parse_scenario(SMALL, "of the test")
    sale = new_sale(scenario, parse_iso("2026-11-11T09:00Z"))
    simulated = simulate(scenario, sale)
    apart = [list(encoded(scenario, sale, sale.seconds, [shard])) for shard in range(scenario.shards)]
    counts = np.array([[len(block) for block in tick] for ticks in apart for tick in ticks]).sum(axis=0)
    assert (simulated.orders, simulated.events) == tuple(counts.tolist())
    assert simulated.cpu_seconds > 0
