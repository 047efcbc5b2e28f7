"""Amounts, shares and times for people at a terminal or in a picture."""

import math
from collections.abc import Sequence

_MINOR_PER_MAJOR = 100
_SCALES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


def scaled(amount: float) -> str:
    """Three significant figures: ``68.9 bn``, ``9.5 M``, ``12 k``, ``940``."""
    for divisor, unit in _SCALES:
        if abs(amount) >= 0.9995 * divisor:
            return f"{_three_figures(amount / divisor)} {unit}"
    return _three_figures(amount) if amount else "0"


def money(minor: float, currency: str) -> str:
    """``PKR 68.9 bn`` of an amount in minor units."""
    return f"{currency} {scaled(minor / _MINOR_PER_MAJOR)}"


def gigabytes(size: float) -> str:
    """``7.1 GB``, ``84 MB``; 10^9 and 10^6 bytes."""
    return f"{_three_figures(size / 1e9)} GB" if size >= 1e9 else f"{_three_figures(size / 1e6)} MB"


def percent(share: float, digits: int = 1) -> str:
    """``17.8 %`` of a share 0..1."""
    return f"{100 * share:.{digits}f} %"


def clock(minute: float, *, seconds: bool = False) -> str:
    """``1:07`` of 67 minutes, with `seconds` ``1:07:00``."""
    whole = round(minute * 60)
    text = f"{whole // 3600}:{whole % 3600 // 60:02d}"
    return f"{text}:{whole % 60:02d}" if seconds else text


def table(rows: Sequence[tuple[str, ...]], *, text_columns: int = 1, indent: str = "") -> list[str]:
    """Lines with columns as wide as they have to be; all but the first `text_columns` stand to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (
            indent
            + "  ".join(
                cell.ljust(width) if column < text_columns else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]


def _three_figures(amount: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(max(abs(amount), 1e-2)))) if amount else 0
    text = f"{amount:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
