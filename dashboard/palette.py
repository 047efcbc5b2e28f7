"""Colours of the page: Okabe–Ito hues lightened for near-black; colour is never the only sign."""

from typing import Literal, NamedTuple

from flashsale.snapshot import Severity

BACKGROUND = "#0E1418"
CARD = "#172026"
LINE = "#2A353D"
INK = "#F2F5F7"
DIM = "#A9B4BD"

Hue = Literal["red", "orange", "yellow", "green", "blue", "gray"]
HUES: dict[Hue, str] = {
    "red": "#FF7A59",
    "orange": "#E69F00",
    "yellow": "#F0E442",
    "green": "#59C9A5",
    "blue": "#56B4E9",
    "gray": "#A9B4BD",
}

RISK_STEPS = ("#1C2A33", "#23506A", "#6F6116", "#94560C", "#B8442A")
"""Cells of the risk map from calm to all at risk, each dark enough for INK on it."""


class Sign(NamedTuple):
    """How a severity shows: icon, word and hue together."""

    icon: str
    word: str
    hue: Hue


SEVERITY_SIGNS: dict[Severity, Sign] = {
    "critical": Sign("▲", "critical", "red"),
    "high": Sign("◆", "high", "orange"),
    "watch": Sign("●", "watch", "yellow"),
    "sold_out": Sign("■", "sold out", "gray"),
}


def risk_colour(share: float) -> str:
    """Colour of a cell for a share 0..1, in five equal steps."""
    return RISK_STEPS[min(len(RISK_STEPS) - 1, int(share * len(RISK_STEPS)))]
