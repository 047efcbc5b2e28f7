"""The line the supervisor prints each minute: what the page shows, read from Redis as the page does."""

import json
from dataclasses import dataclass
from datetime import datetime

from embedded.config import StackConfig
from flashsale.errors import FlashsaleError
from flashsale.minutes import parse_iso, utc_now
from flashsale.stores.context import active_sale_id, read_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.snapshots import current_snapshot_id, read_parts

STALE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Published:
    """The current snapshot, as far as one line tells it; `through` is what its figures are complete to."""

    sale_id: str
    snapshot_id: str | None
    through: datetime | None
    orders: int
    at_risk_skus: int
    sold_out_skus: int
    ended: bool

    def age_seconds(self, now: datetime) -> float | None:
        return None if self.through is None else max(0.0, (now - self.through).total_seconds())


def read_published(config: StackConfig) -> Published | None:
    """What Redis holds now, None before the first sale; raises FlashsaleError when it cannot be read."""
    with redis_errors("published KPIs"), redis_client(config.settings, "dashboard_read") as client:
        sale_id = active_sale_id(client)
        if sale_id is None:
            return None
        sale = read_sale(client, sale_id)
        ended = sale is not None and sale["phase"] == "ended"
        snapshot = current_snapshot_id(client, sale_id)
        parts = read_parts(client, sale_id, snapshot, ("meta", "headline")) if snapshot else {}
    if snapshot is None or not parts["meta"] or not parts["headline"]:
        return Published(sale_id, None, None, 0, 0, 0, ended)
    meta, headline = json.loads(parts["meta"]), json.loads(parts["headline"])
    through = parse_iso(meta["data_interval_end"])
    if meta["watermark"] is not None:
        through = min(through, parse_iso(meta["watermark"]))
    return Published(
        sale_id,
        snapshot,
        through,
        headline["orders_per_minute"],
        headline["high_risk_skus"],
        headline["sold_out_skus"],
        ended,
    )


def minute_line(published: Published | None, now: datetime) -> str:
    """One line for people; says what is missing or stale instead of showing it as fresh."""
    clock = f"{now:%H:%M} UTC  "
    if published is None:
        return f"{clock}no sale is open yet"
    age = published.age_seconds(now)
    if age is None:
        return f"{clock}no KPIs published yet for sale {published.sale_id}"
    figures = (
        f"orders {published.orders:,}  KPI age {age:.0f} s  "
        f"at-risk SKUs {published.at_risk_skus}  sold out {published.sold_out_skus}"
    )
    if published.ended:
        return f"{clock}{figures}  (the sale has ended)"
    return f"{clock}STALE  {figures}" if age > STALE_SECONDS else f"{clock}{figures}"


def current_line(config: StackConfig) -> str:
    """The line for now, also when Redis does not answer."""
    now = utc_now()
    try:
        return minute_line(read_published(config), now)
    except FlashsaleError as error:
        return f"{now:%H:%M} UTC  {error}"
