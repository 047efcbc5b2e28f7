"""What machines bought, in two looks: which products of a minute are suspect, and those products' orders one by one.

The first look takes what is counted for the rollups anyway, so that a minute without machines costs no second
reading.  Both are functions of one minute's facts alone: how the work was split, and what was before, change nothing.
The second groups by product in Spark, and the driver sees sums.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flashsale.bots import RULES, BotRules, MinuteOrders, bot_like
from flashsale.minutes import MINUTE, from_epoch_ms
from spark_jobs.fact_source import NO_PRODUCT, FactRange
from spark_jobs.facts import time_slices
from spark_jobs.pair_columns import Ints, int_column
from spark_jobs.rollup_transforms import marking_late
from spark_jobs.rollups import BOT_SUMS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_KEYS = ("minute", "product_id", "warehouse_id")
_SCHEMA = pa.schema([(name, pa.int64()) for name in (*_KEYS, *BOT_SUMS)])

_CITY_ODDS, _CITY_SIGMAS = 2.0, 5.0
_QUANTITY_SHIFT, _QUANTITY_SIGMAS = 0.1, 6.0
"""So far apart, and by so many standard errors: a minute has many cells, and each needless look reads it again."""


def no_bots() -> pa.Table:
    """What `bot_sums` returns where there are none: minute (epoch ms), product_id, warehouse_id and the four sums."""
    return _SCHEMA.empty_table()


def suspect_products(orders: pa.Table, rules: BotRules = RULES) -> dict[datetime, tuple[int, ...]]:
    """Minute -> ids, ascending, of the products whose orders are worth a look one by one.

    `orders` is what `rollup_transforms.order_aggregates` returns, of facts that count.  A product is suspect when of
    one city's orders it has a share, or there a mean quantity, far from what it has elsewhere.  A machine that orders
    from all cities as people do shows in neither, and is not looked for.
    """
    minutes = int_column(orders, "minute")
    found = {}
    for minute in np.unique(minutes).tolist():
        products = _suspects(orders.filter(pa.array(minutes == minute)), rules)
        if products:
            found[from_epoch_ms(minute)] = products
    return found


def ranges_of(suspects: Mapping[datetime, tuple[int, ...]], parts: int) -> list[FactRange]:
    """What the second look reads: each minute of `suspects` in so many `parts`, its products alone."""
    return [
        FactRange(part.start, part.end, products)
        for minute, products in suspects.items()
        for part in time_slices(minute, minute + MINUTE, parts)
    ]


def bot_sums(orders: "DataFrame", lateness: timedelta) -> "DataFrame":
    """One row per (minute, product, warehouse) in which machines ordered, of `orders` with all of `bot_like`'s columns.

    Columns: minute (epoch ms), product_id, warehouse_id, bot_orders, bot_units, bot_units_squared, bot_value
    (minor units), all int64.
    """
    in_time = marking_late(orders, "order_ts", lateness).where(f"product_id != {NO_PRODUCT}")
    columns = ", ".join(f"{name} bigint" for name in _SCHEMA.names)
    return in_time.groupBy("minute", "product_id").applyInArrow(sums_of_bots, columns)


def sums_of_bots(orders: pa.Table) -> pa.Table:
    """The rows of `bot_sums` for orders of one minute, as a Spark worker adds them up."""
    qty, moment = int_column(orders, "order_qty"), int_column(orders, "order_ts")
    product, seller, city = (int_column(orders, name) for name in ("product_id", "seller_id", "city_id"))
    machines = bot_like(MinuteOrders(product, seller, city, qty, moment))
    units = pa.array(qty)
    bought = (
        orders.select([*_KEYS, "order_value"])
        .append_column("units", units)
        .append_column("units_squared", pa.array(qty * qty))
        .filter(pa.array(machines))
    )
    sums = bought.group_by(list(_KEYS)).aggregate(
        [("units", "count"), ("units", "sum"), ("units_squared", "sum"), ("order_value", "sum")]
    )
    return (
        sums.select([*_KEYS, "units_count", "units_sum", "units_squared_sum", "order_value_sum"])
        .rename_columns(_SCHEMA.names)
        .cast(_SCHEMA)
    )


def _suspects(cells: pa.Table, rules: BotRules) -> tuple[int, ...]:
    """Suspect products of one minute, from its rows by product, warehouse and city."""
    keys = ["product_id", "city_id"]
    names = ("orders", "units", "units_squared")
    here = cells.group_by(keys).aggregate([(name, "sum") for name in names])
    orders = int_column(here, "orders_sum")
    if orders.max(initial=0) < rules.least_orders:
        return ()
    product, city = (_codes(here, key) for key in keys)
    n, units, squares = (int_column(here, f"{name}_sum").astype(np.float64) for name in names)
    elsewhere = [np.bincount(product, of)[product] - of for of in (n, units, squares)]
    others = np.bincount(city, n)[city] - n
    rest = n.sum() - n - elsewhere[0] - others
    odd = _from_one_city(n, elsewhere[0], others, rest) | _of_one_quantity((n, units, squares), elsewhere, rules)
    ids = int_column(here, "product_id")[odd & (orders >= rules.least_orders)]
    return tuple(np.unique(ids).tolist())


def _from_one_city(here: Floats, elsewhere: Floats, others: Floats, rest: Floats) -> Mask:
    """Whether a product's odds of being ordered from a city are far above those of the other products.

    Orders of the product `here` and `elsewhere`, of the `others` here and of the `rest`, all (N,).  The logarithm of
    the odds ratio is about normal (Woolf 1955, Ann. Hum. Genet. 19), with a half added to each number.
    """
    table = [count + 0.5 for count in (here, elsewhere, others, rest)]
    odds = np.log(table[0] * table[3] / (table[1] * table[2]))
    error = np.sqrt(sum(1 / count for count in table))
    # In a shop of one product or one city there is next to nothing to compare with, so that the error is large.
    odd: Mask = (odds > np.log(_CITY_ODDS)) & (odds > _CITY_SIGMAS * error)
    return odd


def _of_one_quantity(here: Sequence[Floats], elsewhere: Sequence[Floats], rules: BotRules) -> Mask:
    """Whether a product's mean quantity in a city is far from that in all others.

    `here` and `elsewhere` are its orders, units and units², each (N,).
    """
    count = [np.maximum(part[0], 1) for part in (here, elsewhere)]
    mean = [part[1] / orders for part, orders in zip((here, elsewhere), count, strict=True)]
    scatter = [part[2] - orders * m * m for part, orders, m in zip((here, elsewhere), count, mean, strict=True)]
    variance = np.maximum(scatter[0] + scatter[1], 0) / (count[0] + count[1])
    shift = np.abs(mean[0] - mean[1])
    far: Mask = shift > _QUANTITY_SIGMAS * np.sqrt(variance * (1 / count[0] + 1 / count[1]))
    return far & (shift > _QUANTITY_SHIFT * mean[1]) & (elsewhere[0] >= rules.least_orders)


def _codes(table: pa.Table, name: str) -> Ints:
    """Values of a column as numbers from 0, equal for equal values."""
    encoded = table[name].combine_chunks().dictionary_encode()
    codes: Ints = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
