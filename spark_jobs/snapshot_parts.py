"""From a minute's tables to the parts of its snapshot: rounding, row order, field names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import pyarrow as pa

from flashsale.snapshot import (
    CityRow,
    CityWarehouseRow,
    Headline,
    ProductRow,
    WarehouseRow,
    part_texts,
    settled_digest_of,
)
from spark_jobs.dimensions import SaleDimensions
from spark_jobs.minute_pass import MinutePass

MINUTE_DECIMALS = 2
SHARE_DECIMALS = 4


@dataclass(frozen=True)
class SettledParts:
    """`headline`, `products`, `warehouses`, `cities` and `city_warehouse` of the minute that ends at `end`.

    `texts` has the canonical JSON of all but the headline, to which the data-quality score will be
    added; `digest` is `settled_digest`.  Of a large shop the text is worth making once.
    """

    end: datetime
    parts: dict[str, Any]
    texts: dict[str, str]
    digest: str

    @classmethod
    def of(cls, result: MinutePass, dimensions: SaleDimensions) -> Self:
        """Parts of a pass."""
        parts: dict[str, Any] = {
            "products": product_rows(result.products),
            "warehouses": warehouse_rows(result.warehouses),
            "cities": city_rows(result.cities, dimensions),
            "city_warehouse": city_warehouse_rows(result.cities),
        }
        texts, counts = part_texts(parts), headline(result)
        return cls(result.end, {"headline": counts, **parts}, texts, settled_digest_of(counts, texts))

    @property
    def headline(self) -> Headline:
        """The headline, its data-quality score null."""
        found: Headline = self.parts["headline"]
        return found


def headline(result: MinutePass) -> Headline:
    """The headline without its data-quality score, which tells what was received, not what was sold."""
    counts = result.headline
    return {
        "orders_per_minute": counts["orders_per_minute"],
        "units_per_minute": counts["units_per_minute"],
        "value_per_minute": counts["value_per_minute"],
        "high_risk_skus": counts["high_risk_skus"],
        "sold_out_skus": counts["sold_out_skus"],
        "overloaded_warehouses": counts["overloaded_warehouses"],
        "value_at_risk": counts["value_at_risk"],
        "lost_units": whole_units(counts["lost_milliunits"]),
        "lost_value": counts["lost_value"],
        "surging_pairs": counts["surging_pairs"],
        "bot_orders": counts["bot_orders"],
        "data_quality_score": None,
    }


def product_rows(table: pa.Table) -> list[ProductRow]:
    """Rows of `products`, by product and warehouse, the table's order."""
    return [
        {
            "product_id": row["product_id"],
            "warehouse_id": row["warehouse_id"],
            "status": row["status"],
            "available": row["available"],
            "velocity": _rounded(row["velocity"], SHARE_DECIMALS) or 0.0,
            "eta_minutes": _rounded(row["eta_minutes"], MINUTE_DECIMALS),
            "eta_p10": row["eta_p10"],
            "eta_p50": row["eta_p50"],
            "eta_p90": row["eta_p90"],
            "p5": row["p5"],
            "p15": row["p15"],
            "p30": row["p30"],
            "value_at_risk": row["value_at_risk"],
            "lost_units": whole_units(row["lost_milliunits"]),
            "lost_value": row["lost_value"],
            "surge": row["surge"],
            "bot_orders": row["bot_orders"],
        }
        for row in table.to_pylist()
    ]


def whole_units(milliunits: int) -> int:
    """Nearest whole number of units, halves up."""
    return (milliunits + 500) // 1000


def warehouse_rows(table: pa.Table) -> list[WarehouseRow]:
    """Rows of `warehouses`, by id."""
    rows: list[WarehouseRow] = [
        {
            "warehouse_id": row["warehouse_id"],
            "units_per_minute": _rounded(row["units_per_minute"], SHARE_DECIMALS) or 0.0,
            "capacity_units_per_minute": row["capacity_units_per_minute"],
            "load": _rounded(row["load"], SHARE_DECIMALS) or 0.0,
            "mean_fulfillment_delay": _rounded(row["mean_fulfillment_delay"], MINUTE_DECIMALS),
            "overloaded": row["overloaded"],
        }
        for row in table.to_pylist()
    ]
    return sorted(rows, key=lambda row: row["warehouse_id"])


def city_rows(table: pa.Table, dimensions: SaleDimensions) -> list[CityRow]:
    """Rows of `cities`: every city of the dimension, also one without demand."""
    found = {row["city_id"]: row for row in table.to_pylist() if row["warehouse_id"] is None}
    rows: list[CityRow] = []
    for city in dimensions.cities:
        row = found.get(city["_id"])
        rows.append(
            {
                "city_id": city["_id"],
                "province": city["province"],
                "demand_units": row["demand_milliunits"] / 1000 if row else 0.0,
                "at_risk_share": _share(row) if row else None,
                "at_risk_value_per_minute": row["at_risk_value_per_minute"] if row else 0,
            }
        )
    return rows


def city_warehouse_rows(table: pa.Table) -> list[CityWarehouseRow]:
    """Cells of the risk map that have demand, by city and warehouse."""
    rows: list[CityWarehouseRow] = [
        {
            "city_id": row["city_id"],
            "warehouse_id": row["warehouse_id"],
            "demand_units": row["demand_milliunits"] / 1000,
            "at_risk_share": _share(row),
        }
        for row in table.to_pylist()
        if row["warehouse_id"] is not None
    ]
    return sorted(rows, key=lambda row: (row["city_id"], row["warehouse_id"]))


def _share(row: dict[str, Any]) -> float | None:
    demand = row["demand_milliunits"]
    return round(row["at_risk_milliunits"] / demand, SHARE_DECIMALS) if demand else None


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
