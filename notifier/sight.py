"""What can be seen at a moment: the sale by MongoDB, figures and health by Redis, which may be away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import parse_iso
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.snapshot import AlertRow, Meta
from flashsale.stores.context import SaleView, read_sale
from flashsale.stores.health import Health
from flashsale.stores.redis_client import RedisClient, redis_errors
from flashsale.stores.snapshots import current_snapshot_id, read_parts

REDIS_USER = "notifier_read"
OWN_PART = "notifier"
_SCAN_COUNT = 2000


@dataclass(frozen=True, slots=True)
class Sight:
    """One look; without Redis only `sale` and `redis_problem` are known, with damaged figures `figures_problem`.

    `health` by the tail of the key (``kpi``, ``dag:minute_kpis``); what expired is not in it.  `quality` is 0..1.
    """

    now: datetime
    sale: SaleRun | None
    redis_problem: str | None = None
    figures_problem: str | None = None
    sale_view: SaleView | None = None
    meta: Meta | None = None
    quality: float | None = None
    health: Mapping[str, Health] = field(default_factory=dict)
    alert_rows: Mapping[str, AlertRow] = field(default_factory=dict)


def look(redis: RedisClient, sale: SaleRun | None, now: datetime) -> Sight:
    """What Redis says of the live `sale` now; that it does not answer, or refuses, is part of what is seen."""
    if sale is None:
        return Sight(now, None)
    try:
        with redis_errors("look at the figures"):
            return _look(redis, sale, now)
    except FlashsaleError as error:
        return Sight(now, sale, redis_problem=one_line(error))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Whatever stands there: it must not end the one who tells of it.
        return Sight(now, sale, figures_problem=f"{type(error).__name__}: {one_line(error)[:120]}")


def _look(redis: RedisClient, sale: SaleRun, now: datetime) -> Sight:
    parts: dict[str, str | None] = {}
    identifier = current_snapshot_id(redis, sale.sale_id)
    if identifier is not None:
        parts = read_parts(redis, sale.sale_id, identifier, ("meta", "headline", "alerts"))
    meta, headline, alerts = (json.loads(parts.get(name) or "null") for name in ("meta", "headline", "alerts"))
    if meta is not None:
        parse_iso(meta["data_interval_end"])
        parse_iso(meta["watermark"] or meta["data_interval_end"])
    return Sight(
        now,
        sale,
        sale_view=read_sale(redis, sale.sale_id),
        meta=meta,
        quality=headline["data_quality_score"] if headline else None,
        health=_health(redis, sale.sale_id),
        alert_rows={row["alert_id"]: row for row in alerts or () if row["alert_id"]},
    )


def _health(redis: RedisClient, sale_id: str) -> dict[str, Health]:
    """Every health key of the sale but the notifier's own."""
    pattern = SaleKeys(sale_id).health_pattern
    names = sorted(redis.scan_iter(match=pattern, count=_SCAN_COUNT))
    texts: Any = redis.mget(names) if names else []
    found: dict[str, Health] = {}
    for name, text in zip(names, texts, strict=True):
        if text:
            report = json.loads(text)
            found[name.removeprefix(pattern[:-1])] = {key: str(report[key]) for key in ("state", "at", "detail")}  # type: ignore[assignment]
    found.pop(OWN_PART, None)
    return found
