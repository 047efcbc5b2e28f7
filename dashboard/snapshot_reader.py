"""What Redis holds for the screen, asked as a user that can only read."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from dashboard.board import SCREEN_PARTS
from flashsale.errors import FlashsaleError, ServiceUnavailableError
from flashsale.settings import Settings
from flashsale.stores.context import (
    DimensionsView,
    ProductName,
    SaleView,
    active_sale_id,
    read_dimensions,
    read_history,
    read_products,
    read_sale,
)
from flashsale.stores.health import Health, read_health
from flashsale.stores.redis_client import RedisClient, redis_client, redis_errors
from flashsale.stores.snapshots import current_snapshot_id, read_parts

REDIS_USER = "dashboard_read"

PIPELINE_PARTS: dict[str, str] = {
    "KPI job": "kpi",
    "Airflow": "dag:minute_kpis",
    "archive": "archive",
    "archive DAG": "dag:archive_facts",
}
"""Label on the strip -> tail of the health key, in the order shown."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is live at this moment; the pointer is read once, everything else hangs on it.

    `meta` is the JSON text of the snapshot's part.  It is not covered by the id: a minute
    published again with the same content may carry a later watermark.
    """

    sale_id: str | None
    sale: SaleView | None
    snapshot_id: str | None
    meta: str | None
    health: dict[str, Health | None]


def connect(settings: Settings) -> RedisClient:
    """A client of the read-only user; raises SettingsError when its secret cannot be read."""
    return redis_client(settings, REDIS_USER)


def read_present(client: RedisClient) -> Present:
    """The live sale, its snapshot and the health of the parts.

    Raises ServiceUnavailableError when Redis does not answer, FlashsaleError when it refuses.
    """
    with _reading():
        sale_id = active_sale_id(client)
        if sale_id is None:
            return Present(None, None, None, None, {})
        snapshot_id = current_snapshot_id(client, sale_id)
        return Present(
            sale_id,
            read_sale(client, sale_id),
            snapshot_id,
            read_parts(client, sale_id, snapshot_id, ("meta",))["meta"] if snapshot_id else None,
            read_health(client, sale_id, PIPELINE_PARTS),
        )


def read_screen_parts(
    client: RedisClient, sale_id: str, snapshot_id: str
) -> tuple[dict[str, str | None], DimensionsView | None]:
    """JSON texts of the parts the first screen shows, and the names of what is on it."""
    with _reading():
        texts = read_parts(client, sale_id, snapshot_id, SCREEN_PARTS)
        return texts, read_dimensions(client, sale_id, shown_products(texts["actions"]))


def read_one_part(client: RedisClient, sale_id: str, snapshot_id: str, part: str) -> str | None:
    """JSON text of a part that the first screen does without."""
    with _reading():
        return read_parts(client, sale_id, snapshot_id, (part,))[part]


def read_past(client: RedisClient, sale_id: str, minutes: Sequence[datetime]) -> dict[datetime, dict[str, Any]]:
    """Headline and alerts of past minutes, by the minute's end; those that are gone are left out."""
    with _reading():
        return read_history(client, sale_id, minutes)


def read_health_of(client: RedisClient, sale_id: str, parts: Mapping[str, str]) -> dict[str, Health | None]:
    """Last words by label of `parts` (label -> tail of the key); None where they have expired."""
    with _reading():
        return read_health(client, sale_id, parts)


def read_places(client: RedisClient, sale_id: str) -> DimensionsView | None:
    """The sale's places, and how many products it has; None before they are seeded."""
    with _reading():
        return read_dimensions(client, sale_id, ())


def read_product_names(client: RedisClient, sale_id: str, products: Collection[int]) -> dict[str, ProductName]:
    """Names of products that are not on the first screen."""
    with _reading():
        return read_products(client, sale_id, products)


def shown_products(actions: str | None) -> list[int]:
    """The products of the part `actions`; of a text that is none there are none, and the board says what is wrong."""
    try:
        rows: Any = json.loads(actions or "")["rows"]
        return sorted({int(row["product_id"]) for row in rows})
    except (ValueError, KeyError, TypeError):
        return []


@contextmanager
def _reading() -> Iterator[None]:
    """One-line errors; a wrong password, which the client counts as a lost connection, is a refusal."""
    try:
        with redis_errors("the page"):
            yield
    except ServiceUnavailableError as error:
        if isinstance(error.__cause__, redis.AuthenticationError):
            raise FlashsaleError(
                f"Redis does not accept the password of {REDIS_USER}: "
                f"secret redis_{REDIS_USER} is not the one it was started with"
            ) from error
        raise
