"""Pictures of a backtest for docs/forecast.md."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evaluation.scores import Tally
from evaluation.summary import Group, skill
from flashsale.calibration import HORIZONS

_COLOURS = ("#0072B2", "#E69F00", "#009E73")
"""Blue, orange, green of Okabe and Ito, which the colour-blind tell apart; the markers differ as well."""
_MARKERS = ("o", "s", "^")
_LEAST_ROWS = 50
_DPI = 130


def draw_reliability(groups: Sequence[Group], path: Path) -> None:
    """Observed against stated frequency, a panel for each plan error; bins of under `_LEAST_ROWS` rows are left out."""
    figure = Figure(figsize=(4.2 * len(groups), 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (axis, group) in enumerate(zip(_panels(figure, len(groups)), groups, strict=True)):
        _reliability(axis, group.tally)
        axis.set_title(f"plan error {group.sigma}, {len(group.by_seed)} seeds", fontsize=11)
        axis.set_xlabel("stated probability of selling out")
        if number == 0:
            axis.set_ylabel("how often it happened")
            axis.legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=_DPI, format="png")


def draw_skill(groups: Sequence[Group], path: Path) -> None:
    """Skill over stock ÷ velocity and over its plan-aware form by scenario, with the goals as lines."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = zip(_panels(figure, 2), ("velocity", "plan_aware"), (0.30, 0.10), strict=True)
    for axis, reference, goal in panels:
        for row, horizon in enumerate(HORIZONS):
            found = [group.measured(skill(reference, row)) for group in groups]
            at = [place + 0.22 * (row - 1) for place in range(len(groups))]
            errors = [[one.value - one.low for one in found], [one.high - one.value for one in found]]
            axis.errorbar(
                at,
                [one.value for one in found],
                yerr=errors,
                fmt=_MARKERS[row],
                color=_COLOURS[row],
                capsize=3,
                label=f"{horizon} min",
            )
        axis.axhline(goal, color="#555555", linewidth=1, linestyle="--")
        axis.annotate(
            f"goal {goal:.2f}", (len(groups) - 0.55, goal), fontsize=9, va="bottom", ha="right", color="#555555"
        )
        axis.set_xticks(range(len(groups)), [group.scenario for group in groups], rotation=15)
        axis.set_ylim(bottom=0)
        axis.set_title(f"skill over {'S/v' if reference == 'velocity' else 'plan-aware S/v'}", fontsize=11)
        axis.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False, loc="upper left", ncols=3)
    figure.savefig(path, dpi=_DPI, format="png")


def _panels(figure: Figure, count: int) -> list[Axes]:
    first = figure.add_subplot(1, count, 1)
    return [first, *(figure.add_subplot(1, count, number, sharey=first) for number in range(2, count + 1))]


def _reliability(axis: Axes, tally: Tally) -> None:
    axis.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
    for row, horizon in enumerate(HORIZONS):
        rows, stated, happened = tally.bins[row][tally.bins[row][:, 0] >= _LEAST_ROWS].T
        axis.plot(
            stated / rows, happened / rows, _MARKERS[row], color=_COLOURS[row], linestyle="-", label=f"{horizon} min"
        )
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    axis.set_aspect("equal")
    axis.spines[["top", "right"]].set_visible(False)
