"""Dimension documents of an imported sale: from the file where it says so, else derived, and said."""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from bson.int64 import Int64

from flashsale.dimensions import Dimensions
from flashsale.schema import MAX_ORDER_VALUE
from flashsale.stores.mongo import Document
from generator.importing.bad_cells import ImportFileError
from generator.importing.mapping import Campaign, Mapping
from generator.importing.numbers import MINOR_PARTS
from generator.importing.order_table import OrderTable
from generator.importing.orders import OrderRows
from generator.importing.places import city_positions, warehouse_cities

IntArray = npt.NDArray[np.int64]


def dimension_documents(
    rows: OrderRows, table: OrderTable, mapping: Mapping, sale_start: datetime
) -> tuple[Dimensions, dict[str, int]]:
    """(documents of the sale that starts at `sale_start`, field -> number of products for which it was derived).

    Raises ImportFileError when a campaign names a product or category that has no orders.
    """
    products, derived = _products(rows, table, mapping)
    cities = _cities(rows, table, mapping)
    city_ids = {city["city"]: city["_id"] for city in cities}
    dimensions = Dimensions(
        products=products,
        warehouses=_warehouses(mapping, city_ids),
        cities=cities,
        campaigns=_campaigns(rows, table, mapping, products, sale_start),
        shipments=[],
    )
    return dimensions, derived


def _products(rows: OrderRows, table: OrderTable, mapping: Mapping) -> tuple[list[Document], dict[str, int]]:
    price = _median_prices(table)
    words, facts = rows.words, rows.facts
    derived = {"category": 0, "base_price": 0, "unit_cost": 0}
    documents = []
    for code in np.flatnonzero(table.product_ids >= 0).tolist():
        product_id = int(table.product_ids[code])
        name, category = facts.of("product_name", code), facts.of("category", code)
        base_parts, cost_parts = facts.of("base_price", code), facts.of("unit_cost", code)
        base = price[product_id] if base_parts is None else _minor(base_parts)
        # A price of nothing would make every forecast of value nothing; the smallest coin says as little.
        base = max(base, 1)
        cost = round(base * mapping.defaults.unit_cost_share) if cost_parts is None else _minor(cost_parts)
        derived["category"] += category is None
        derived["base_price"] += base_parts is None
        derived["unit_cost"] += cost_parts is None
        documents.append(
            {
                "_id": product_id,
                "name": words.products.names[code] if name is None else words.product_names.names[name],
                "category": mapping.defaults.category if category is None else words.categories.names[category],
                "base_price": Int64(min(base, MAX_ORDER_VALUE)),
                "unit_cost": Int64(min(cost, MAX_ORDER_VALUE)),
            }
        )
    return sorted(documents, key=lambda document: int(document["_id"])), derived


def _minor(parts: int) -> int:
    return (parts + MINOR_PARTS // 2) // MINOR_PARTS


def _median_prices(table: OrderTable) -> dict[int, int]:
    """product_id -> median over its orders of value ÷ quantity, minor units; of an even number the lower middle."""
    orders = table.orders
    price = np.rint(orders.value / orders.qty).astype(np.int64)
    order = np.lexsort((price, orders.product_id))
    products, first, count = np.unique(orders.product_id[order], return_index=True, return_counts=True)
    medians = price[order][first + (count - 1) // 2]
    return dict(zip(products.tolist(), medians.tolist(), strict=True))


def _cities(rows: OrderRows, table: OrderTable, mapping: Mapping) -> list[Document]:
    """Cities of orders and of warehouses."""
    ids = {rows.words.cities.names[code]: int(table.city_ids[code]) for code in np.flatnonzero(table.city_ids >= 0)}
    positions = city_positions(mapping)
    return [
        {
            "_id": number,
            "city": name,
            "province": positions[name].province,
            "latitude": float(positions[name].latitude),
            "longitude": float(positions[name].longitude),
        }
        for name, number in sorted(ids.items(), key=lambda item: item[1])
    ]


def _warehouses(mapping: Mapping, city_ids: dict[str, int]) -> list[Document]:
    """All of the mapping, in its order: one without orders may be where a transfer comes from."""
    positions = city_positions(mapping)
    documents = []
    for i, (warehouse, city) in enumerate(zip(mapping.warehouses, warehouse_cities(mapping), strict=True)):
        latitude = positions[city].latitude if warehouse.latitude is None else warehouse.latitude
        longitude = positions[city].longitude if warehouse.longitude is None else warehouse.longitude
        documents.append(
            {
                "_id": i + 1,
                "name": warehouse.name,
                "city_id": city_ids[city],
                "latitude": float(latitude),
                "longitude": float(longitude),
                "capacity_units_per_minute": warehouse.capacity_units_per_minute,
            }
        )
    return documents


def _campaigns(
    rows: OrderRows, table: OrderTable, mapping: Mapping, products: list[Document], sale_start: datetime
) -> list[Document]:
    categories = {product["category"] for product in products}
    documents = []
    for i, campaign in enumerate(mapping.campaigns):
        for name in campaign.categories:
            if name not in categories:
                raise ImportFileError(f"mapping: campaigns[{i}].categories: no imported product is of {name!r}")
        starts_at = sale_start + timedelta(minutes=campaign.starts_at_minute)
        documents.append(
            {
                "_id": i + 1,
                "name": campaign.name,
                "categories": list(campaign.categories),
                "products": [_product_id(rows, table, name, i) for name in campaign.products],
                "discount_pct": float(campaign.discount_pct),
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=campaign.duration_minutes),
                "planned_intensity": _curve(campaign),
            }
        )
    return documents


def _product_id(rows: OrderRows, table: OrderTable, name: str, campaign: int) -> int:
    code = rows.words.products.find(name)
    if code is None or code >= len(table.product_ids) or table.product_ids[code] < 0:
        raise ImportFileError(f"mapping: campaigns[{campaign}].products: no order of {name!r} was imported")
    return int(table.product_ids[code])


def _curve(campaign: Campaign) -> list[int]:
    """Permille per minute of the campaign; before the first and after the last point the curve is flat."""
    points = np.array(campaign.intensity, dtype=np.float64)
    curve = np.interp(np.arange(campaign.duration_minutes), points[:, 0], points[:, 1])
    return [int(value) for value in np.rint(curve)]
