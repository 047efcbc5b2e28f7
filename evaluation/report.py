"""The figures of docs/forecast.md, written between its markers by the commands that measured them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from evaluation.cases import ROOT
from evaluation.pictures import draw_reliability, draw_skill
from evaluation.summary import ALL, SKILL_HEADINGS, WARNING_HEADINGS, Group, skill_table, warning_row
from flashsale.errors import FlashsaleError
from flashsale.minutes import utc_now

DOCUMENT = ROOT / "docs" / "forecast.md"
PICTURES = ROOT / "docs" / "pictures"
RELIABILITY, SKILL = "forecast-reliability.png", "forecast-skill.png"


def write_report(found: Sequence[Group], command: str, calibration_id: str | None, document: Path = DOCUMENT) -> None:
    """Tables into the document's section ``backtest``, pictures beside it; raises FlashsaleError."""
    together = [group for group in found if group.scenario == ALL]
    usual = [group for group in found if group.sigma == 0.3] or list(found)
    pictures = document.parent / PICTURES.name
    pictures.mkdir(parents=True, exist_ok=True)
    draw_reliability(together, pictures / RELIABILITY)
    draw_skill(usual, pictures / SKILL)
    seeds = sorted({seed for group in found for seed in group.by_seed})
    lines = [
        f"Command: `{command}`, {utc_now():%Y-%m-%d}. Calibration `{calibration_id or 'none'}`, seeds "
        f"{', '.join(map(str, seeds))}. In brackets 95 % intervals, whole seeds resampled.",
        "",
        f"![Reliability](pictures/{RELIABILITY})",
        "",
        f"![Skill](pictures/{SKILL})",
    ]
    for group in found:
        lines += [
            "",
            f"### {group.scenario}, plan error {group.sigma}",
            "",
            *markdown_table(SKILL_HEADINGS, skill_table(group)),
            "",
            *markdown_table(WARNING_HEADINGS, [warning_row(group)]),
        ]
    replace_section(document, "backtest", "\n".join(lines))


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, numbers to the right."""
    return [
        f"| {' | '.join(headings)} |",
        "|" + "---:|" * len(headings),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def replace_section(document: Path, name: str, content: str) -> None:
    """Put `content` between the markers of section `name`; raises FlashsaleError without them."""
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    text = document.read_text() if document.exists() else ""
    if start not in text or end not in text:
        raise FlashsaleError(f"{document}: the markers {start} and {end} are not both there; put them back")
    before, _, rest = text.partition(start)
    document.write_text(f"{before}{start}\n{content}\n{end}{rest.partition(end)[2]}")


def markdown_figures(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    """Lines of a table of (meaning, value and goal, name of the figure)."""
    return ["| | | figure |", "|---|---:|---|", *(f"| {meaning} | {told} | `{name}` |" for meaning, told, name in rows)]


def replace_forecast_section(name: str, introduction: str, table: Sequence[str]) -> None:
    """Write one section of docs/forecast.md; raises FlashsaleError without its markers."""
    replace_section(DOCUMENT, name, "\n".join([introduction, "", *table]))
