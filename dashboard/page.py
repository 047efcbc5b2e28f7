"""The page: reads what is live, decides which state that is, draws it; every 5 seconds again."""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import panels, states
from dashboard.acting import draw_actions
from dashboard.board import Board, build_board, parse_meta
from dashboard.charts import Charts, load_chart, risk_map_chart, trend_chart
from dashboard.freshness import freshness
from dashboard.frontend import STYLES
from dashboard.snapshot_reader import Present, connect, read_present, read_screen_parts
from dashboard.strip import sale_phase, status_strip
from dashboard.wording import shop_time
from flashsale.errors import FlashsaleError, one_line
from flashsale.log_setup import configure_logging
from flashsale.minutes import utc_now
from flashsale.settings import Settings, load_settings
from flashsale.stores.redis_client import RedisClient

REFRESH_SECONDS = 5
_CACHED_BOARDS = 4

log = logging.getLogger("dashboard")


def draw_page() -> None:
    """One run of the script for one viewer."""
    st.set_page_config(page_title="Flash sale war room", layout="wide")
    st.html(STYLES)
    _start_logging()
    _refresh()


@st.fragment(run_every=REFRESH_SECONDS)
def _refresh() -> None:
    """Draw what is live now.  The one error boundary: a viewer sees words, the log the rest."""
    try:
        _draw_present(utc_now())
    except FlashsaleError as error:
        # A new client next time: the secret may have been written since.
        _client.clear()
        log.warning("%s", one_line(error))
        panels.draw_message(states.known_fault(error))
    except Exception:
        log.exception("the page could not be drawn")
        panels.draw_message(states.PAGE_FAULT)


def _draw_present(now: datetime) -> None:
    zone = ZoneInfo(_settings().shop_time_zone)
    present = read_present(_client())
    if present.sale_id is None:
        panels.draw_message(states.NO_SALE)
    elif present.snapshot_id is None:
        name = present.sale["scenario"] if present.sale else present.sale_id
        panels.draw_message(states.no_data(name, sale_phase(present.sale, now, zone)))
    else:
        parse_meta(present.meta)  # before the rest is read: another layout may have other parts
        board, charts = _board(present.sale_id, present.snapshot_id, present.meta or "")
        _draw_board(board, charts, present, zone, now)


def _draw_board(board: Board, charts: Charts, present: Present, zone: ZoneInfo, now: datetime) -> None:
    fresh = freshness(board.meta, present.sale, now, _settings())
    strip = status_strip(board, present.sale, present.health, fresh, now, zone)
    with st.container(key="screen"):
        panels.draw_strip(strip)
        # Another key per state: figures that went stale look it.
        with st.container(key=f"board_{fresh.state}"):
            panels.draw_figures(board.figures)
            with st.container(key="actions"):
                if board.actions.lines:
                    draw_actions(board, _client(), _settings())
                else:
                    panels.draw_all_clear(shop_time(fresh.through, zone, now))
            panels.draw_where_and_trend(board.map, charts)


@st.cache_resource(show_spinner=False)
def _start_logging() -> None:
    configure_logging("dashboard")


@st.cache_resource(show_spinner=False)
def _settings() -> Settings:
    return load_settings()


@st.cache_resource(show_spinner=False)
def _client() -> RedisClient:
    return connect(_settings())


# As a resource, not as data: a board is immutable and shared; a copy per viewer and refresh
# would cost more than drawing it.  The text of `meta` is part of the key, because a minute
# may be published again under the same id with a later watermark.
@st.cache_resource(show_spinner=False, max_entries=_CACHED_BOARDS)
def _board(sale_id: str, snapshot_id: str, meta: str) -> tuple[Board, Charts]:
    texts, dimensions = read_screen_parts(_client(), sale_id, snapshot_id)
    board = build_board(parse_meta(meta), texts, dimensions, _settings())
    return board, Charts(risk_map_chart(board.map), load_chart(board.loads), trend_chart(board.trend))
