"""The Plotly charts of the bottom row, drawn once per snapshot.

Plotly reads a little HTML in every text it is given, so names are escaped and cut first.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from dashboard.palette import CARD, DIM, HUES, INK, LINE, risk_colour
from dashboard.risk_map import RiskMap
from dashboard.risk_trend import RiskTrend
from dashboard.warehouse_load import WarehouseLoad
from dashboard.wording import percent, shortened

FONT_SIZE = 12
WALL_FONT_SIZE = 24
FONT_FAMILY = '"Source Sans", sans-serif'  # the one Streamlit brings along
MIN_HEIGHT = 150
"""Pixels below which a chart does not shrink; it grows with the room the screen leaves."""
_NAME_LENGTH = 16
_COLUMN_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Charts:
    """Figures of one snapshot; shared, so nobody changes them."""

    risk_map: go.Figure
    loads: go.Figure
    trend: go.Figure
    large_risk_map: go.Figure
    large_trend: go.Figure


def board_charts(risk: RiskMap, loads: Sequence[WarehouseLoad], trend: RiskTrend) -> Charts:
    """All charts of a board, and those the wall shows in its larger type."""
    where, course = risk_map_chart(risk), trend_chart(trend)
    return Charts(where, load_chart(loads), course, enlarged(where, WALL_FONT_SIZE), enlarged(course, WALL_FONT_SIZE))


def enlarged(chart: go.Figure, size: int) -> go.Figure:
    """A copy whose text is `size` pixels high."""
    large = go.Figure(chart)
    large.update_layout(font={"size": size})
    large.for_each_trace(lambda trace: trace.update(textfont={"size": size}), selector={"type": "heatmap"})
    large.for_each_trace(lambda trace: trace.update(line={"width": 5}), selector={"type": "scatter"})
    return large


def risk_map_chart(risk: RiskMap) -> go.Figure:
    """Cities down, warehouses across; a cell without demand is empty."""
    # One step per colour: the scale of the chart equals the steps of the palette.
    shades = [risk_colour(step / 5 + 0.1) for step in range(5)]
    scale = [[edge, shade] for i, shade in enumerate(shades) for edge in (i / 5, (i + 1) / 5)]
    labels = [["" if share is None else percent(share) for share in line] for line in risk.shares]
    hover = [
        [
            f"{_safe(city, 60)} from {_safe(warehouse, 60)}<br>"
            + ("no demand" if share is None else f"{percent(share)} of {units:,.0f} units at risk")
            for warehouse, share, units in zip(risk.warehouses, shares, unit_line, strict=True)
        ]
        for city, shares, unit_line in zip(risk.cities, risk.shares, risk.units, strict=True)
    ]
    chart = go.Figure(
        go.Heatmap(
            z=[list(line) for line in risk.shares],
            zmin=0,
            zmax=1,
            colorscale=scale,
            showscale=False,
            text=labels,
            texttemplate="%{text}",
            textfont={"color": INK, "size": FONT_SIZE},
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            xgap=3,
            ygap=3,
        )
    )
    frame(chart)
    # Positions, not names, are the axis: two places may share a name.
    chart.update_xaxes(**_ticks(risk.warehouses, _COLUMN_LENGTH, wrapped=True), side="top", showgrid=False, tickangle=0)
    chart.update_yaxes(**_ticks(risk.cities, 14), autorange="reversed", showgrid=False)
    return chart


def load_chart(loads: Sequence[WarehouseLoad]) -> go.Figure:
    """One bar per warehouse, the line at capacity."""
    top = max([1.0, *(load.load for load in loads)])
    chart = go.Figure(
        go.Bar(
            x=[load.load for load in loads],
            y=list(range(len(loads))),
            orientation="h",
            marker={"color": [HUES["yellow"] if load.overloaded else "#2F6E94" for load in loads]},
            text=[load.label for load in loads],
            # Outside the bar, on the card: readable whatever the bar's colour.
            textposition="outside",
            cliponaxis=False,
            textfont={"color": INK, "size": FONT_SIZE},
            customdata=[f"{_safe(load.name, 60)}<br>{_safe(load.detail, 80)}" for load in loads],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    frame(chart)
    chart.update_layout(bargap=0.45)
    chart.update_xaxes(range=[0, top * 1.75], tickvals=[0, 0.5, 1], tickformat=".0%", gridcolor=LINE)
    chart.update_yaxes(**_ticks([load.name for load in loads], _NAME_LENGTH), autorange="reversed", showgrid=False)
    chart.add_vline(x=1, line={"color": DIM, "width": 1, "dash": "dot"}, layer="below")
    return chart


def trend_chart(trend: RiskTrend) -> go.Figure:
    """At-risk SKUs as an area, sold-out SKUs as a dashed line; a missing minute is a gap."""
    chart = go.Figure()
    series = (
        ("At risk", trend.at_risk, HUES["red"], "solid", "tozeroy"),
        ("Sold out", trend.sold_out, HUES["gray"], "dot", None),
    )
    for name, values, colour, dash, fill in series:
        chart.add_scatter(
            x=list(trend.local_times),
            y=list(values),
            name=name,
            mode="lines+markers" if len(values) < 3 else "lines",
            line={"color": colour, "width": 2.4, "dash": dash},
            fill=fill,
            fillcolor="rgba(255, 122, 89, 0.22)",
            customdata=list(trend.labels),
            hovertemplate=f"%{{y}} {name.lower()}, minute to %{{customdata}}<extra></extra>",
            connectgaps=False,
        )
    frame(chart)
    highest = max((value for value in (*trend.at_risk, *trend.sold_out) if value is not None), default=0)
    chart.update_layout(
        showlegend=True,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom", "font": {"color": DIM}},
        hovermode="x unified",
    )
    chart.update_xaxes(tickformat="%H:%M", nticks=6, showgrid=False)
    chart.update_yaxes(range=[0, max(4, highest * 1.1)], nticks=5, tickformat=",d", gridcolor=LINE)
    return chart


def plan_chart(times: Sequence[datetime], factors: Sequence[float]) -> go.Figure:
    """Planned demand over the sale as steps, 1 = usual; `times` are the shop's clock."""
    chart = go.Figure(
        go.Scatter(
            x=list(times),
            y=list(factors),
            mode="lines",
            line={"color": HUES["blue"], "width": 2.4, "shape": "hv"},
            fill="tozeroy",
            fillcolor="rgba(86, 180, 233, 0.2)",
            hovertemplate="%{x|%H:%M}: %{y:.1f} × usual<extra></extra>",
        )
    )
    frame(chart)
    chart.update_xaxes(tickformat="%H:%M", nticks=10, showgrid=False)
    chart.update_yaxes(rangemode="tozero", ticksuffix=" ×", nticks=5, gridcolor=LINE)
    return chart


def lost_chart(times: Sequence[datetime], values: Sequence[float], here: datetime) -> go.Figure:
    """What was lost so far, minute by minute (shop's clock), in whole units of currency; `here` is marked."""
    chart = go.Figure(
        go.Scatter(
            x=list(times),
            y=list(values),
            mode="lines+markers" if len(values) < 3 else "lines",
            line={"color": HUES["orange"], "width": 2.4},
            fill="tozeroy",
            fillcolor="rgba(230, 159, 0, 0.2)",
            hovertemplate="%{x|%H:%M}: %{y:,.0f}<extra></extra>",
        )
    )
    frame(chart)
    chart.add_vline(x=here, line={"color": INK, "width": 1.5, "dash": "dot"})
    chart.update_xaxes(tickformat="%H:%M", nticks=6, showgrid=False)
    chart.update_yaxes(rangemode="tozero", nticks=5, tickformat=".3~s", gridcolor=LINE)
    return chart


def frame(chart: go.Figure) -> None:
    """What all charts share: grounds, margins, font, no zoom."""
    chart.update_layout(
        height=MIN_HEIGHT,
        paper_bgcolor=CARD,
        plot_bgcolor=CARD,
        margin={"l": 4, "r": 8, "t": 4, "b": 4},
        font={"color": INK, "size": FONT_SIZE, "family": FONT_FAMILY},
        hoverlabel={"bgcolor": LINE, "font": {"color": INK}},
        showlegend=False,
        dragmode=False,
    )
    chart.update_xaxes(automargin=True, zeroline=False, fixedrange=True, tickfont={"color": DIM}, ticks="")
    chart.update_yaxes(automargin=True, zeroline=False, fixedrange=True, tickfont={"color": DIM}, ticks="")


def _ticks(names: Sequence[str], length: int, wrapped: bool = False) -> dict[str, object]:
    label = _two_lines if wrapped else _safe
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [label(name, length) for name in names],
    }


def _two_lines(text: str, length: int) -> str:
    first, _, rest = text.partition(" ")
    return "<br>".join(_safe(line, length) for line in (first, rest) if line)


def _safe(text: str, length: int) -> str:
    return html.escape(shortened(text, length))
