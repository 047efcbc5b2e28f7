"""The charts of the drill-downs: what was sold, what will be left, and how many SKUs will have run out."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.charts import FONT_FAMILY, FONT_SIZE
from dashboard.drill_down import DrillDown
from dashboard.palette import CARD, DIM, HUES, INK, LINE
from flashsale.drill_down import FanPoint

HEIGHT = 230
"""Pixels."""
_BAND = "rgba(86, 180, 233, 0.28)"


def sold_chart(velocities: Sequence[int], capacity: int | None = None) -> go.Figure:
    """Units per minute of the last minutes, the newest at the right; with the line of a warehouse's `capacity`."""
    ages = list(range(-len(velocities) + 1, 1))
    chart = go.Figure(
        go.Bar(
            x=ages,
            y=list(velocities),
            marker={"color": HUES["blue"]},
            hovertemplate="%{y:,} units, minute %{x}<extra></extra>",
        )
    )
    # Drawn only where the bars come near it: far above them it would make them flat.
    if capacity is not None and max(velocities, default=0) > capacity / 3:
        chart.add_hline(capacity, line={"color": HUES["orange"], "width": 1.5, "dash": "dash"})
    _frame(chart)
    chart.update_layout(bargap=0.25, showlegend=False)
    chart.update_xaxes(tickvals=[-14, -10, -5, 0], ticktext=["−14", "−10", "−5 min", "now"], showgrid=False)
    chart.update_yaxes(rangemode="tozero", nticks=5, tickformat=",d", gridcolor=LINE)
    return chart


def fan_chart(view: DrillDown) -> go.Figure:
    """Stock left: the likely range as a band, its middle as a line, each shipment where it is expected."""
    start = [] if view.available is None else [(0, view.available, view.available, view.available)]
    points = start + [(p["minute"], p["low"], p["middle"], p["high"]) for p in view.fan]
    minutes = [p[0] for p in points]
    chart = go.Figure()
    _add_range(chart, points, "stock left", "%{y:,} left")
    horizon = max(minutes, default=60)
    due = [s for s in view.inbound if s["expected_in_minutes"] <= horizon]
    if due:
        highest = max((p[3] for p in points), default=1) or 1
        chart.add_scatter(
            x=[s["expected_in_minutes"] for s in due],
            y=[highest * 0.04] * len(due),
            mode="markers+text",
            marker={"symbol": "triangle-up", "size": 11, "color": HUES["green"]},
            text=[f"+{s['units']:,}" for s in due],
            textposition="top center",
            textfont={"color": HUES["green"], "size": FONT_SIZE},
            customdata=[s["units"] for s in due],
            hovertemplate="shipment of %{customdata:,} in %{x:.0f} min<extra></extra>",
            name="inbound",
        )
    _frame_ahead(chart, horizon, (0, 15, 30, 45, 60))
    return chart


def run_out_chart(points: Sequence[FanPoint]) -> go.Figure:
    """SKUs that will have run out: the likely range as a band, its middle as a line."""
    chart = go.Figure()
    ranges = [(p["minute"], p["low"], p["middle"], p["high"]) for p in points]
    _add_range(chart, ranges, "SKUs sold out", "%{y:,} sold out")
    _frame_ahead(chart, max((p["minute"] for p in points), default=30), (0, 5, 15, 30))
    return chart


def _add_range(chart: go.Figure, points: Sequence[tuple[int, int, int, int]], name: str, words: str) -> None:
    """`points`: minute, low, middle, high."""
    minutes = [p[0] for p in points]
    chart.add_scatter(
        x=minutes + minutes[::-1],
        y=[p[3] for p in points] + [p[1] for p in points][::-1],
        mode="lines",
        fill="toself",
        fillcolor=_BAND,
        line={"width": 0},
        hoverinfo="skip",
        name="likely range",
    )
    chart.add_scatter(
        x=minutes,
        y=[p[2] for p in points],
        mode="lines+markers",
        line={"color": HUES["blue"], "width": 2.4},
        marker={"size": 5},
        customdata=[[p[1], p[3]] for p in points],
        hovertemplate=f"in %{{x}} min: {words} (%{{customdata[0]:,}} to %{{customdata[1]:,}})<extra></extra>",
        name=name,
    )


def _frame_ahead(chart: go.Figure, horizon: int, marks: Sequence[int]) -> None:
    _frame(chart)
    legend = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom", "font": {"color": DIM}}
    chart.update_layout(showlegend=True, legend=legend)
    words = ["now" if mark == 0 else f"{mark} min" for mark in marks]
    chart.update_xaxes(tickvals=list(marks), ticktext=words, showgrid=False, range=[-1, horizon + 2])
    chart.update_yaxes(rangemode="tozero", nticks=5, tickformat=",d", gridcolor=LINE)


def _frame(chart: go.Figure) -> None:
    chart.update_layout(
        height=HEIGHT,
        paper_bgcolor=CARD,
        plot_bgcolor=CARD,
        margin={"l": 4, "r": 8, "t": 4, "b": 4},
        font={"color": INK, "size": FONT_SIZE, "family": FONT_FAMILY},
        hoverlabel={"bgcolor": LINE, "font": {"color": INK}},
        dragmode=False,
    )
    chart.update_xaxes(automargin=True, zeroline=False, fixedrange=True, tickfont={"color": DIM}, ticks="")
    chart.update_yaxes(automargin=True, zeroline=False, fixedrange=True, tickfont={"color": DIM}, ticks="")
