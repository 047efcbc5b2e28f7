"""A published minute as the screen shows it: parsed once, then shared by every viewer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.action_table import ActionTable, action_table
from dashboard.address import NO_FILTERS, FilterField, Filters
from dashboard.csv_export import actions_csv
from dashboard.figures import Figure, headline_figures
from dashboard.filtering import Places, filtered_actions, in_force, wanted_city, wanted_warehouse
from dashboard.flood import FloodGroup, beside, flood_groups, folded
from dashboard.names import Names
from dashboard.risk_map import RiskMap, risk_map
from dashboard.risk_trend import RiskTrend, risk_trend
from dashboard.warehouse_load import WarehouseLoad, warehouse_loads
from flashsale.data_quality import DataQuality
from flashsale.errors import FlashsaleError
from flashsale.minutes import parse_iso
from flashsale.settings import Settings
from flashsale.snapshot import SCHEMA_VERSION, Actions, CityWarehouseRow, Meta
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
    """Everything the screen shows of one snapshot under one set of filters; immutable.

    `options`: what the filters offer, by field, value -> text; `csv`: all published rows, whatever the filters.
    """

    meta: Meta
    names: Names
    quality: DataQuality
    quality_score: float | None
    quarantined: int
    phantom_suspects: int
    bot_orders: int
    surging_pairs: int
    figures: tuple[Figure, ...]
    actions: ActionTable
    map: RiskMap
    loads: tuple[WarehouseLoad, ...]
    trend: RiskTrend
    options: Mapping[FilterField, Mapping[str, str]]
    all_actions: Actions
    shown_actions: Actions
    flood: tuple[FloodGroup, ...]
    csv: bytes


def build_board(
    meta: Meta,
    texts: Mapping[str, str | None],
    dimensions: DimensionsView | None,
    settings: Settings,
    filters: Filters = NO_FILTERS,
) -> Board:
    """The board of the parts `SCREEN_PARTS` (JSON text by name), with what `filters` leave of it.

    Raises UnreadableSnapshotError naming what cannot be read.
    """
    parts = {name: _parsed(name, texts.get(name)) for name in SCREEN_PARTS}
    names, places = Names(dimensions), Places.of(dimensions)
    options = places.options()
    chosen = in_force(filters, options)
    end = parse_iso(meta["data_interval_end"])
    zone = ZoneInfo(settings.shop_time_zone)
    try:
        actions = filtered_actions(folded(parts["actions"], chosen), chosen, places)
        flood = flood_groups(parts["actions"], chosen, places, names, settings.currency, end)
        return Board(
            meta=meta,
            names=names,
            quality=parts["data_quality"],
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
            actions=action_table(beside(actions, flood), names, settings.currency, end, zone, meta["snapshot_id"]),
            map=risk_map(
                [row for row in parts["cities"] if wanted_city(row["city_id"], chosen, places)],
                [row for row in parts["city_warehouse"] if _wanted_cell(row, chosen, places)],
                names,
            ),
            loads=warehouse_loads(
                [row for row in parts["warehouses"] if wanted_warehouse(row["warehouse_id"], chosen, places)], names
            ),
            trend=risk_trend(parts["trend"], end, zone),
            options=options,
            all_actions=parts["actions"],
            shown_actions=actions,
            flood=flood,
            csv=actions_csv(parts["actions"]["rows"], meta, names, places, settings.currency),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableSnapshotError(
            f"snapshot {meta['snapshot_id']}: a part does not hold what its layout says ({error!r})"
        ) from error


def _wanted_cell(cell: CityWarehouseRow, filters: Filters, places: Places) -> bool:
    chosen = not filters.warehouse or str(cell["warehouse_id"]) in filters.warehouse
    return chosen and wanted_city(cell["city_id"], filters, places)


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
