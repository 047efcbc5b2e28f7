"""One pass: the KPIs of minute T from the window's rollups and the state carried from T-1."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flashsale.minutes import MINUTE, floor_minute
from flashsale.outlook import Outlook
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from spark_jobs import kpi_transforms
from spark_jobs.carried_state import PAIR, CarriedState, next_state
from spark_jobs.dimensions import SaleDimensions
from spark_jobs.local_frames import to_frame
from spark_jobs.pair_columns import Ints, int_column, pair_key
from spark_jobs.pass_inputs import at_risk, demand_by_place, out_of_stock, pair_table, units_of_pairs, warehouse_work
from spark_jobs.rollups import MinuteRollup
from spark_jobs.sale_outlook import PROBABILITIES, QUANTILES, SaleOutlook, outlook_columns
from spark_jobs.session import interpreted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class MinutePass:
    """Result of a pass, as Arrow tables with the columns `kpi_transforms` names.

    `products`, sorted by pair, also has the stated figures of the `outlook`, whose arrays are in the order of `pairs`
    and which took `forecast_seconds`.
    """

    end: datetime
    pairs: Ints
    outlook: Outlook
    products: pa.Table
    warehouses: pa.Table
    cities: pa.Table
    headline: dict[str, int]
    state: CarriedState
    forecast_seconds: float


def elapsed_minutes(sale: SaleRun, end: datetime, at_most: int) -> int:
    """Whole minutes from the minute of the first order to `end`, 1 to `at_most`."""
    if sale.first_order_ts is None:
        return 1
    return int(min(at_most, max(1, (end - floor_minute(sale.first_order_ts)) // MINUTE)))


def compute_minute(
    spark: "SparkSession",
    sale: SaleRun,
    settings: Settings,
    dimensions: SaleDimensions,
    sale_outlook: SaleOutlook,
    end: datetime,
    window: list[MinuteRollup],
    before: CarriedState,
) -> MinutePass:
    """KPIs of the minute ending at `end`; `window` holds its rollups, oldest first, the last one closing at `end`."""
    last = window[-1]
    load_minutes = elapsed_minutes(sale, end, settings.overload_window_minutes)
    recent = [r for r in window if r.minute >= end - settings.risk_window_minutes * MINUTE]
    busy = [r for r in window if r.minute >= end - load_minutes * MINUTE]

    began = time.monotonic()
    outlook = sale_outlook.at(end, window, before)
    stated = outlook_columns(outlook)
    forecast_seconds = time.monotonic() - began
    pairs = pair_table(window, recent, before, stated)
    priced = kpi_transforms.products(
        to_frame(spark, pairs),
        to_frame(spark, dimensions.prices_at(end - MINUTE)),
        elapsed_minutes(sale, end, settings.window_minutes),
        settings,
    )
    with interpreted(spark, pairs.num_rows):
        product_rows = _with_stated(priced.toArrow(), last.pw.pair, stated)
    state = next_state(before, last.pw, outlook, product_rows, [r.pwc for r in window])

    # The three summaries do not wait for each other; only what is at risk goes into the map of risk.
    cells = [r.pwc for r in recent]
    risky = at_risk(product_rows)
    endangered, exposed = to_frame(spark, risky), units_of_pairs(cells, risky)
    warehouses = kpi_transforms.warehouses(
        to_frame(spark, warehouse_work(busy)), to_frame(spark, dimensions.capacities()), load_minutes, settings
    )
    hidden = kpi_transforms.hidden_demand(
        to_frame(spark, out_of_stock(pairs, risky)), endangered, to_frame(spark, state.mix)
    )
    cities = kpi_transforms.city_risk(
        to_frame(spark, demand_by_place(cells)),
        to_frame(spark, exposed),
        hidden,
        endangered,
        elapsed_minutes(sale, end, settings.risk_window_minutes),
    )
    headline_row = kpi_transforms.headline(to_frame(spark, product_rows))
    with interpreted(spark, exposed.num_rows), ThreadPoolExecutor(3) as pool:
        headline, warehouse_rows, city_rows = pool.map(
            lambda frame: frame.toArrow(), [headline_row, warehouses, cities]
        )
    counts: dict[str, Any] = headline.to_pylist()[0]
    counts["orders_per_minute"] = int(last.pw["orders"].sum())
    counts["units_per_minute"] = int(last.pw["units"].sum())
    counts["value_per_minute"] = int(last.pw["value"].sum())
    counts["bot_orders"] = int(last.pw["bot_orders"].sum())
    counts["surging_pairs"] = int(outlook.surge.sum())
    counts["overloaded_warehouses"] = sum(warehouse_rows["overloaded"].to_pylist())
    return MinutePass(
        end, last.pw.pair, outlook, product_rows, warehouse_rows, city_rows, counts, state, forecast_seconds
    )


def _with_stated(products: pa.Table, pairs: Ints, stated: dict[str, pa.Array]) -> pa.Table:
    """Product rows by pair, with what the outlook states of them; nothing is stated of what is not stocked."""
    products = products.sort_by([(name, "ascending") for name in PAIR]).combine_chunks()
    own = pair_key(int_column(products, "product_id"), int_column(products, "warehouse_id"))
    row = pa.array(np.searchsorted(pairs, own), mask=pc.equal(products["status"], "not_stocked").to_numpy())
    for name in (*PROBABILITIES, *QUANTILES):
        products = products.append_column(name, stated[name].take(row))
    return products.append_column("surge", pc.fill_null(stated["surge"].take(row), False))
