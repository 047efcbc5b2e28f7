"""The page: reads what is live, asks the view in the address to draw it; every 5 seconds again."""

import logging
from collections.abc import Callable

import streamlit as st

from dashboard import panels, states
from dashboard.address import View
from dashboard.frontend import STYLES
from dashboard.navigation import current_address
from dashboard.scene import Published, Scene, forget_client, read_published, read_scene, start_logging
from dashboard.views import after_action, forecast_quality, system, waiting, wall, war_room
from flashsale.errors import FlashsaleError, one_line

REFRESH_SECONDS = 5

log = logging.getLogger("dashboard")

_VIEWS: dict[View, Callable[[Scene, Published], None]] = {
    "war-room": war_room.draw,
    "wall": wall.draw,
    "after-action": after_action.draw,
    "forecast-quality": forecast_quality.draw,
}


def draw_page() -> None:
    """One run of the script for one viewer."""
    st.set_page_config(page_title="Flash sale war room", layout="wide")
    st.html(STYLES)
    start_logging()
    _refresh()


@st.fragment(run_every=REFRESH_SECONDS)
def _refresh() -> None:
    """Draw what is live now.  The one error boundary: a viewer sees words, the log the rest."""
    try:
        _draw(read_scene(current_address()))
    except FlashsaleError as error:
        forget_client()
        log.warning("%s", one_line(error))
        panels.draw_message(states.known_fault(error))
    except Exception:
        log.exception("the page could not be drawn")
        panels.draw_message(states.PAGE_FAULT)


def _draw(scene: Scene) -> None:
    if scene.address.view == "system":
        system.draw(scene)
        return
    published = read_published(scene)
    if published is None:
        waiting.draw(scene)
    else:
        _VIEWS[scene.address.view](scene, published)
