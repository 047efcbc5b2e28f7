"""What one drawing of the page knows, and what all viewers share: settings, connection, and each minute read once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.address import Address, Filters
from dashboard.board import Board, UnreadableSnapshotError, build_board, parse_meta
from dashboard.charts import Charts, board_charts
from dashboard.names import Names
from dashboard.snapshot_reader import (
    Present,
    connect,
    read_one_part,
    read_places,
    read_present,
    read_product_names,
    read_screen_parts,
)
from dashboard.strip import Strip, status_strip
from flashsale.freshness import Freshness, freshness
from flashsale.log_setup import configure_logging
from flashsale.minutes import utc_now
from flashsale.settings import Settings, load_settings
from flashsale.stores.context import DimensionsView
from flashsale.stores.redis_client import RedisClient

_CACHED_BOARDS = 16
"""The current minute and the one before, each under the filters that viewers chose."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The present as Redis holds it, and what this viewer asked for; `zone` is the shop's."""

    present: Present
    address: Address
    settings: Settings
    zone: ZoneInfo
    now: datetime

    @property
    def client(self) -> RedisClient:
        """The shared connection of the read-only user."""
        return _client()


@dataclass(frozen=True, slots=True)
class Published:
    """A published minute as the screen shows it; `board` and `charts` are shared, so nobody changes them."""

    sale_id: str
    snapshot_id: str
    board: Board
    charts: Charts
    fresh: Freshness
    strip: Strip


def read_scene(address: Address) -> Scene:
    """Read what is live now.  Raises FlashsaleError in words a viewer can be shown."""
    settings = shared_settings()
    return Scene(read_present(_client()), address, settings, ZoneInfo(settings.shop_time_zone), utc_now())


def read_published(scene: Scene) -> Published | None:
    """The minute the pointer names, under the viewer's filters; None before the first.

    Raises SchemaMismatchError or UnreadableSnapshotError.
    """
    present = scene.present
    if present.sale_id is None or present.snapshot_id is None:
        return None
    parse_meta(present.meta)  # before the rest is read: another layout may have other parts
    board, charts = _board(present.sale_id, present.snapshot_id, present.meta or "", scene.address.filters)
    fresh = freshness(board.meta, present.sale, scene.now, scene.settings)
    strip = status_strip(board, present.sale, present.health, fresh, scene.now, scene.zone)
    return Published(present.sale_id, present.snapshot_id, board, charts, fresh, strip)


@st.cache_resource(show_spinner=False, ttl=60)
def sale_size(sale_id: str) -> tuple[str, str]:
    """``500 products``, ``from 7 warehouses``; or that they are not seeded yet."""
    view = read_places(_client(), sale_id)
    if view is None:
        return "—", "not seeded yet"
    return f"{view['product_count']:,} products", f"from {len(view['warehouses']):,} warehouses"


def read_part(sale_id: str, snapshot_id: str, part: str) -> str:
    """JSON text of one part; raises UnreadableSnapshotError when it is gone."""
    text = read_one_part(_client(), sale_id, snapshot_id, part)
    if text is None:
        raise UnreadableSnapshotError(f"snapshot part {part} is not in Redis")
    return text


def names_with(published: Published, products: Collection[int]) -> Names:
    """The names of the first screen and of these products."""
    return published.board.names.with_products(read_product_names(_client(), published.sale_id, products))


def forget_client() -> None:
    """Connect anew next time: the secret may have been written since."""
    _client.clear()


@st.cache_resource(show_spinner=False)
def start_logging() -> None:
    """The page's log, set up once."""
    configure_logging("dashboard")


@st.cache_resource(show_spinner=False)
def shared_settings() -> Settings:
    return load_settings()


@st.cache_resource(show_spinner=False)
def _client() -> RedisClient:
    return connect(shared_settings())


# As a resource, not as data: a board is immutable and shared; a copy per viewer and refresh
# would cost more than drawing it.  The text of `meta` is part of the key, because a minute
# may be published again under the same id with a later watermark.
@st.cache_resource(show_spinner=False, max_entries=_CACHED_BOARDS)
def _board(sale_id: str, snapshot_id: str, meta: str, filters: Filters) -> tuple[Board, Charts]:
    texts, dimensions = _screen_parts(sale_id, snapshot_id, meta)
    board = build_board(parse_meta(meta), texts, dimensions, shared_settings(), filters)
    return board, board_charts(board.map, board.loads, board.trend)


@st.cache_resource(show_spinner=False, max_entries=2)
def _screen_parts(
    sale_id: str,
    snapshot_id: str,
    meta: str,  # noqa: ARG001 - a part of the key
) -> tuple[dict[str, str | None], DimensionsView | None]:
    return read_screen_parts(_client(), sale_id, snapshot_id)
