"""What a reader of the war room sees: the parts of one published minute.

A snapshot is immutable.  Its JSON is canonical (sorted keys, sorted rows, fixed
rounding), so that equal facts give equal bytes and its id can carry their hash.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from flashsale.minutes import compact, parse_compact

SCHEMA_VERSION = 1

PARTS = (
    "meta",
    "headline",
    "products",
    "warehouses",
    "cities",
    "city_warehouse",
    "trend",
    "actions",
    "alerts",
    "data_quality",
    "forecast_quality",
)
SETTLED_PARTS = ("headline", "products", "warehouses", "cities")
"""Parts whose bytes are a pure function of the facts, the carried state and the calibration."""

Status = Literal["ok", "at_risk", "sold_out", "not_stocked", "unknown"]
Severity = Literal["critical", "high", "sold_out", "watch"]
SEVERITY_ORDER: tuple[Severity, ...] = ("critical", "high", "sold_out", "watch")
Action = Literal["restock", "transfer", "reroute", "pause_ads", "monitor"]
AlertState = Literal["open", "acknowledged", "snoozed", "in_transit", "resolved"]


class Meta(TypedDict):
    """How far the data goes and what produced it; times are ISO 8601 UTC."""

    snapshot_id: str
    schema_version: int
    sale_id: str
    data_interval_end: str
    watermark: str | None
    complete: bool
    settled: bool
    calibration_id: str | None
    published_at: str
    code_version: str


class Headline(TypedDict):
    """Figures of the minute ``[T-1, T)``; lost_units and lost_value of the sale so far; money in minor units."""

    orders_per_minute: int
    units_per_minute: int
    value_per_minute: int
    high_risk_skus: int
    sold_out_skus: int
    overloaded_warehouses: int
    value_at_risk: int
    lost_units: int
    lost_value: int
    surging_pairs: int
    bot_orders: int
    data_quality_score: float | None


class ProductRow(TypedDict):
    """One (product, warehouse); velocity in units/min, ETAs in minutes, money in minor units.

    `lost_*`: wanted and not there, so far; `surge`: the last two minutes sold improbably much; `bot_orders`
    of the window count for neither velocity nor forecast.
    """

    product_id: int
    warehouse_id: int
    status: Status
    available: int | None
    velocity: float
    eta_minutes: float | None
    eta_p10: float | None
    eta_p50: float | None
    eta_p90: float | None
    p5: float | None
    p15: float | None
    p30: float | None
    value_at_risk: int | None
    lost_units: int
    lost_value: int
    surge: bool
    bot_orders: int


class WarehouseRow(TypedDict):
    """One warehouse; `load` is units_per_minute ÷ capacity, delay in minutes."""

    warehouse_id: int
    units_per_minute: float
    capacity_units_per_minute: int
    load: float
    mean_fulfillment_delay: float | None
    overloaded: bool


class CityRow(TypedDict):
    """Demand of the last 5 minutes from one city, and the share of it at risk."""

    city_id: int
    province: str
    demand_units: float
    at_risk_share: float | None
    at_risk_value_per_minute: int


class CityWarehouseRow(TypedDict):
    """A cell of the risk map."""

    city_id: int
    warehouse_id: int
    demand_units: float
    at_risk_share: float | None


class TrendRow(TypedDict):
    """One past minute, named by its end."""

    minute: str
    orders: int
    high_risk_skus: int
    sold_out_skus: int
    overloaded_warehouses: int
    value_at_risk: int
    lost_value: int


class AlertRow(TypedDict):
    """One open alert; in a group row `alert_id` and `product_id` are null and `count` tells how many it stands for."""

    alert_id: str | None
    product_id: int | None
    warehouse_id: int
    severity: Severity
    action: Action
    qty: int
    reason: str
    value_saved: int | None
    state: AlertState
    owner: str | None
    raised_at: str
    count: int


class ActionRow(ProductRow):
    """A row of the action table: its product row, what to do, and who does it.

    `until` ends a snooze or is when a shipment is due; a snapshot of the release before has none.
    """

    severity: Severity
    velocities: list[int]
    action: Action
    qty: int
    from_warehouse_id: int | None
    reason: str
    value_saved: int | None
    alert_id: str | None
    state: AlertState | None
    owner: str | None
    raised_at: str | None
    until: NotRequired[str | None]


class Actions(TypedDict):
    """The most urgent rows, and how many there are in all; in a flood the group rows of the part `alerts` besides.

    They stand here too, because the first screen reads this part and not `alerts`, which grows with the catalogue;
    `grouped` are the ids of the rows' alerts that stand in a group.
    """

    total: int
    rows: list[ActionRow]
    groups: list[AlertRow]
    grouped: list[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot ready to publish: the JSON text of each part, and the drill-downs."""

    snapshot_id: str
    data_interval_end: datetime
    parts: Mapping[str, str]
    details: Mapping[str, str]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces; NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def part_texts(parts: Mapping[str, Any]) -> dict[str, str]:
    """Canonical JSON of each part."""
    return {name: canonical_json(part) for name, part in parts.items()}


def settled_digest(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the parts of which DESIGN promises the same bytes on every run.

    `data_quality_score` is left out of the headline: it tells what was received,
    not what was sold.
    """
    return settled_digest_of(parts["headline"], part_texts({name: parts[name] for name in SETTLED_PARTS[1:]}))


def settled_digest_of(headline: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """`settled_digest` of parts whose canonical JSON is there already, all but the headline's."""
    counted = {k: v for k, v in headline.items() if k != "data_quality_score"}
    digest = hashlib.sha256(canonical_json(counted).encode())
    for part in SETTLED_PARTS[1:]:
        digest.update(b"\n" + texts[part].encode())
    return digest.hexdigest()


_SNAPSHOT_ID = re.compile(r"(\d{8}T\d{4}Z)-[0-9a-f]{8}")


def snapshot_id(data_interval_end: datetime, parts: Mapping[str, Any]) -> str:
    """``YYYYMMDDTHHMMZ-`` and 8 hex digits over every part but `meta`."""
    return snapshot_id_of(data_interval_end, part_texts(parts))


def snapshot_id_of(data_interval_end: datetime, texts: Mapping[str, str]) -> str:
    """`snapshot_id` of parts whose canonical JSON is there already."""
    digest = hashlib.sha256()
    for number, name in enumerate(sorted(name for name in texts if name != "meta")):
        digest.update(f'{"," if number else "{"}"{name}":'.encode() + texts[name].encode())
    digest.update(b"}")
    return f"{compact(data_interval_end)}-{digest.hexdigest()[:8]}"


def interval_end_of(identifier: str) -> datetime:
    """Minute a snapshot id stands for; raises ValueError for anything else."""
    match = _SNAPSHOT_ID.fullmatch(identifier)
    if not match:
        raise ValueError(f"not a snapshot id: {identifier!r}")
    return parse_compact(match.group(1))
