"""A published minute as the screen shows it: parsed once, then shared by every viewer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.action_table import ActionTable, action_table
from dashboard.figures import Figure, headline_figures
from dashboard.names import Names
from dashboard.risk_map import RiskMap, risk_map
from dashboard.risk_trend import RiskTrend, risk_trend
from dashboard.warehouse_load import WarehouseLoad, warehouse_loads
from flashsale.errors import FlashsaleError
from flashsale.minutes import parse_iso
from flashsale.settings import Settings
from flashsale.snapshot import SCHEMA_VERSION, Meta
from flashsale.stores.context import DimensionsView

SCREEN_PARTS = (
    "headline",
    "actions",
    "warehouses",
    "city_warehouse",
    "cities",
    "trend",
    "data_quality",
)
"""What the first screen reads besides `meta`; never `products`, which grows with the catalogue."""


class SchemaMismatchError(FlashsaleError):
    """The snapshot has a layout this page does not know."""


class UnreadableSnapshotError(FlashsaleError):
    """A part of the snapshot is missing or does not hold what its type says."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the screen shows of one snapshot; immutable."""

    meta: Meta
    quality_score: float | None
    quarantined: int
    phantom_suspects: int
    bot_orders: int
    surging_pairs: int
    figures: tuple[Figure, ...]
    actions: ActionTable
    names: Names
    map: RiskMap
    loads: tuple[WarehouseLoad, ...]
    trend: RiskTrend


def build_board(
    meta: Meta, texts: Mapping[str, str | None], dimensions: DimensionsView | None, settings: Settings
) -> Board:
    """The board of the parts `SCREEN_PARTS` (JSON text by name).

    Raises UnreadableSnapshotError naming what cannot be read.
    """
    parts = {name: _parsed(name, texts.get(name)) for name in SCREEN_PARTS}
    names = Names(dimensions)
    end = parse_iso(meta["data_interval_end"])
    zone = ZoneInfo(settings.shop_time_zone)
    try:
        return Board(
            meta=meta,
            quality_score=parts["data_quality"]["score"],
            quarantined=sum(parts["data_quality"]["quarantined"].values()),
            # A snapshot of the release before has none.
            phantom_suspects=parts["data_quality"].get("phantom_suspects", {"total": 0})["total"],
            bot_orders=parts["headline"].get("bot_orders", 0),
            surging_pairs=parts["headline"].get("surging_pairs", 0),
            figures=headline_figures(
                parts["headline"],
                parts["trend"],
                len(parts["warehouses"]),
                settings.currency,
                settings.value_horizon_minutes,
            ),
            actions=action_table(parts["actions"], names, settings.currency, end, zone, meta["snapshot_id"]),
            names=names,
            map=risk_map(parts["cities"], parts["city_warehouse"], names),
            loads=warehouse_loads(parts["warehouses"], names),
            trend=risk_trend(parts["trend"], end, zone),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableSnapshotError(
            f"snapshot {meta['snapshot_id']}: a part does not hold what its layout says ({error!r})"
        ) from error


def parse_meta(text: str | None) -> Meta:
    """The part `meta`; raises SchemaMismatchError for another layout, UnreadableSnapshotError for none."""
    value = _parsed("meta", text)
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION:
        raise SchemaMismatchError(
            f"The pipeline publishes layout {version}, this page reads layout {SCHEMA_VERSION}: "
            "bring both to the same release."
        )
    missing = Meta.__required_keys__ - value.keys()
    if missing:
        raise UnreadableSnapshotError(f"snapshot part meta lacks {', '.join(sorted(missing))}")
    meta: Meta = value
    return meta


def _parsed(name: str, text: str | None) -> Any:
    if text is None:
        raise UnreadableSnapshotError(f"snapshot part {name} is not in Redis")
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnreadableSnapshotError(f"snapshot part {name} is not JSON ({error})") from error
