"""The settled parts of every minute of a sale, worked out in SQL on DuckDB from its facts alone.

A second reading of the KPI definitions, to compare the minute job with: `kpi_reference_facts.sql` says what
counts, `forecast_reference` what is to come, `kpi_reference.sql` defines the KPIs; this module loads and renders.
Nothing here knows of rollups or carried state.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from flashsale.calibration import load_calibration
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from tests.support.forecast_reference import forecasts
from tests.support.told_sale import Sale, Told

Document = Mapping[str, Any]
Row = dict[str, Any]

_FACTS, _DEFINITIONS = (Path(__file__).with_name(f"kpi_reference{part}.sql") for part in ("_facts", ""))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

_INT, _INTS, _TEXT, _TEXTS, _DOUBLE = pa.int64(), pa.list_(pa.int64()), pa.string(), pa.list_(pa.string()), pa.float64()
_PUBLISHED = ("p5", "p15", "p30", "eta_p10", "eta_p50", "eta_p90")
_STATED = (
    dict.fromkeys(("t", "product_id", "warehouse_id"), _INT)
    | dict.fromkeys((*_PUBLISHED, "latent"), _DOUBLE)
    | dict.fromkeys(("short_milliunits", "lost_milliunits"), _INT)
    | {"surge": pa.bool_()}
)
_SENT_ORDERS = dict.fromkeys(
    (
        *("order_id", "product_id", "seller_id", "warehouse_id", "city_id"),
        *("order_qty", "order_value", "order_ts", "arrived_at"),
    ),
    _INT,
)
_SENT_INVENTORY = dict.fromkeys(
    (
        *("inventory_event_id", "product_id", "warehouse_id", "inventory_on_hand", "reserved_stock"),
        *("inventory_ts", "arrived_at"),
    ),
    _INT,
) | {"fulfillment_delay": _DOUBLE}
_DIMENSIONS = {
    "products_dim": {"product_id": _INT, "category": _TEXT, "base_price": _INT},
    "warehouses_dim": {"warehouse_id": _INT, "capacity_units_per_minute": _INT},
    "cities_dim": {"city_id": _INT, "province": _TEXT},
    "campaigns_dim": {
        "campaign_id": _INT,
        "categories": _TEXTS,
        "products": _INTS,
        "discount_pct": _DOUBLE,
        "starts_at": _INT,
        "ends_at": _INT,
    },
}


def settled_minutes(
    orders: Sequence[Document],
    inventory: Sequence[Document],
    dimensions: Mapping[str, Sequence[Document]],
    settings: Settings,
    sale: SaleRun,
    last: datetime,
    shipments: Sequence[Document] = (),
    machines: Collection[int] = (),
) -> dict[datetime, dict[str, Any]]:
    """End of the minute -> headline, products, warehouses, cities, city_warehouse, for each up to `last`.

    `orders` and `inventory` are stored documents in the order they were sent, repeated ids and all;
    `dimensions` holds the documents of each dimension by the name of its collection; `shipments` those announced;
    `machines` are the sellers whose orders machines made.
    """
    with duckdb.connect() as database:
        _load(database, "sent_orders", _SENT_ORDERS, orders, numbered=True)
        _load(database, "sent_inventory", _SENT_INVENTORY, inventory, numbered=True)
        for name, types in _DIMENSIONS.items():
            _load(database, name, types, dimensions[name])
        _load_rule(database, settings, sale, last)
        _fill(database, "machines", pa.table({"seller_id": pa.array(machines, _INT)}))
        database.execute(_FACTS.read_text())
        _fill(database, "stated", _stated(database, dimensions, settings, sale, shipments))
        database.execute(_DEFINITIONS.read_text())
        found = {
            name: _by_minute(database, query)
            for name, query in {
                "headline": "FROM headline",
                "products": "FROM products ORDER BY product_id, warehouse_id",
                "warehouses": "FROM warehouses ORDER BY warehouse_id",
                "cities": "SELECT m.t, c.city_id, c.province, demand, at_risk, at_risk_value_per_minute "
                "FROM minutes m CROSS JOIN cities_dim c LEFT JOIN cells x "
                "ON x.t = m.t AND x.city_id = c.city_id AND x.warehouse_id IS NULL ORDER BY c.city_id",
                "city_warehouse": "FROM cells WHERE warehouse_id IS NOT NULL ORDER BY city_id, warehouse_id",
            }.items()
        }
    return {
        _EPOCH + t * _MINUTE: {
            "headline": {**_without_t(rows[0]), "data_quality_score": None},
            "products": [_product(row) for row in found["products"][t]],
            "warehouses": [_warehouse(row) for row in found["warehouses"][t]],
            "cities": [_city(row) for row in found["cities"][t]],
            "city_warehouse": [_cell(row) for row in found["city_warehouse"][t]],
        }
        for t, rows in found["headline"].items()
    }


def _load(
    database: duckdb.DuckDBPyConnection,
    name: str,
    types: Mapping[str, pa.DataType],
    documents: Sequence[Document],
    *,
    numbered: bool = False,
) -> None:
    """Documents as a table; the first of `types` is stored as ``_id``, times become milliseconds."""
    key = next(iter(types))
    columns = {
        field: pa.array([_value(d["_id" if field == key else field]) for d in documents], kind)
        for field, kind in types.items()
    }
    if numbered:
        columns["position"] = pa.array(range(len(documents)), _INT)
    _fill(database, name, pa.table(columns))


def _fill(database: duckdb.DuckDBPyConnection, name: str, arrow: pa.Table) -> None:
    database.register("arrow", arrow)
    database.execute(f"CREATE TABLE {name} AS FROM arrow")
    database.unregister("arrow")


def _stated(
    database: duckdb.DuckDBPyConnection,
    dimensions: Mapping[str, Sequence[Document]],
    settings: Settings,
    sale: SaleRun,
    shipments: Sequence[Document],
) -> pa.Table:
    """What the forecast says of each pair at the end of each minute."""
    calibration = load_calibration(settings.calibration)
    products, campaigns = dimensions["products_dim"], dimensions["campaigns_dim"]
    ahead = settings.value_horizon_minutes
    foreseen = Sale(sale.sale_start, sale.minutes, products, campaigns, shipments, calibration, ahead)
    opened = _ms(sale.sale_start) // 60_000
    told: dict[int, dict[tuple[int, int], Told]] = {}
    rows = []
    for (t,) in database.execute("SELECT t FROM minutes ORDER BY t").fetchall():
        found = database.execute("FROM told WHERE t = ?", [t]).fetchall()
        told[t - 1 - opened] = {(product, warehouse): Told(*minute) for _, product, warehouse, *minute in found}
        for (product, warehouse), stated in forecasts(foreseen, told, t - opened).items():
            rows.append({"t": t, "product_id": product, "warehouse_id": warehouse, **asdict(stated)})
    return pa.Table.from_pylist(rows, schema=pa.schema(_STATED))


def _load_rule(database: duckdb.DuckDBPyConnection, settings: Settings, sale: SaleRun, last: datetime) -> None:
    """Thresholds of the settings; decimals stay decimals, so that a bound is met exactly or not."""
    first_order = None if sale.first_order_ts is None else _ms(sale.first_order_ts) // 60_000
    database.execute(
        f"""
        CREATE TABLE rule AS SELECT
            $first_minute::BIGINT AS first_minute, $last_minute::BIGINT AS last_minute,
            $first_order::BIGINT AS first_order_minute,
            {settings.window_minutes} AS window_minutes,
            {settings.lateness_minutes * 60_000} AS lateness_ms,
            {settings.max_ahead_seconds * 1000} AS max_ahead_ms,
            {settings.overload_window_minutes} AS overload_minutes,
            {settings.risk_window_minutes} AS risk_minutes,
            {settings.at_risk_eta_minutes}::DECIMAL(18, 6) AS at_risk_eta,
            {settings.at_risk_p15}::DOUBLE AS at_risk_p15,
            {settings.overload_load}::DECIMAL(18, 6) AS overload_load,
            {settings.overload_delay_minutes}::DECIMAL(18, 6) AS overload_delay
        """,
        {
            "first_minute": _ms(sale.sale_start) // 60_000,
            "last_minute": _ms(last) // 60_000,
            "first_order": first_order,
        },
    )


def _by_minute(database: duckdb.DuckDBPyConnection, query: str) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    cursor = database.execute(query)
    names = [column[0] for column in cursor.description]
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        found[row["t"]].append(row)
    return found


def _product(row: Row) -> Row:
    names = ("product_id", "warehouse_id", "status", "available", "value_at_risk", "lost_value", "bot_orders")
    stocked = row["status"] != "not_stocked"
    return {
        **{name: row[name] for name in names},
        **{name: row[name] if stocked else None for name in _PUBLISHED},
        "surge": row["surge"] and stocked,
        "lost_units": (row["lost_milliunits"] + 500) // 1000,
        "velocity": round(row["velocity"], 4),
        "eta_minutes": _rounded(row["eta_minutes"]),
    }


def _warehouse(row: Row) -> Row:
    rounded = {"units_per_minute": round(row["units_per_minute"], 4), "load": round(row["load"], 4)}
    return {**_without_t(row), **rounded, "mean_fulfillment_delay": _rounded(row["mean_fulfillment_delay"])}


def _city(row: Row) -> Row:
    kept = {name: row[name] for name in ("city_id", "province")}
    return {**kept, **_demand(row), "at_risk_value_per_minute": row["at_risk_value_per_minute"] or 0}


def _cell(row: Row) -> Row:
    return {"city_id": row["city_id"], "warehouse_id": row["warehouse_id"], **_demand(row)}


def _demand(row: Row) -> Row:
    """Thousandths of units to units, and the share of them at risk."""
    demand = row["demand"] or 0
    return {"demand_units": demand / 1000, "at_risk_share": round(row["at_risk"] / demand, 4) if demand else None}


def _rounded(minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes, 2)


def _without_t(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "t"}


def _value(value: Any) -> Any:
    return _ms(value) if isinstance(value, datetime) else value


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
