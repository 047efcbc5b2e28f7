"""The documents of the dimension tables, drawn from a scenario: what the business knows before the sale."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from bson.int64 import Int64

from flashsale.campaigns import planned_intensity as planned_intensity
from flashsale.gazetteer import PLACES
from flashsale.market import Market, draw_market
from flashsale.minutes import MINUTE
from flashsale.scenario import Campaign, Scenario

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Documents in stored form (see `flashsale.schema`), each list ascending by ``_id``."""

    products: list[Document]
    warehouses: list[Document]
    cities: list[Document]
    campaigns: list[Document]
    shipments: list[Document]


def draw_dimensions(scenario: Scenario, seed: int, sale_start: datetime) -> Dimensions:
    """The dimension documents of (scenario, seed, sale_start): the same arguments give the same documents."""
    market = draw_market(scenario, seed)
    return Dimensions(
        products=_products(market),
        warehouses=_warehouses(scenario, market),
        cities=_cities(scenario),
        campaigns=campaign_documents(scenario, sale_start),
        shipments=_shipments(market, sale_start),
    )


def campaign_documents(scenario: Scenario, sale_start: datetime) -> list[Document]:
    """`campaigns_dim` of the scenario, in its order, ids from 1."""
    return [
        {
            "_id": i + 1,
            "name": campaign.name,
            "categories": list(campaign.categories),
            "products": list(campaign.products),
            "discount_pct": float(campaign.discount_pct),
            "starts_at": sale_start + campaign.starts_at_minute * MINUTE,
            "ends_at": sale_start + (campaign.starts_at_minute + campaign.duration_minutes) * MINUTE,
            "planned_intensity": _curve(campaign),
        }
        for i, campaign in enumerate(scenario.campaigns)
    ]


def _curve(campaign: Campaign) -> list[int]:
    """Permille per minute of the campaign; before the first and after the last point the curve is flat."""
    minutes = np.arange(campaign.duration_minutes)
    points = np.array(campaign.intensity, dtype=np.float64)
    return [int(value) for value in np.rint(np.interp(minutes, points[:, 0], points[:, 1]))]


def _products(market: Market) -> list[Document]:
    products = market.products
    return [
        {
            "_id": i + 1,
            "name": name,
            "category": products.categories[i],
            "base_price": Int64(products.base_price[i]),
            "unit_cost": Int64(products.unit_cost[i]),
        }
        for i, name in enumerate(products.names)
    ]


def _warehouses(scenario: Scenario, market: Market) -> list[Document]:
    return [
        {
            "_id": i + 1,
            "name": warehouse.name,
            "city_id": int(market.warehouse_city[i]) + 1,
            "latitude": round(float(market.warehouses.latitude[i]), 5),
            "longitude": round(float(market.warehouses.longitude[i]), 5),
            "capacity_units_per_minute": warehouse.capacity_units_per_minute,
        }
        for i, warehouse in enumerate(scenario.warehouses)
    ]


def _cities(scenario: Scenario) -> list[Document]:
    return [
        {
            "_id": i + 1,
            "city": name,
            "province": PLACES[name].province,
            "latitude": PLACES[name].latitude,
            "longitude": PLACES[name].longitude,
        }
        for i, name in enumerate(scenario.cities.names)
    ]


def _shipments(market: Market, sale_start: datetime) -> list[Document]:
    """As announced: all still planned.  The generator alone knows when and how complete they arrive."""
    shipments = market.shipments
    return [
        {
            "_id": i + 1,
            "product_id": int(shipments.product[i]) + 1,
            "warehouse_id": int(shipments.warehouse[i]) + 1,
            "qty": int(shipments.qty[i]),
            "due_at": sale_start + timedelta(minutes=int(shipments.due_minute[i])),
            "status": "planned",
            "received_at": None,
            "received_qty": None,
        }
        for i in range(len(shipments.qty))
    ]
