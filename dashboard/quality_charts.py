"""The charts of the forecast's record."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.charts import frame
from dashboard.forecast_record import ENOUGH, Course
from dashboard.palette import DIM, HUES, LINE, Hue
from flashsale.forecast_scores import ReliabilityBin


def reliability_chart(parts: Sequence[ReliabilityBin]) -> go.Figure:
    """Stated against observed, one dot per tenth; on the diagonal the forecast can be taken at its word."""
    most = max((part["forecasts"] for part in parts), default=1)
    chart = go.Figure()
    chart.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfect",
        line={"color": DIM, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    chart.add_scatter(
        x=[part["stated"] for part in parts],
        y=[part["observed"] for part in parts],
        name="this sale (larger: more forecasts)",
        mode="lines+markers",
        line={"color": HUES["blue"], "width": 1.5},
        marker={
            "size": [8 + 16 * (part["forecasts"] / most) ** 0.5 for part in parts],
            "color": [HUES["blue"] if part["forecasts"] >= ENOUGH else LINE for part in parts],
            "line": {"color": HUES["blue"], "width": 1.5},
            "opacity": 1,
        },
        customdata=[part["forecasts"] for part in parts],
        hovertemplate="stated %{x:.0%}, sold out %{y:.0%}<br>%{customdata:,} forecasts<extra></extra>",
    )
    frame(chart)
    chart.update_layout(showlegend=True, legend=_LEGEND)
    chart.update_xaxes(
        range=[-0.03, 1.03], tickformat=".0%", dtick=0.2, gridcolor=LINE, title={"text": "stated: sells out", **_TITLE}
    )
    chart.update_yaxes(
        range=[-0.03, 1.03], tickformat=".0%", dtick=0.2, gridcolor=LINE, title={"text": "sold out", **_TITLE}
    )
    return chart


def course_chart(course: Course) -> go.Figure:
    """Running Brier score, lower is better, against stock ÷ speed."""
    chart = go.Figure()
    series: tuple[tuple[str, tuple[float | None, ...], Hue, str], ...] = (
        ("forecast", course.brier, "blue", "solid"),
        ("stock ÷ speed", course.naive, "gray", "dot"),
    )
    for name, values, hue, dash in series:
        chart.add_scatter(
            x=list(course.times),
            y=list(values),
            name=name,
            mode="lines+markers" if len(values) < 3 else "lines",
            line={"color": HUES[hue], "width": 2.4, "dash": dash},
            hovertemplate="%{y:.4f}",
        )
    frame(chart)
    chart.update_layout(showlegend=True, legend=_LEGEND, hovermode="x unified")
    chart.update_xaxes(tickformat="%H:%M", nticks=6, showgrid=False)
    chart.update_yaxes(rangemode="tozero", nticks=5, gridcolor=LINE)
    return chart


_LEGEND = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom", "font": {"color": DIM}}
_TITLE = {"font": {"color": DIM}, "standoff": 6}
