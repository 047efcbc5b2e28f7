"""The counterfactual's tables and picture, in the terminal and in docs/decisions.md."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evaluation.cases import ROOT
from evaluation.counterfactual import Comparison, Estimate
from evaluation.interventions_account import KINDS
from evaluation.policy import Hands
from evaluation.report import markdown_table, replace_section
from flashsale.errors import FlashsaleError
from flashsale.minutes import utc_now

DOCUMENT = ROOT / "docs" / "decisions.md"
PICTURE = "counterfactual.png"
SECTION = "counterfactual"
RESULT_HEADINGS = (
    "scenario",
    "who acts",
    "turned away, down %",
    "lost units, down %",
    "lost sales, down %",
    "lost margin, down %",
    "margin, % of revenue",
    "with goodwill, % of revenue",
)
COST_HEADINGS = ("scenario", "who acts", "action", "times", "units", "cost, % of revenue")
_NAMES = {"table": "follows the table", "velocity": "restocks at S/v ≤ 15 min"}
_COLOURS = {"waiting": "#555555", "table": "#0072B2", "velocity": "#E69F00"}
"""Of Okabe and Ito, which the colour-blind tell apart; the lines differ as well."""
_LINES = {"waiting": "--", "table": "-", "velocity": ":"}
_SMOOTHED_MINUTES = 5
_METHOD = (
    "The same simulated sale runs with nobody who acts, with people who take the best action of the table's most "
    "valuable rows, and with a rival who orders what is short within the horizon wherever stock ÷ velocity is at most "
    "15 minutes. Market, hidden course of demand, shipments and their delays, and the random numbers of every second "
    "are common to the runs; where stock draws or deters customers, single orders are not. People know what the screen "
    "shows and nothing else. A (product, warehouse) gets one delivery at a time; its orders may be rerouted meanwhile. "
    "Rerouting serves orders that meet an empty shelf; it and paused ads end when the row has been neither at risk nor "
    "sold out for `resolve_after` minutes. Suppliers are as late as with planned shipments, vans wait for the donor's "
    "dispatch like orders, and a warehouse takes in no more units than it can ship. Demo and flat run with a part of "
    "their orders, 11.11 with a part of its products.",
    "Turned away are units that people wanted and that were not there. Lost units and lost sales (in money) add "
    "whom paused ads keep away, so that silence about a product is no success. Lost margin counts only what would have "
    "earned any: at 11.11's discounts many products sell below cost, and the table does not restock them. The margin "
    "is revenue less goods, actions and left-overs; with goodwill, as the table counts, turned-away customers cost "
    "their `goodwill_share` besides.",
)


def printed(found: Sequence[Comparison]) -> str:
    """Both tables for a terminal."""
    return "\n\n".join(
        _aligned(headings, rows)
        for headings, rows in ((RESULT_HEADINGS, result_rows(found)), (COST_HEADINGS, cost_rows(found)))
    )


def result_rows(found: Sequence[Comparison]) -> list[list[str]]:
    """One row of `RESULT_HEADINGS` for each comparison."""
    return [
        [
            one.scenario,
            _NAMES.get(one.policy, one.policy),
            _percent(one.turned_away, 0),
            _percent(one.units, 0),
            _percent(one.value, 0),
            _percent(one.earning, 0),
            _percent(one.margin, 2, sign="+"),
            _percent(one.worth, 2, sign="+"),
        ]
        for one in found
    ]


def cost_rows(found: Sequence[Comparison]) -> list[list[str]]:
    """Rows of `COST_HEADINGS`: each kind of action that was taken, and what is left over; per sale."""
    rows = []
    for one in found:
        who, sales = (one.scenario, _NAMES.get(one.policy, one.policy)), len(one.seeds)
        for kind in KINDS:
            spent = one.spent[kind]
            if spent.times:
                times, units = f"{spent.times / sales:,.0f}", f"{spent.units / sales:,.0f}"
                rows.append([*who, kind, times, units, f"{100 * spent.cost / one.revenue:.2f}"])
        left, cost = f"{one.leftover_units / sales:,.0f}", f"{100 * one.leftover_cost / one.revenue:.2f}"
        rows.append([*who, "left over", "", left, cost])
    return rows


def write_report(found: Sequence[Comparison], hands: Hands, command: str, document: Path = DOCUMENT) -> None:
    """Tables into the section `SECTION`, added at the end where there is none, the picture beside it.

    Raises FlashsaleError when the document is missing or has only one of the markers.
    """
    seeds = sorted({seed for one in found for seed in one.seeds})
    lines = [
        f"Command: `{command}`, {utc_now():%Y-%m-%d}. Calibration `{hands.calibration.calibration_id or 'none'}`, "
        f"seeds {', '.join(map(str, seeds))}; in brackets 95 % intervals of the paired t. People act "
        f"{hands.reaction_minutes} minutes after the minute they look at, take at most {hands.attention} actions a "
        f"minute, and may spend {100 * hands.supply_share:.0f} % of what the opening stock cost on units from the "
        "supplier. Costs and units are per sale.",
        *(line for paragraph in _METHOD for line in ("", paragraph)),
        "",
        f"![Units lost over time](pictures/{PICTURE})",
        "",
        *markdown_table(RESULT_HEADINGS, result_rows(found)),
        "",
        *markdown_table(COST_HEADINGS, cost_rows(found)),
    ]
    _make_section(document)
    replace_section(document, SECTION, "\n".join(lines))
    pictures = document.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    draw(found, pictures / PICTURE)


def draw(found: Sequence[Comparison], path: Path) -> None:
    """Units lost a minute, mean of the seeds, a panel for each scenario."""
    scenarios = list(dict.fromkeys(one.scenario for one in found))
    figure = Figure(figsize=(4.4 * len(scenarios), 4.1), layout="constrained")
    FigureCanvasAgg(figure)
    for number, scenario in enumerate(scenarios, 1):
        axis = figure.add_subplot(1, len(scenarios), number)
        of_scenario = [one for one in found if one.scenario == scenario]
        lines = [("waiting", "nobody acts", of_scenario[0].lost_waiting)]
        lines += [(one.policy, _NAMES.get(one.policy, one.policy), one.lost) for one in of_scenario]
        for policy, label, lost in lines:
            smooth = _smoothed(lost)
            axis.plot(
                np.arange(len(smooth)) + _SMOOTHED_MINUTES / 2,
                smooth,
                _LINES.get(policy, "-."),
                color=_COLOURS.get(policy, "#009E73"),
                linewidth=1.8,
                label=label,
            )
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.set_title(f"{scenario}, {len(of_scenario[0].seeds)} seeds", fontsize=11)
        axis.set_xlabel("minute of the sale")
        axis.spines[["top", "right"]].set_visible(False)
        if number == 1:
            axis.set_ylabel("units lost a minute")
            figure.legend(
                *axis.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=len(lines)
            )
    figure.savefig(path, dpi=130, format="png")


def _smoothed(lost: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    width = min(_SMOOTHED_MINUTES, len(lost))
    return np.convolve(lost, np.full(width, 1 / width), mode="valid")


def _percent(estimate: Estimate, decimals: int, sign: str = "") -> str:
    """Mean and interval in percent; without an interval the mean alone."""
    told = f"{100 * estimate.mean:{sign}.{decimals}f}"
    if np.isnan(estimate.low):
        return told
    return f"{told} ({100 * estimate.low:{sign}.{decimals}f} … {100 * estimate.high:{sign}.{decimals}f})"


def _make_section(document: Path) -> None:
    start, end = f"<!-- {SECTION}: start -->", f"<!-- {SECTION}: end -->"
    if not document.exists():
        raise FlashsaleError(f"{document}: is not there; figures go into a section of it")
    text = document.read_text()
    if start not in text and end not in text:
        document.write_text(f"{text.rstrip()}\n\n## What following the table is worth\n\n{start}\n{end}\n")


def _aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    )
