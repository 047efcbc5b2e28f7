"""What to do about the live minute's pairs at risk: the pass's outlook and products become a situation to decide."""

import numpy as np
import pyarrow as pa

from flashsale.alerts.life import Pair
from flashsale.decisions.decide import Decision, decide
from flashsale.decisions.rules import DecisionRules
from flashsale.decisions.situation import Inbound, Situation, Warehouses
from spark_jobs.dimensions import SaleDimensions
from spark_jobs.minute_pass import MinutePass
from spark_jobs.pair_columns import Ints, int_column, pair_key


def live_decisions(result: MinutePass, dimensions: SaleDimensions, rules: DecisionRules) -> dict[Pair, Decision]:
    """The decision of every pair that is at risk or sold out."""
    decisions = decide(situation_of(result, dimensions), rules)
    return {(decision.product_id, decision.warehouse_id): decision for decision in decisions}


def situation_of(result: MinutePass, dimensions: SaleDimensions) -> Situation:
    """All pairs that have a row among the products of a pass."""
    products, outlook = result.products, result.outlook
    product_id, warehouse_id = int_column(products, "product_id"), int_column(products, "warehouse_id")
    rows = np.searchsorted(result.pairs, pair_key(product_id, warehouse_id))
    return Situation(
        product_id=product_id,
        warehouse_id=warehouse_id,
        status=np.array(products["status"].to_pylist(), dtype=np.str_),
        available=outlook.shelves.available[rows],
        posterior=outlook.demand.take(rows),
        planned=outlook.plan.cumulative,
        group=outlook.shelves.plan[rows],
        unit_value=_unit_value(products),
        unit_cost=_unit_cost(product_id, dimensions),
        eta_minutes=_floats(products, "eta_p50", "eta_minutes"),
        p15=_floats(products, "p15"),
        inbound=_inbound(result, rows),
        warehouses=_warehouses(result, dimensions),
    )


def _inbound(result: MinutePass, rows: Ints) -> Inbound:
    """Shipments of the pairs in `rows` (ascending), numbered as they are there."""
    arrivals = result.outlook.arrivals.of_pairs(rows, len(result.pairs))
    return Inbound(arrivals.pair, arrivals.minutes, arrivals.units)


def _warehouses(result: MinutePass, dimensions: SaleDimensions) -> Warehouses:
    load = dict(zip(result.warehouses["warehouse_id"].to_pylist(), result.warehouses["load"].to_pylist(), strict=True))
    places = dimensions.warehouses
    return Warehouses(
        warehouse_id=np.array([w["_id"] for w in places], dtype=np.int64),
        latitude=np.array([w["latitude"] for w in places]),
        longitude=np.array([w["longitude"] for w in places]),
        load=np.array([load.get(w["_id"]) or 0.0 for w in places]),
        name=tuple(w["name"] for w in places),
    )


def _unit_value(products: pa.Table) -> np.ndarray:
    value: np.ndarray = int_column(products, "unit_value_numerator") / int_column(products, "unit_value_denominator")
    return value


def _unit_cost(product_id: Ints, dimensions: SaleDimensions) -> np.ndarray:
    ids = np.array([p["_id"] for p in dimensions.products], dtype=np.int64)
    cost = np.array([p["unit_cost"] for p in dimensions.products], dtype=np.float64)
    return cost[np.searchsorted(ids, product_id)]


def _floats(products: pa.Table, *names: str) -> np.ndarray:
    """The first of the columns `names` that is known, NaN where none is."""
    value = np.full(products.num_rows, np.nan)
    for name in names:
        column = products[name].fill_null(np.nan).to_numpy()
        value = np.where(np.isnan(value), column, value)
    return value
