"""What a pass hands to Spark: the window's rollups and the carried state, a row for each (product, warehouse).

Rollups are sorted by pair and each has all pairs of the one before, so adding the minutes of a window
up and putting the state beside them is a look-up of sorted integers, and needs no join.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.carried_state import PAIR, CarriedState, cells_of_pairs
from spark_jobs.pair_columns import NULL, Ints
from spark_jobs.rollups import MS_PER_MINUTE, MinuteRollup, available

FORESEEN = ("p15", "short_milliunits", "latent_velocity", "lost_now")
"""Of the outlook what the KPIs need; the rest goes to the rows as it is."""
_WORK = ("units", "delay_ms_sum", "delay_count")


def pair_table(
    window: Sequence[MinuteRollup],
    recent: Sequence[MinuteRollup],
    before: CarriedState,
    outlook: Mapping[str, pa.Array],
) -> pa.Table:
    """One row per pair known at the end of `window`, whose last rollup closes the minute.

    product_id, warehouse_id; units, value of the window, and its bot_orders, which are left out of both;
    out_of_stock_ms of `recent`; available (null: unknown) of the last minute; `FORESEEN` of `outlook`
    (see `outlook_columns`); and carried_lost_milliunits, carried_lost_value of `before`.
    """
    last = window[-1].pw
    columns = {
        "product_id": last.product_id,
        "warehouse_id": last.warehouse_id,
        "units": _total(last.pair, window, "units") - _total(last.pair, window, "bot_units"),
        "value": _total(last.pair, window, "value") - _total(last.pair, window, "bot_value"),
        "bot_orders": _total(last.pair, window, "bot_orders"),
        "out_of_stock_ms": _out_of_stock(last.pair, recent),
        "available": _nullable(available(last["on_hand"], last["reserved"])),
        **{name: outlook[name] for name in FORESEEN},
        **{f"carried_{name}": column for name, column in before.lost(last.pair).items()},
    }
    return pa.table(columns)


def warehouse_work(minutes: Sequence[MinuteRollup]) -> pa.Table:
    """warehouse_id, units, delay_ms_sum, delay_count of all `minutes`, for warehouses that had work."""
    tables = []
    for minute in minutes:
        busy = (minute.pw["units"] > 0) | (minute.pw["delay_count"] > 0)
        columns = {"warehouse_id": minute.pw.warehouse_id, **{name: minute.pw[name] for name in _WORK}}
        tables.append(pa.table({name: column[busy] for name, column in columns.items()}))
    return _summed(tables, ["warehouse_id"], _WORK)


def demand_by_place(minutes: Sequence[pa.Table]) -> pa.Table:
    """city_id, warehouse_id, units of all `minutes`, city rollups."""
    return _summed(minutes, ["city_id", "warehouse_id"])


def at_risk(product_rows: pa.Table) -> pa.Table:
    """The rows of pairs at risk or sold out."""
    return product_rows.filter(pc.is_in(product_rows["status"], pa.array(("at_risk", "sold_out"))))


def out_of_stock(pairs: pa.Table, chosen: pa.Table) -> pa.Table:
    """product_id, warehouse_id, out_of_stock_ms of the `chosen` pairs that were out of stock for a while."""
    missed = pairs.filter(pc.greater(pairs["out_of_stock_ms"], 0))
    return cells_of_pairs(missed, chosen).select([*PAIR, "out_of_stock_ms"])


def units_of_pairs(minutes: Sequence[pa.Table], pairs: pa.Table) -> pa.Table:
    """product_id, warehouse_id, city_id, units of all `minutes`, city rollups, for those `pairs` alone."""
    return _summed([cells_of_pairs(minute, pairs) for minute in minutes], [*PAIR, "city_id"])


def _summed(minutes: Sequence[pa.Table], keys: list[str], names: Sequence[str] = ("units",)) -> pa.Table:
    cells = pa.concat_tables([minute.select([*keys, *names]) for minute in minutes])
    summed = cells.group_by(keys).aggregate([(name, "sum") for name in names])
    return summed.rename_columns([*keys, *names]).combine_chunks()


def _total(pairs: Ints, minutes: Sequence[MinuteRollup], name: str) -> Ints:
    total = np.zeros(len(pairs), np.int64)
    for minute in minutes:
        total += minute.pw.aligned(pairs, name, 0)
    return total


def _out_of_stock(pairs: Ints, minutes: Sequence[MinuteRollup]) -> Ints:
    total = np.zeros(len(pairs), np.int64)
    for minute in minutes:
        in_stock = minute.pw.aligned(pairs, "in_stock_ms", NULL)
        total += np.where(in_stock == NULL, 0, MS_PER_MINUTE - in_stock)
    return total


def _nullable(values: Ints) -> pa.Array:
    return pa.array(values, mask=values == NULL)
