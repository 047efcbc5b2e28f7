"""Draws the parts of the screen with Streamlit; what they say was decided elsewhere."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import plotly.graph_objects as go
import streamlit as st

from dashboard.address import VIEW_LABELS, VIEW_PARAMETER, Address, parse_address
from dashboard.charts import Charts
from dashboard.figures import Figure
from dashboard.flood import FloodGroup
from dashboard.frontend import FIGURES_JS, FLOOD_JS, STATUS_STRIP_JS
from dashboard.navigation import current_address, go_to
from dashboard.risk_map import RiskMap
from dashboard.states import Message, runbook_words
from dashboard.strip import Strip

CONTACT_LOST_SECONDS = 16
"""Three refreshes that did not come."""
_CHART_CONFIG = {"displayModeBar": False, "responsive": True}

_status_strip = st.components.v2.component(
    "status_strip", html='<div class="fs-strip-root"></div>', js=STATUS_STRIP_JS, isolate_styles=False
)
_figures = st.components.v2.component(
    "figures", html='<div class="fs-figures-root"></div>', js=FIGURES_JS, isolate_styles=False
)
_flood = st.components.v2.component(
    "flood", html='<div class="fs-flood-root"></div>', js=FLOOD_JS, isolate_styles=False
)


def draw_strip(strip: Strip, address: Address, *, links: bool = True) -> None:
    """Can I trust it; and, with `links`, the way to the other views."""
    fresh = strip.freshness
    _status_strip(
        key="strip",
        data={
            "sale": strip.sale,
            "phase": strip.phase,
            "state": fresh.state if fresh else None,
            "age_seconds": round(fresh.age_seconds, 1) if fresh else None,
            "live_seconds": fresh.live_seconds if fresh else None,
            "late_seconds": fresh.late_seconds if fresh else None,
            "starts_in_seconds": strip.starts_in_seconds,
            "lost_seconds": CONTACT_LOST_SECONDS,
            "through": strip.through,
            "through_utc": strip.through_utc,
            "incomplete": strip.incomplete,
            "quality": strip.quality,
            "quarantine": strip.quarantine,
            "parts": [asdict(part) for part in strip.parts],
            "notice": strip.notice,
            "views": [
                {"key": view, "label": label, "link": address.link(view), "current": view == address.view}
                for view, label in VIEW_LABELS.items()
                if links
            ],
        },
        on_view_change=_go_to_view,
    )


def _go_to_view() -> None:
    """Put the view that was clicked into the address, which decides what is drawn."""
    clicked = parse_address({VIEW_PARAMETER: [st.session_state["strip"].view]})
    go_to(Address(clicked.view, current_address().filters))


def draw_figures(figures: Sequence[Figure]) -> None:
    """How bad is it."""
    with st.container(key="figures"):
        _figures(
            key="headline",
            data={
                "figures": [asdict(figure) | {"loud": not figure.calm and figure.hue != "blue"} for figure in figures]
            },
        )


def draw_all_clear(as_of: str) -> None:
    """Nothing to do, and as of when."""
    with st.container(key="all_clear"):
        st.subheader(":green[✓ All clear]", anchor=False, text_alignment="center")
        st.text(f"Nothing is sold out or about to run out, as of {as_of}.")


def draw_flood(groups: Sequence[FloodGroup], *, choose: bool = True) -> None:
    """Very much at once, a warehouse a row; with `choose`, a click shows the rows of one."""
    together = sum(group.count for group in groups)
    what_to_do = f"choose one to see its rows. {runbook_words('flood')}" if choose else "the most urgent stand alone"
    with st.container(key="flood"):
        _flood(
            key="flood_groups",
            data={
                "title": f"▲ Flood: {together:,} alerts collapsed,",
                "text": f"one row a warehouse; {what_to_do}",
                "groups": [asdict(group) for group in groups],
                "choose": choose,
            },
            on_warehouse_change=_choose_warehouse,
        )


def _choose_warehouse() -> None:
    here = current_address()
    go_to(Address(here.view, replace(here.filters, warehouse=(st.session_state["flood_groups"].warehouse,))))


def draw_nothing_left(total: int) -> None:
    """No row passes the filters, which is not the same as all clear."""
    with st.container(key="actions"), st.container(key="nothing_left"):
        st.subheader("No open row matches the filter", anchor=False, text_alignment="center")
        st.text(f"{total:,} row{'s are' if total > 1 else ' is'} open in all; show all to see what to do.")


def draw_all_in_groups() -> None:
    """Nothing stands alone in this flood."""
    with st.container(key="actions"), st.container(key="nothing_left"):
        st.text("Everything open stands in the groups above.")


def draw_where_and_trend(risk: RiskMap, charts: Charts) -> None:
    """Where, and is it getting worse."""
    with st.container(key="bottom"):
        where, loads, trend = st.columns([5, 3, 4], gap="small")
        note = f" :small[:gray[({risk.left_out})]]" if risk.left_out else ""
        with where:
            draw_card(
                "where",
                f"Where: share of each city's demand that depends on stock about to run out{note}",
                charts.risk_map,
            )
        with loads:
            draw_card("loads", "Which warehouses are full? Load of capacity", charts.loads)
        with trend:
            draw_card("trend", "Is it getting worse? SKUs, last 60 minutes", charts.trend)


def draw_card(key: str, title: str, chart: go.Figure) -> None:
    """A chart under its question."""
    with st.container(key=key, height="stretch"):
        st.markdown(f"**{title}**")
        draw_chart(chart, f"{key}_chart", title)


def draw_chart(chart: go.Figure, key: str, alt: str) -> None:
    """A chart that fills the room its container leaves; `alt` is its text for those who do not see it."""
    st.plotly_chart(chart, key=key, height="stretch", theme=None, config=_CHART_CONFIG, alt=alt)


def draw_message(message: Message) -> None:
    """One of the states in which there are no figures; plain text, whatever it quotes."""
    with st.container(key=f"message_{message.tone}"), st.container(key=f"state_{message.key}"):
        st.header(message.title, anchor=False)
        st.text(message.text)
        st.text(message.next_step)
        st.caption(runbook_words(message.key))
