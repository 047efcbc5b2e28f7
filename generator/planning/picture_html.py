"""The plan as a page of its own: the same panels, with every minute's figures under the pointer."""

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from generator.planning import picture_frame as look
from generator.planning.picture_frame import Frame
from generator.wording import clock

_ROWS = 5
_CAMPAIGNS, _ORDERS, _VALUE, _STOCK, _COVER = range(1, _ROWS + 1)


def write_html(frame: Frame, path: Path) -> None:
    """Write `frame` to `path` with everything it needs in the file: it opens without a network.  Raises OSError."""
    strip = 0.3 * max(len(frame.campaigns), 1) + 0.15
    heights = [strip, 2.6, 1.7, 1.5, 1.9]
    titles = (frame.campaigns_title, look.ORDERS_TITLE, frame.value_title, look.STOCK_TITLE, look.COVER_TITLE)
    figure = make_subplots(
        _ROWS, 1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.05, subplot_titles=titles
    )
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    _campaigns(figure, frame)
    _line(figure, frame, _ORDERS, frame.sold, look.SOLD_LABEL, look.SOLD, "orders", stack="orders")
    _line(figure, frame, _ORDERS, frame.lost, look.LOST_LABEL, look.LOST, "lost", stack="orders")
    _line(figure, frame, _ORDERS, frame.planned, look.PLANNED_LABEL, look.INK, "planned")
    _line(figure, frame, _VALUE, frame.value, look.SOLD_LABEL, look.SOLD, "orders", stack="value", named=False)
    _line(figure, frame, _VALUE, frame.lost_value, look.LOST_LABEL, look.LOST, "lost", stack="value", named=False)
    _line(figure, frame, _STOCK, frame.in_stock, "pairs in stock", look.STOCK, "stock", named=False)
    _band(figure, frame)
    _line(figure, frame, _COVER, frame.cover[:, 1], look.MEDIAN_LABEL, look.INK, "median")
    figure.add_annotation(
        x=frame.peak_minute,
        y=float(frame.sold[frame.peak_minute]),
        text=frame.peak_text,
        row=_ORDERS,
        col=1,
        showarrow=True,
        ax=60,
        ay=-45,
    )
    end = len(frame.minutes)
    figure.update_xaxes(range=[0, end], tickvals=look.ticks(end), ticktext=[clock(m) for m in look.ticks(end)])
    # Seen above the figures under the pointer alone: the axis has its own words.
    figure.update_xaxes(tickprefix="minute ")
    figure.update_xaxes(title_text=look.TIME_TITLE, row=_COVER, col=1)
    figure.update_yaxes(rangemode="tozero", gridcolor="#DDDDDD", tickformat=",")
    figure.update_yaxes(visible=False, autorange="reversed", row=_CAMPAIGNS, col=1)
    figure.update_yaxes(range=[0, 103], row=_STOCK, col=1)
    figure.update_yaxes(type="log", dtick=1, row=_COVER, col=1)
    figure.update_layout(
        title={"text": f"<b>{frame.title}</b><br><sup>{frame.subtitle}</sup>", "x": 0.01},
        template="plotly_white",
        font_color=look.INK,
        height=round(110 * sum(heights)),
        margin={"l": 70, "r": 30, "t": 110, "b": 60},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )
    figure.write_html(path, include_plotlyjs=True, full_html=True, config={"displaylogo": False})


def _campaigns(figure: Any, frame: Frame) -> None:
    for row, one in enumerate(frame.campaigns):
        bar = go.Bar(
            y=[row],
            x=[one.after - one.first],
            base=[one.first],
            orientation="h",
            marker={"color": look.CAMPAIGN, "opacity": 0.55},
            text=one.label,
            textposition="inside",
            insidetextanchor="start",
            textfont_color=look.INK,
            hovertemplate=f"{one.label}, {clock(one.first)} to {clock(one.after)}<extra></extra>",
            showlegend=False,
        )
        figure.add_trace(bar, row=_CAMPAIGNS, col=1)


def _line(
    figure: Any,
    frame: Frame,
    row: int,
    values: look.FloatArray,
    name: str,
    colour: str,
    group: str,
    *,
    stack: str | None = None,
    named: bool = True,
) -> None:
    """A line over the minutes; with `stack` an area on top of the others of that stack, in steps."""
    line = go.Scatter(
        x=frame.minutes,
        y=values,
        name=name,
        legendgroup=group,
        showlegend=named,
        mode="lines",
        line={"color": colour, "width": 0 if stack else 2, "shape": "hv" if row != _COVER else "linear"},
        stackgroup=stack,
        fillcolor=colour if stack else None,
        hovertemplate="%{y:,.1f}",
    )
    figure.add_trace(line, row=row, col=1)


def _band(figure: Any, frame: Frame) -> None:
    for values, fill in ((frame.cover[:, 0], None), (frame.cover[:, 2], "tonexty")):
        edge = go.Scatter(
            x=frame.minutes,
            y=values,
            name=look.BAND_LABEL,
            legendgroup="band",
            showlegend=fill is not None,
            mode="lines",
            line={"color": look.COVER, "width": 0},
            fill=fill,
            hovertemplate="%{y:,.1f}",
        )
        figure.add_trace(edge, row=_COVER, col=1)
