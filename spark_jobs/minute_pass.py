"""One pass: the KPIs of minute T from the window's rollups and the state carried from T-1."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flashsale.minutes import MINUTE, floor_minute
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from spark_jobs import kpi_transforms
from spark_jobs.carried_state import CarriedState, next_state
from spark_jobs.dimensions import SaleDimensions
from spark_jobs.local_frames import to_frame
from spark_jobs.pair_columns import NULL
from spark_jobs.rollups import MinuteRollup, available

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MS_PER_MINUTE = 60_000


@dataclass(frozen=True)
class MinutePass:
    """Result of a pass, as Arrow tables with the columns `kpi_transforms` names."""

    end: datetime
    products: pa.Table
    warehouses: pa.Table
    cities: pa.Table
    headline: dict[str, int]
    state: CarriedState


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
    end: datetime,
    window: list[MinuteRollup],
    before: CarriedState,
) -> MinutePass:
    """KPIs of the minute ending at `end`; `window` holds its rollups, oldest first, the last one closing at `end`."""
    last = window[-1]
    recent = [r for r in window if r.minute >= end - settings.risk_window_minutes * MINUTE]
    load_minutes = elapsed_minutes(sale, end, settings.overload_window_minutes)
    busy = [r for r in window if r.minute >= end - load_minutes * MINUTE]

    product_rows = kpi_transforms.products(
        to_frame(spark, _concat([_sales(r) for r in window])),
        to_frame(spark, _stock(last)),
        to_frame(spark, _carried(before)),
        to_frame(spark, dimensions.prices_at(end - MINUTE)),
        elapsed_minutes(sale, end, settings.window_minutes),
        settings,
    ).toArrow()
    state = next_state(before, product_rows, _concat([r.pwc for r in window]))

    # The three summaries read the rows just computed and do not wait for each other.
    rated: DataFrame = to_frame(spark, product_rows)
    warehouses = kpi_transforms.warehouses(
        to_frame(spark, _concat([_work(r) for r in busy])),
        to_frame(spark, dimensions.capacities()),
        load_minutes,
        settings,
    )
    hidden = kpi_transforms.hidden_demand(
        to_frame(spark, _concat([_out_of_stock(r) for r in recent])), rated, to_frame(spark, state.mix)
    )
    cities = kpi_transforms.city_risk(
        to_frame(spark, _concat([r.pwc for r in recent])),
        hidden,
        rated,
        elapsed_minutes(sale, end, settings.risk_window_minutes),
    )
    with ThreadPoolExecutor(3) as pool:
        headline, warehouse_rows, city_rows = pool.map(
            lambda frame: frame.toArrow(), [kpi_transforms.headline(rated), warehouses, cities]
        )
    counts: dict[str, Any] = headline.to_pylist()[0]
    counts["orders_per_minute"] = int(last.pw["orders"].sum())
    counts["units_per_minute"] = int(last.pw["units"].sum())
    counts["value_per_minute"] = int(last.pw["value"].sum())
    counts["overloaded_warehouses"] = sum(warehouse_rows["overloaded"].to_pylist())
    return MinutePass(end, product_rows, warehouse_rows, city_rows, counts, state)


def _concat(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks()


def _pairs(rollup: MinuteRollup, **columns: Any) -> pa.Table:
    return pa.table({"product_id": rollup.pw.product_id, "warehouse_id": rollup.pw.warehouse_id, **columns})


def _sales(rollup: MinuteRollup) -> pa.Table:
    sold = rollup.pw["units"] > 0
    return _pairs(rollup, units=rollup.pw["units"], value=rollup.pw["value"]).filter(pa.array(sold))


def _work(rollup: MinuteRollup) -> pa.Table:
    columns = {name: rollup.pw[name] for name in ("units", "delay_ms_sum", "delay_count")}
    busy = (rollup.pw["units"] > 0) | (rollup.pw["delay_count"] > 0)
    return _pairs(rollup, **columns).filter(pa.array(busy))


def _stock(rollup: MinuteRollup) -> pa.Table:
    units = available(rollup.pw["on_hand"], rollup.pw["reserved"])
    in_stock = rollup.pw["in_stock_ms"]
    return _pairs(
        rollup,
        available=pa.array(units, mask=units == NULL),
        in_stock_ms=pa.array(in_stock, mask=in_stock == NULL),
    )


def _out_of_stock(rollup: MinuteRollup) -> pa.Table:
    in_stock = rollup.pw["in_stock_ms"]
    empty = (in_stock != NULL) & (in_stock < MS_PER_MINUTE)
    milliseconds: Any = np.where(empty, MS_PER_MINUTE - in_stock, 0)
    return _pairs(rollup, out_of_stock_ms=milliseconds).filter(pa.array(empty))


def _carried(state: CarriedState) -> pa.Table:
    names = [n if n in ("product_id", "warehouse_id") else f"carried_{n}" for n in state.pairs.column_names]
    return state.pairs.rename_columns(names)
