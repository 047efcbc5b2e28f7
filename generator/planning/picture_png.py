"""The plan as a PNG, for a mail or a slide."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from generator.planning import picture_frame as look
from generator.planning.picture_frame import Frame
from generator.wording import clock

_DPI = 130


def write_png(frame: Frame, path: Path) -> None:
    """Draw `frame` into `path`; raises OSError."""
    rows = max(len(frame.campaigns), 1)
    strip = 0.28 * rows + 0.1
    figure = Figure(figsize=(11, 8.6 + strip), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{frame.title}\n", x=0.01, ha="left", fontsize=16, fontweight="bold", color=look.INK)
    figure.text(0.01, 1 - 0.5 / (8.6 + strip), frame.subtitle, fontsize=10.5, va="center", color=look.INK)
    grid = figure.add_gridspec(5, 1, height_ratios=[strip, 2.6, 1.7, 1.5, 1.9])
    first = figure.add_subplot(grid[0])
    axes = [first, *(figure.add_subplot(grid[i], sharex=first) for i in range(1, 5))]
    _campaigns(axes[0], frame)
    _orders(axes[1], frame)
    _value(axes[2], frame)
    _stock(axes[3], frame)
    _cover(axes[4], frame)
    end = len(frame.minutes)
    for axis in axes:
        axis.set_xlim(0, end)
        axis.set_xticks(look.ticks(end))
        axis.tick_params(labelbottom=axis is axes[-1], length=0, pad=6)
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[0].spines["bottom"].set_visible(False)
    axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda minute, _: clock(minute)))
    axes[-1].set_xlabel(look.TIME_TITLE)
    figure.savefig(path, dpi=_DPI, format="png")


def _campaigns(axis: Axes, frame: Frame) -> None:
    axis.set_yticks([])
    axis.set_ylim(max(len(frame.campaigns), 1) - 0.5, -0.5)
    axis.set_title(frame.campaigns_title, loc="left", fontsize=10.5)
    if not frame.campaigns:
        axis.text(0.5, 0, "none: base demand throughout", va="center", fontsize=9)
    for row, one in enumerate(frame.campaigns):
        axis.barh(row, one.after - one.first, left=one.first, height=0.72, color=look.CAMPAIGN, alpha=0.55)
        # A label that would run out of the picture on the right ends where its bar ends.
        late = one.first > 0.7 * len(frame.minutes)
        axis.text(
            one.after - 0.5 if late else one.first + 0.7,
            row,
            one.label,
            va="center",
            ha="right" if late else "left",
            fontsize=9,
            color=look.INK,
            parse_math=False,
        )


def _orders(axis: Axes, frame: Frame) -> None:
    edges = np.append(frame.minutes, len(frame.minutes))
    _stacked(axis, frame, frame.sold, frame.lost, look.ORDERS_TITLE)
    axis.stairs(frame.planned, edges, color=look.INK, linewidth=1.4, label=look.PLANNED_LABEL)
    top = max(float((frame.sold + frame.lost).max()), float(frame.planned.max()), 1e-9)
    axis.set_ylim(0, 1.25 * top)
    early = frame.peak_minute < len(frame.minutes) / 2
    axis.annotate(
        frame.peak_text,
        (frame.peak_minute + 0.5, frame.sold[frame.peak_minute]),
        xytext=(frame.peak_minute + (0.02 if early else -0.02) * len(frame.minutes), 1.15 * top),
        ha="left" if early else "right",
        va="center",
        fontsize=9.5,
        color=look.INK,
        arrowprops={"arrowstyle": "-", "color": look.INK, "linewidth": 0.8},
    )
    _legend(axis)


def _value(axis: Axes, frame: Frame) -> None:
    _stacked(axis, frame, frame.value, frame.lost_value, frame.value_title)
    _legend(axis)


def _stacked(axis: Axes, frame: Frame, sold: look.FloatArray, lost: look.FloatArray, title: str) -> None:
    edges = np.append(frame.minutes, len(frame.minutes))
    total = sold + lost
    axis.stairs(sold, edges, fill=True, color=look.SOLD, label=look.SOLD_LABEL)
    axis.stairs(total, edges, baseline=sold, fill=True, color=look.LOST, label=look.LOST_LABEL)
    axis.set_ylim(0, 1.06 * max(float(total.max()), 1e-9))
    _titled(axis, title)


def _stock(axis: Axes, frame: Frame) -> None:
    axis.plot(frame.minutes + 1, frame.in_stock, color=look.STOCK, linewidth=2)
    axis.set_ylim(0, 103)
    _titled(axis, look.STOCK_TITLE)


def _cover(axis: Axes, frame: Frame) -> None:
    low, middle, high = frame.cover.T
    axis.fill_between(frame.minutes + 1, low, high, color=look.COVER, alpha=0.35, linewidth=0, label=look.BAND_LABEL)
    axis.plot(frame.minutes + 1, middle, color=look.INK, linewidth=1.8, label=look.MEDIAN_LABEL)
    axis.set_yscale("log")
    axis.set_ylim(look.LEAST_COVER, 1.3 * float(high.max()))
    axis.yaxis.set_minor_locator(NullLocator())
    _titled(axis, look.COVER_TITLE)
    _legend(axis)


def _titled(axis: Axes, title: str) -> None:
    axis.set_title(title, loc="left", fontsize=10.5)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axis.set_axisbelow(True)


def _legend(axis: Axes) -> None:
    """In the line of the title, clear of the data."""
    axis.legend(loc="lower right", ncols=3, frameon=False, fontsize=9, bbox_to_anchor=(1, 0.99), borderaxespad=0)
