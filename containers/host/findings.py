"""What a check found: a mark, the thing it is about, and one line with the way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Mark = Literal["ok", "warning", "problem"]

MAX_CHARACTERS = 300


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer; only a problem makes the exit code non-zero."""

    mark: Mark
    subject: str
    text: str
    way_out: str = ""

    def line(self) -> str:
        tail = f"; {self.way_out}" if self.way_out else ""
        return f"{self.mark:<8} {self.subject:<22} {self.text}{tail}"


def ok(subject: str, text: str) -> Finding:
    return Finding("ok", subject, text)


def warning(subject: str, text: str, way_out: str = "") -> Finding:
    return Finding("warning", subject, text, way_out)


def problem(subject: str, text: str, way_out: str = "") -> Finding:
    return Finding("problem", subject, text, way_out)


def one_line(text: object, limit: int = MAX_CHARACTERS) -> str:
    """`text` without line breaks, at most `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def verdict(findings: Iterable[Finding]) -> str:
    """How many problems and warnings there are, in words."""
    marks = [finding.mark for finding in findings]
    problems, warnings = marks.count("problem"), marks.count("warning")
    if not problems and not warnings:
        return "all is well"
    counts = [(problems, "problem"), (warnings, "warning")]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)


def exit_code(findings: Iterable[Finding]) -> int:
    return 1 if any(finding.mark == "problem" for finding in findings) else 0
