"""Copies in Redis of what a reader needs besides a snapshot: the sale and the names of things."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypedDict

from flashsale.minutes import iso
from flashsale.redis_keys import ACTIVE_SALE, SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.snapshot import canonical_json
from flashsale.stores.redis_client import RedisClient

HISTORY_SECONDS = 24 * 3600


class SaleView(TypedDict):
    """The sale as the page shows it; times are ISO 8601 UTC.

    `plan` is the planned intensity per minute from `sale_start`, 1000 = base demand.
    """

    sale_id: str
    scenario: str
    phase: str
    sale_start: str
    sale_end: str
    first_order_ts: str | None
    plan: list[int]


class ProductName(TypedDict):
    """What a product is called, and its category."""

    name: str
    category: str


class DimensionsView(TypedDict):
    """Names by id; JSON keys are strings.

    `products` are those that were asked for, of `product_count` in all; `categories` are all of the sale's.
    """

    products: dict[str, ProductName]
    product_count: int
    categories: list[str]
    warehouses: dict[str, dict[str, Any]]
    cities: dict[str, dict[str, Any]]


def write_sale(client: RedisClient, sale: SaleRun, plan: list[int], *, active: bool = True) -> None:
    """Set the sale's view; `fs:active_sale` names it when it is the `active` one."""
    view: SaleView = {
        "sale_id": sale.sale_id,
        "scenario": sale.scenario,
        "phase": sale.phase,
        "sale_start": iso(sale.sale_start),
        "sale_end": iso(sale.sale_end),
        "first_order_ts": iso(sale.first_order_ts) if sale.first_order_ts else None,
        "plan": plan,
    }
    client.set(SaleKeys(sale.sale_id).sale, canonical_json(view))
    if active:
        client.set(ACTIVE_SALE, sale.sale_id)


def read_sale(client: RedisClient, sale_id: str) -> SaleView | None:
    text: Any = client.get(SaleKeys(sale_id).sale)
    return json.loads(text) if text else None


def write_dimensions(client: RedisClient, sale_id: str, view: DimensionsView) -> None:
    """Set the names of all products, which `view` holds, and then what refers to them."""
    keys = SaleKeys(sale_id)
    if view["products"]:
        names: Any = {identifier: canonical_json(product) for identifier, product in view["products"].items()}
        client.hset(keys.products, mapping=names)
    client.set(keys.dimensions, canonical_json({name: part for name, part in view.items() if name != "products"}))


def read_dimensions(client: RedisClient, sale_id: str, products: Collection[int]) -> DimensionsView | None:
    """Places and categories of a sale, and the names of `products`; None before they are seeded."""
    text: Any = client.get(SaleKeys(sale_id).dimensions)
    if not text:
        return None
    view: Any = json.loads(text)
    if "products" in view:
        # By a release that kept all names in one text, which grew with the catalogue.
        view["product_count"] = len(view["products"])
        view["categories"] = sorted({product["category"] for product in view["products"].values()})
    else:
        view["products"] = read_products(client, sale_id, products)
    found: DimensionsView = view
    return found


def read_products(client: RedisClient, sale_id: str, products: Collection[int]) -> dict[str, ProductName]:
    """Names of `products` by id; those that are not seeded are left out."""
    if not products:
        return {}
    fields = [str(identifier) for identifier in products]
    texts: Any = client.hmget(SaleKeys(sale_id).products, fields)
    return {field: json.loads(text) for field, text in zip(fields, texts, strict=True) if text}


def write_history(client: RedisClient, sale_id: str, minute: datetime, value: dict[str, Any]) -> None:
    """Headline and alerts of a minute, kept 24 hours."""
    client.set(SaleKeys(sale_id).history(minute), canonical_json(value), ex=HISTORY_SECONDS)


def read_history(client: RedisClient, sale_id: str, minutes: Sequence[datetime]) -> dict[datetime, dict[str, Any]]:
    """What `write_history` kept of the minutes with these ends; those that are not there (any more) are left out."""
    if not minutes:
        return {}
    keys = SaleKeys(sale_id)
    texts: Any = client.mget([keys.history(minute) for minute in minutes])
    return {minute: json.loads(text) for minute, text in zip(minutes, texts, strict=True) if text}


def active_sale_id(client: RedisClient) -> str | None:
    """The live sale, or None before the first was opened."""
    value: Any = client.get(ACTIVE_SALE)
    return None if value is None else str(value)
