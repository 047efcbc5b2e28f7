"""What the forecast adds to a run of the minute engine at 50,000 (product, warehouse), on real services, warm."""

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.bounded import bounded
from benchmarks.kpi_measures import say
from benchmarks.kpi_sale import PAIRS, BenchSale
from benchmarks.report import Figure
from embedded.config import Sizes, isolated_config
from embedded.stack import Stack
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, utc_now
from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.redis_client import redis_errors
from spark_jobs import minute_kpis

ORDERS, NEW_ORDERS, EVENTS = 50_000, 1_000_000, 20_000
SHIPMENTS = 5_000
LAST = 3
WARM_UPS, REPEATS = 2, 5
LONGEST_SECONDS = 400


def forecast_share() -> list[Figure]:
    """Seconds of the forecast ÷ those of the rest of the run, medians: of a quiet minute and of a large one."""
    with ExitStack() as open_things:
        home = open_things.enter_context(tempfile.TemporaryDirectory(prefix="flashsale-bench-"))
        stack = open_things.enter_context(Stack(replace(isolated_config(Path(home)), sizes=Sizes()), say))
        open_things.enter_context(bounded("benchmarks.forecast", LONGEST_SECONDS))
        open_things.enter_context(mongo_errors("benchmark"))
        open_things.enter_context(redis_errors("benchmark"))
        settings = stack.config.settings
        stack.start("mongo", "redis", "spark")
        owner = open_things.enter_context(mongo_client(settings, "owner"))
        writer = open_things.enter_context(mongo_client(settings, "generator"))
        bench = BenchSale.open("bench_forecast", floor_minute(utc_now()) - 200 * MINUTE, settings, owner, writer)
        say(f"storing a sale of {PAIRS:,} pairs with {SHIPMENTS:,} shipments to come")
        _announce(bench)
        for minute in range(LAST + 1):
            bench.write(minute, ORDERS, PAIRS if minute == 0 else EVENTS)
        bench.acked_through(LAST)
        minute_kpis.backfill(settings, bench.sale.sale_start, bench.end_of(LAST - 1), bench.sale.sale_id)

        def run() -> tuple[float, float]:
            bench.forget(LAST)
            report = minute_kpis.run(settings, bench.end_of(LAST), bench.sale.sale_id)
            if report.passes != 1:
                raise FlashsaleError(f"the benchmark's run is not the one it should be: {report.line()}")
            return report.forecast_seconds, report.seconds - report.forecast_seconds

        say("runs over a quiet minute")
        quiet = [run() for _ in range(WARM_UPS + REPEATS)][WARM_UPS:]
        bench.add_orders(LAST, NEW_ORDERS)
        say("runs over a minute with a million orders")
        large = [run() for _ in range(1 + REPEATS)][1:]
    return [
        Figure(
            "forecast_share",
            median(forecast / rest for forecast, rest in large),
            "",
            f"forecast ÷ rest of the run, {NEW_ORDERS + ORDERS:,} new orders",
            "<=0.20",
        ),
        Figure(
            "forecast_share_quiet",
            median(forecast / rest for forecast, rest in quiet),
            "",
            f"forecast ÷ rest of the run, {ORDERS:,} new orders",
            "<=0.20",
        ),
        Figure("forecast_seconds", median(forecast for forecast, _ in large), "s", f"the forecast of {PAIRS:,} pairs"),
    ]


def _announce(bench: BenchSale) -> None:
    """Shipments to a tenth of the pairs, due over the next hour."""
    chosen = bench.rng.choice(PAIRS, SHIPMENTS, replace=False)
    minutes = bench.rng.integers(5, 60, SHIPMENTS)
    bench.database[INBOUND_SHIPMENTS.name].insert_many(
        [
            {
                "_id": number + 1,
                "product_id": int(pair) // 10 + 1,
                "warehouse_id": int(pair) % 10 + 1,
                "qty": 50,
                "due_at": bench.sale.sale_start + timedelta(minutes=int(due)),
                "status": "planned",
                "received_at": None,
                "received_qty": None,
            }
            for number, (pair, due) in enumerate(zip(chosen, minutes, strict=True))
        ]
    )
