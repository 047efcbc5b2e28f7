"""The war room: what, where, which action, in five seconds."""

import streamlit as st

from dashboard import panels
from dashboard.acting import draw_actions
from dashboard.board import Board
from dashboard.filter_bar import draw_filter_bar
from dashboard.scene import Published, Scene
from dashboard.wording import shop_time


def draw(scene: Scene, published: Published) -> None:
    """The strip, six figures, the action table, and where it hurts."""
    board = published.board
    with st.container(key="screen"):
        panels.draw_strip(published.strip, scene.address)
        with st.container(key="board"):
            panels.draw_figures(board.figures)
            if board.flood:
                panels.draw_flood(board.flood)
            _draw_what(board, scene, published)
            panels.draw_where_and_trend(board.map, published.charts)


def _draw_what(board: Board, scene: Scene, published: Published) -> None:
    with st.container(key="what"):
        draw_filter_bar(board, scene.address, published.snapshot_id, scene.client, scene.settings)
        if board.shown_actions["rows"] or not board.all_actions["rows"]:
            with st.container(key="actions"):
                if board.actions.lines:
                    draw_actions(board, scene.client, scene.settings, chosen=scene.address.filters)
                else:
                    panels.draw_all_clear(shop_time(published.fresh.through, scene.zone, scene.now))
        elif board.flood:
            panels.draw_all_in_groups()
        else:
            panels.draw_nothing_left(board.all_actions["total"])
