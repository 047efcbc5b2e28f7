"""Spark's memory does not grow with the number of runs."""

from collections.abc import Callable
from statistics import median

import pytest

from embedded.processes import ProcessTable, pss_bytes
from embedded.run_records import read_records
from embedded.stack import Stack
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from spark_jobs import minute_kpis
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at, order

RUNS, WARM_RUNS = 500, 100
"""Memory after all runs is held against that after the warm ones: what is loaded once is loaded by then."""
TOLD_EVERY, SAMPLED_EVERY = 50, 5
"""Java takes and returns memory as it collects garbage: what is told is the median of the samples since the last."""
GROWTH = 1.05
MINUTES = 15
SHOP = Shop(products=4, capacities=(20, 30, 1000))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_memory_after_500_runs_is_that_after_100(
    stack: Stack,
    spark_services: Settings,
    open_test_sale: Callable[..., SaleRun],
    capsys: pytest.CaptureFixture[str],
) -> None:
    sale = open_test_sale(spark_services, sale_start=at("09:00"), sale_end=at("12:00"))
    pipeline = Pipeline(spark_services, sale, SHOP)
    pipeline.add(*draw(5, "09:00", MINUTES))
    end = f"09:{MINUTES}"
    pipeline.acked_through(end)
    told: dict[int, float] = {}
    samples: list[int] = []
    for run in range(1, RUNS + 1):
        # One order more in the last minute, so that its facts are read and not taken for known.
        pipeline.add([order(1_000_000 + run, "09:14:30", (1, 1), 1, 1, 1_000)], [])
        report = minute_kpis.run(spark_services, at(end), sale.sale_id)
        assert report.rebuilt_minutes >= 1, "no facts were read"
        if run % SAMPLED_EVERY == 0:
            samples.append(_spark_bytes(stack) // 2**20)
        if run % TOLD_EVERY == 0:
            told[run] = median(samples)
            with capsys.disabled():
                print(f"\n{run} runs: {told[run]:.0f} MB PSS ({min(samples)} to {max(samples)})", end="", flush=True)
            samples.clear()
    growth = told[RUNS] / told[WARM_RUNS]
    with capsys.disabled():
        print(f"\nSpark after {RUNS} runs: {growth:.3f} x after {WARM_RUNS}")
    assert growth <= GROWTH


def _spark_bytes(stack: Stack) -> int:
    """Proportional set size of the server's whole process tree, Python workers and all."""
    record = next(record for record in read_records(stack.config.run) if record.service == "spark")
    members = ProcessTable(stack.config.stack_id).members(record.process, "spark")
    assert record.process.pid in members, "Spark is not running"
    size = pss_bytes(members)
    assert size > 100 * 2**20, f"{size} bytes cannot be a Spark server's"
    return size
