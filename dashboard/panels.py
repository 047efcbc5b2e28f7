"""Draws the parts of the screen with Streamlit; what they say was decided elsewhere."""

from dataclasses import asdict

import plotly.graph_objects as go
import streamlit as st

from dashboard.charts import Charts
from dashboard.figures import Figure
from dashboard.frontend import STATUS_STRIP_JS
from dashboard.risk_map import RiskMap
from dashboard.states import Message
from dashboard.strip import Strip

CONTACT_LOST_SECONDS = 16
"""Three refreshes that did not come."""
_CHART_CONFIG = {"displayModeBar": False, "responsive": True}

_status_strip = st.components.v2.component(
    "status_strip", html='<div class="fs-strip-root"></div>', js=STATUS_STRIP_JS, isolate_styles=False
)


def draw_strip(strip: Strip) -> None:
    """Can I trust it."""
    _status_strip(
        key="strip",
        data={
            "sale": strip.sale,
            "phase": strip.phase,
            "state": strip.freshness.state,
            "age_seconds": round(strip.freshness.age_seconds, 1),
            "live_seconds": strip.freshness.live_seconds,
            "late_seconds": strip.freshness.late_seconds,
            "lost_seconds": CONTACT_LOST_SECONDS,
            "through": strip.through,
            "through_utc": strip.through_utc,
            "incomplete": strip.incomplete,
            "quality": strip.quality,
            "quarantine": strip.quarantine,
            "parts": [asdict(part) for part in strip.parts],
            "notice": strip.notice,
        },
    )


def draw_figures(figures: tuple[Figure, ...]) -> None:
    """How bad is it."""
    with st.container(key="figures"):
        for column, figure in zip(st.columns(len(figures), gap="small"), figures, strict=True):
            with column, st.container(key=f"figure_{figure.key}"):
                loud = not figure.calm and figure.hue != "blue"
                st.metric(
                    figure.label,
                    f":{figure.hue}[{figure.value}]" if loud else figure.value,
                    figure.change or None,
                    delta_color=figure.hue,
                    delta_arrow="off",
                    delta_description=figure.over or None,
                    chart_data=figure.course if len(figure.course) > 1 else None,
                    border=True,
                )


def draw_all_clear(as_of: str) -> None:
    """Nothing to do, and as of when."""
    with st.container(key="all_clear"):
        st.subheader(":green[✓ All clear]", anchor=False, text_alignment="center")
        st.text(f"Nothing is sold out or about to run out, as of {as_of}.")


def draw_where_and_trend(risk: RiskMap, charts: Charts) -> None:
    """Where, and is it getting worse."""
    with st.container(key="bottom"):
        where, loads, trend = st.columns([5, 3, 4], gap="small")
        note = f" :small[:gray[({risk.left_out})]]" if risk.left_out else ""
        with where:
            _card(
                "where",
                f"Where: share of each city's demand that depends on stock about to run out{note}",
                charts.risk_map,
            )
        with loads:
            _card("loads", "Which warehouses are full? Load of capacity", charts.loads)
        with trend:
            _card("trend", "Is it getting worse? SKUs, last 60 minutes", charts.trend)


def _card(key: str, title: str, chart: go.Figure) -> None:
    with st.container(key=key, height="stretch"):
        st.markdown(f"**{title}**")
        st.plotly_chart(chart, key=f"{key}_chart", height="stretch", theme=None, config=_CHART_CONFIG, alt=title)


def draw_message(message: Message) -> None:
    """One of the states in which there are no figures; plain text, whatever it quotes."""
    with st.container(key=f"message_{message.tone}"), st.container(key=f"state_{message.key}"):
        st.header(message.title, anchor=False)
        st.text(message.text)
        st.text(message.next_step)
