"""Copies in Redis of what a reader needs besides a snapshot: the sale and the names of things."""

import json
from collections.abc import Sequence
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


class DimensionsView(TypedDict):
    """Names by id; JSON keys are strings."""

    products: dict[str, dict[str, Any]]
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
    client.set(SaleKeys(sale_id).dimensions, canonical_json(view))


def read_dimensions(client: RedisClient, sale_id: str) -> DimensionsView | None:
    text: Any = client.get(SaleKeys(sale_id).dimensions)
    return json.loads(text) if text else None


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
