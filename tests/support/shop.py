"""A small shop for tests: a sale, hand-made dimensions and facts, on real services."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson.int64 import Int64
from pymongo.database import Database

from flashsale.minutes import MINUTE, minutes_between
from flashsale.sale_run import SaleRun
from flashsale.schema import CAMPAIGNS, CITIES, INVENTORY, KPI_STATE, ORDERS, PRODUCTS, WAREHOUSES
from flashsale.settings import Settings
from flashsale.stores.ingest import put_checkpoint
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.sales import set_first_order

OPENS = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
"""Start of hand-made sales: 09:00 UTC."""


def at(clock: str) -> datetime:
    """``"09:11:59.999"`` on the day of the sale."""
    parts = clock.split(":")
    seconds = timedelta(hours=int(parts[0]), minutes=int(parts[1]), seconds=float(parts[2]) if len(parts) > 2 else 0)
    return OPENS.replace(hour=0) + seconds


def order(
    order_id: int, clock: str, pair: tuple[int, int], city: int, qty: int, price: int, arrived: str | None = None
) -> dict[str, Any]:
    """An order of `qty` units at `price` each; it arrives at once unless told otherwise."""
    return {
        "_id": Int64(order_id),
        "product_id": pair[0],
        "seller_id": 1,
        "warehouse_id": pair[1],
        "city_id": city,
        "order_qty": qty,
        "order_value": Int64(qty * price),
        "order_ts": at(clock),
        "arrived_at": at(arrived or clock),
    }


def stock(
    event_id: int, clock: str, pair: tuple[int, int], on_hand: int, reserved: int = 0, delay: float = 1.0
) -> dict[str, Any]:
    """An inventory event; `delay` in minutes."""
    return {
        "_id": Int64(event_id),
        "product_id": pair[0],
        "warehouse_id": pair[1],
        "inventory_on_hand": on_hand,
        "reserved_stock": reserved,
        "fulfillment_delay": delay,
        "inventory_ts": at(clock),
        "arrived_at": at(clock),
    }


@dataclass
class Shop:
    """Dimensions of a test shop: ids count from 1."""

    products: int = 6
    capacities: tuple[int, ...] = (8, 1000, 500)
    provinces: tuple[str, ...] = ("Sindh", "Punjab")
    discount_pct: float = 10.0

    def stock_dimensions(self, database: Database[dict[str, Any]], sale: SaleRun) -> None:
        """Write the dimensions."""
        database[PRODUCTS.name].insert_many(
            {
                "_id": i,
                "name": f"Product {i}",
                "category": "phones",
                "base_price": Int64(1000 * i),
                "unit_cost": Int64(500 * i),
            }
            for i in range(1, self.products + 1)
        )
        database[WAREHOUSES.name].insert_many(
            {
                "_id": i,
                "name": f"Warehouse {i}",
                "city_id": 1,
                "latitude": 24.9,
                "longitude": 67.0,
                "capacity_units_per_minute": capacity,
            }
            for i, capacity in enumerate(self.capacities, 1)
        )
        database[CITIES.name].insert_many(
            {"_id": i, "city": f"City {i}", "province": province, "latitude": 30.0, "longitude": 70.0}
            for i, province in enumerate(self.provinces, 1)
        )
        minutes = int((sale.sale_end - sale.sale_start).total_seconds() // 60)
        database[CAMPAIGNS.name].insert_one(
            {
                "_id": 1,
                "name": "Sale",
                "categories": ["phones"],
                "products": [],
                "discount_pct": self.discount_pct,
                "starts_at": sale.sale_start,
                "ends_at": sale.sale_end,
                "planned_intensity": [1000] * minutes,
            }
        )


class Pipeline:
    """One test sale and direct access to its stores, past the writer."""

    def __init__(self, settings: Settings, sale: SaleRun, shop: Shop | None = None) -> None:
        self.settings = settings
        self.sale = sale
        self.client: Client = mongo_client(settings, "owner")
        self.database = self.client[sale.database]
        (shop or Shop()).stock_dimensions(self.database, sale)

    def add(self, orders: list[dict[str, Any]], inventory: list[dict[str, Any]]) -> None:
        if orders:
            self.database[ORDERS.name].insert_many(orders)
            set_first_order(self.client, self.sale.sale_id, min(o["order_ts"] for o in orders))
        if inventory:
            self.database[INVENTORY.name].insert_many(inventory)

    def acked_through(self, clock: str) -> None:
        """Move the watermark."""
        put_checkpoint(self.database, 0, at(clock), 0, None)

    def mark_settled(self, start: str, end: str) -> None:
        """Say of each minute in ``[start, end)`` that its KPIs are final, without computing them."""
        minutes = minutes_between(at(start) + MINUTE, at(end) + MINUTE)
        self.database[KPI_STATE].insert_many({"_id": minute, "settled": True} for minute in minutes)
