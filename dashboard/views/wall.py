"""The wall: one thing at a time in type that can be read across a room, without any control."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import plotly.graph_objects as go
import streamlit as st

from dashboard import panels
from dashboard.acting import draw_actions
from dashboard.board import Board
from dashboard.filtering import in_force, rows_left, said
from dashboard.scene import Published, Scene
from dashboard.strip import Strip
from dashboard.wording import shop_time

SLIDE_SECONDS = 15
SHOWN_ROWS = 6


def draw(scene: Scene, published: Published) -> None:
    """The slide whose turn it is; the same one on every wall, for it goes by the clock."""
    board, number = published.board, slide_number(scene.now)
    with st.container(key="screen"):
        panels.draw_strip(on_the_wall(published.strip), scene.address, links=False)
        with st.container(key="board"):
            _draw_filters(scene, board)
            with st.container(key=f"wall_{number}"):
                _SLIDES[number](scene, published)


def slide_number(now: datetime) -> int:
    """Which slide it is the turn of."""
    return int(now.timestamp()) // SLIDE_SECONDS % len(_SLIDES)


def on_the_wall(strip: Strip) -> Strip:
    """The strip without what is well: a wall shows the age, and the parts that are in trouble."""
    return replace(strip, parts=tuple(part for part in strip.parts if part.state != "ok"), quality="", quarantine="")


def _draw_filters(scene: Scene, board: Board) -> None:
    filters = in_force(scene.address.filters, board.options)
    if filters:
        with st.container(key="filter_said"):
            left = rows_left(board.shown_actions["total"], board.all_actions)
            st.text(f"▼ Only {said(filters, board.options)}: {left}")


def _figures(_: Scene, published: Published) -> None:
    panels.draw_figures(published.board.figures)


def _actions(scene: Scene, published: Published) -> None:
    board = published.board
    if board.flood:
        panels.draw_flood(board.flood, choose=False)
    if board.actions.lines:
        with st.container(key="actions"):
            draw_actions(board, scene.client, scene.settings, rows=SHOWN_ROWS // 2 if board.flood else SHOWN_ROWS)
    elif not board.all_actions["rows"]:
        panels.draw_all_clear(shop_time(published.fresh.through, scene.zone, scene.now))
    elif not board.flood:
        panels.draw_nothing_left(board.all_actions["total"])


def _map(_: Scene, published: Published) -> None:
    left_out = published.board.map.left_out
    title = "Where: share of each city's demand that depends on stock about to run out"
    _draw_chart("where", title + (f" ({left_out})" if left_out else ""), published.charts.large_risk_map)


def _trend(_: Scene, published: Published) -> None:
    _draw_chart("trend", "Is it getting worse? SKUs, last 60 minutes", published.charts.large_trend)


def _draw_chart(key: str, title: str, chart: go.Figure) -> None:
    with st.container(key="bottom"):
        (column,) = st.columns(1)
        with column:
            panels.draw_card(key, title, chart)


_SLIDES: tuple[Callable[[Scene, Published], None], ...] = (_figures, _actions, _map, _trend)
