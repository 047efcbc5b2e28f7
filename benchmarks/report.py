"""What a benchmark says: a table and RESULT lines on stdout, its section in docs/performance.md."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from embedded.config import ROOT
from flashsale.errors import FlashsaleError
from flashsale.minutes import utc_now

PERFORMANCE = ROOT / "docs" / "performance.md"
_TITLE = "# Performance\n\nEach section was written by the command it names; run that again to have it measured anew.\n"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; `unit` and `meaning` are for people, `name` for RESULT lines.

    `goal` is ``<=`` or ``>=`` and a number; empty for what is told only.
    """

    name: str
    value: float
    unit: str
    meaning: str
    goal: str = ""

    @property
    def text(self) -> str:
        """Three significant digits, or the whole number where that is longer."""
        return f"{self.value:.0f}" if abs(self.value) >= 100 else f"{self.value:.3g}"

    @property
    def told(self) -> str:
        """Value and unit, and the goal where there is one."""
        told = f"{self.text} {self.unit}".strip()
        return f"{told} (goal {self.goal})" if self.goal else told

    @property
    def verdict(self) -> str:
        """ok or short; ok without a goal."""
        if not self.goal:
            return "ok"
        bound = float(self.goal[2:])
        return "ok" if (self.value <= bound if self.goal.startswith("<=") else self.value >= bound) else "short"


def machine_facts() -> str:
    """Cores, CPU model and memory, in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {model}, {gigabytes:.0f} GB of memory"


def print_figures(figures: Sequence[Figure]) -> None:
    """The table, then one RESULT line per figure."""
    width = max(len(figure.meaning) for figure in figures)
    rows = [f"{f.meaning:<{width}}  {f.text:>8} {f.unit}".rstrip() for f in figures]
    results = [f"RESULT {f.name} {f.text} {f.goal or '-'} {f.verdict}" for f in figures]
    sys.stdout.write("\n".join([*rows, "", *results]) + "\n")


def write_section(name: str, title: str, command: str, introduction: str, tables: Sequence[Sequence[Figure]]) -> None:
    """Replace the section `name` of docs/performance.md, between its markers; append it when it is new.

    Raises FlashsaleError when only one of the markers is there.
    """
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    lines = [
        start,
        f"## {title}",
        "",
        f"Command: `{command}`, {utc_now():%Y-%m-%d}. Machine: {machine_facts()}.",
        introduction,
        *(line for figures in tables for line in _table(figures)),
        end,
    ]
    section = "\n".join(lines)
    text = PERFORMANCE.read_text() if PERFORMANCE.exists() else _TITLE
    if (start in text) != (end in text):
        raise FlashsaleError(f"{PERFORMANCE}: one of the markers {start} and {end} is missing; put it back")
    if start in text:
        before, _, rest = text.partition(start)
        text = before + section + rest.partition(end)[2]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    PERFORMANCE.write_text(text)


def _table(figures: Sequence[Figure]) -> list[str]:
    rows = [f"| {f.meaning} | {f.told} | `{f.name}` |" for f in figures]
    return ["", "| | | figure |", "|---|---:|---|", *rows]
