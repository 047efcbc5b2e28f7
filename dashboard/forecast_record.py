"""How far the forecasts of this sale came true: is what was stated what happened?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.plain_table import Row
from dashboard.wording import DASH, percent
from flashsale.forecast_scores import ForecastQuality, HorizonQuality, ReliabilityBin
from flashsale.minutes import parse_iso

WARNED = 0.5
"""From which stated probability on a forecast counts as a warning: more likely than not."""
ENOUGH = 30
"""Forecasts a tenth needs before its share says anything."""
CLOSE = 0.1
"""How far stated and observed may lie apart before that is called off."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Forecasts of one horizon by what was said and what happened; a warning said `WARNED` or more."""

    hits: int
    false_alarms: int
    misses: int
    quiet: int


@dataclass(frozen=True, slots=True)
class Course:
    """Running Brier score over the last hour, forecast and stock ÷ speed; `times` are the shop's clock."""

    times: tuple[datetime, ...]
    brier: tuple[float | None, ...]
    naive: tuple[float | None, ...]


def outcomes(horizon: HorizonQuality) -> Outcomes:
    """Hits, false alarms, misses and rightly quiet forecasts."""
    warned = [part for part in horizon["reliability"] if part["stated"] >= WARNED]
    hits, said = sum(_came_true(part) for part in warned), sum(part["forecasts"] for part in warned)
    misses = horizon["stockouts"] - hits
    return Outcomes(hits, said - hits, misses, horizon["forecasts"] - said - misses)


def verdict(horizon: HorizonQuality) -> str:
    """Whether stated probabilities can be taken at their word, in one sentence."""
    judged = [part for part in horizon["reliability"] if part["forecasts"] >= ENOUGH]
    if not judged:
        return "Too few forecasts have come due to say whether they can be taken at their word."
    worst = max(judged, key=lambda part: abs(part["stated"] - part["observed"]))
    gap = worst["observed"] - worst["stated"]
    if abs(gap) <= CLOSE:
        return (
            f"Calibrated: in every tenth, what was stated and what happened lie within {percent(CLOSE)} of each other."
        )
    heard = "more often than stated: act earlier" if gap > 0 else "less often than stated: it warns too much"
    return (
        f"Off where it says {percent(worst['stated'])}: {percent(worst['observed'])} sold out, {heard}. "
        f"{worst['forecasts']:,} forecasts."
    )


def horizon_rows(quality: ForecastQuality) -> list[Row]:
    """(horizon, forecasts, stockouts, hits, false alarms, misses, Brier, of stock ÷ speed, skill) of each horizon."""
    return [_horizon_row(horizon) for horizon in quality.get("horizons", [])]


def _horizon_row(horizon: HorizonQuality) -> Row:
    found = outcomes(horizon)
    return Row(
        (
            f"{horizon['horizon']} min",
            f"{horizon['forecasts']:,}",
            f"{horizon['stockouts']:,}",
            f"{found.hits:,}",
            f"{found.false_alarms:,}",
            f"{found.misses:,}",
            _score(horizon["brier"]),
            _score(horizon["brier_naive"]),
            DASH if horizon["skill"] is None else percent(horizon["skill"]),
        )
    )


def course(quality: ForecastQuality, zone: ZoneInfo) -> Course:
    """The last hour, running: a minute's score is over all forecasts that came due since the first minute shown."""
    rows = quality.get("course", [])
    return Course(
        tuple(parse_iso(row["minute"]).astimezone(zone).replace(tzinfo=None) for row in rows),
        _running([row["brier"] for row in rows], [row["forecasts"] for row in rows]),
        _running([row["brier_naive"] for row in rows], [row["forecasts"] for row in rows]),
    )


def _running(scores: Sequence[float | None], weights: Sequence[int]) -> tuple[float | None, ...]:
    found: list[float | None] = []
    total, count = 0.0, 0
    for score, weight in zip(scores, weights, strict=True):
        total, count = total + (score or 0.0) * weight, count + weight
        found.append(total / count if count else None)
    return tuple(found)


def _came_true(part: ReliabilityBin) -> int:
    # A snapshot of the release before tells only the share.
    return part.get("stockouts", round(part["observed"] * part["forecasts"]))


def _score(value: float | None) -> str:
    return DASH if value is None else f"{value:.4f}"
