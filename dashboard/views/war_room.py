"""The war room: what, where, which action, in five seconds."""

import streamlit as st

from dashboard import panels, states
from dashboard.filter_bar import draw_filter_bar
from dashboard.scene import Scene, read_published
from dashboard.strip import sale_phase
from dashboard.wording import shop_time


def draw(scene: Scene) -> None:
    """The strip, six figures, the action table, and where it hurts; or why there is nothing to show."""
    present = scene.present
    if present.sale_id is None:
        panels.draw_message(states.NO_SALE)
        return
    published = read_published(scene)
    if published is None:
        name = present.sale["scenario"] if present.sale else present.sale_id
        panels.draw_message(states.no_data(name, sale_phase(present.sale, scene.now, scene.zone)))
        return
    board, fresh = published.board, published.fresh
    with st.container(key="screen"):
        panels.draw_strip(published.strip, scene.address)
        # Another key per state: figures that went stale look it.
        with st.container(key=f"board_{fresh.state}"):
            panels.draw_figures(board.figures)
            with st.container(key="what"):
                draw_filter_bar(board, scene.address, published.snapshot_id)
                if board.shown_actions["total"] or not board.all_actions["rows"]:
                    panels.draw_actions(board.actions, shop_time(fresh.through, scene.zone, scene.now))
                else:
                    panels.draw_nothing_left(board.all_actions["total"])
            panels.draw_where_and_trend(board.map, published.charts)
