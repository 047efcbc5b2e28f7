"""Health of the pipeline's parts in Redis: written by the jobs and by Airflow's callbacks.

``health:{part}`` and ``health:dag:{id}`` hold JSON {state, at, detail}.  A key expires
after three periods, so a part that went silent is not shown as well.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from flashsale.minutes import iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.snapshot import canonical_json
from flashsale.stores.redis_client import RedisClient

HealthState = Literal["ok", "failed"]


class Health(TypedDict):
    """Last outcome of a part; `at` is ISO 8601 UTC, `detail` one line."""

    state: HealthState
    at: str
    detail: str


def write_health(client: RedisClient, key: str, state: HealthState, detail: str, period_seconds: int) -> None:
    """Set a health key (`SaleKeys.health` or `.health_dag`) for three periods."""
    value: Health = {"state": state, "at": iso(utc_now()), "detail": detail[:300]}
    client.set(key, canonical_json(value), ex=3 * period_seconds)


def read_health(client: RedisClient, sale_id: str, parts: Mapping[str, str]) -> dict[str, Health | None]:
    """Health by label for `parts` (label -> key tail, e.g. ``{"Spark": "spark"}``); None when expired."""
    keys = SaleKeys(sale_id)
    texts: Any = client.mget([keys.health(tail) for tail in parts.values()])
    return {label: json.loads(text) if text else None for label, text in zip(parts, texts, strict=True)}
