"""How well forecasts came true: sums that add up over minutes, and the figures they give.

Brier score (Brier 1950): mean of (p − outcome)².  Skill against a reference forecast: 1 − Brier ÷ Brier of the
reference (Murphy 1973).  The reference is S/v: sold out within h for sure if stock ÷ velocity ≤ h, else never.
Reliability: in each tenth of p, the mean p stated and the share that came true.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from flashsale.minutes import iso

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BINS = 10
COURSE_HORIZON = 15
COURSE_MINUTES = 60
_LEAST = 0.001


class ReliabilityBin(TypedDict):
    """Forecasts in one tenth of p: how many, how many of them sold out, the mean p stated, the share that sold out."""

    forecasts: int
    stockouts: int
    stated: float
    observed: float


class HorizonQuality(TypedDict):
    """Figures of one horizon (minutes); null where nothing can be said yet."""

    horizon: int
    forecasts: int
    stockouts: int
    brier: float | None
    brier_naive: float | None
    skill: float | None
    log_loss: float | None
    reliability: list[ReliabilityBin]


class ScoredMinute(TypedDict):
    """What the forecasts of `COURSE_HORIZON` minutes scored that came due in one minute, named by its end."""

    minute: str
    forecasts: int
    stockouts: int
    brier: float | None
    brier_naive: float | None


class ForecastQuality(TypedDict):
    """Running score of the sale's forecasts; `minutes` have been scored, the last hour of them is in `course`."""

    minutes: int
    horizons: list[HorizonQuality]
    course: list[ScoredMinute]


@dataclass(frozen=True, slots=True)
class ScoreSums:
    """Sums over forecasts of one horizon.

    `sums` (5,): forecasts, stockouts, squared error, squared error of S/v, log loss; `tenths` (3, BINS), by tenth
    of p: forecasts, p stated, stockouts.
    """

    sums: FloatArray
    tenths: FloatArray

    @classmethod
    def of(cls, p: FloatArray, naive: BoolArray, sold_out: BoolArray) -> "ScoreSums":
        """Of N forecasts: probability, what S/v says, and what happened, (N,) each."""
        outcome = sold_out.astype(np.float64)
        clipped = np.clip(p, _LEAST, 1 - _LEAST)
        loss = -np.log(np.where(sold_out, clipped, 1 - clipped))
        tenth = np.minimum((p * BINS).astype(np.int64), BINS - 1)
        return cls(
            np.array([len(p), outcome.sum(), ((p - outcome) ** 2).sum(), (naive != sold_out).sum(), loss.sum()]),
            np.stack([np.bincount(tenth, weights, BINS) for weights in (np.ones(len(p)), p, outcome)]),
        )

    @classmethod
    def total(cls, parts: Iterable["ScoreSums"]) -> "ScoreSums":
        """All of `parts` together."""
        sums, tenths = np.zeros(5), np.zeros((3, BINS))
        for part in parts:
            sums, tenths = sums + part.sums, tenths + part.tenths
        return cls(sums, tenths)

    def quality(self, horizon: int) -> HorizonQuality:
        """The figures, rounded to 4 decimals."""
        forecasts, stockouts, squared, naive, loss = (float(value) for value in self.sums)
        return {
            "horizon": horizon,
            "forecasts": int(forecasts),
            "stockouts": int(stockouts),
            "brier": _ratio(squared, forecasts),
            "brier_naive": _ratio(naive, forecasts),
            "skill": round(1 - squared / naive, 4) if naive else None,
            "log_loss": _ratio(loss, forecasts),
            "reliability": [
                {
                    "forecasts": int(count),
                    "stockouts": int(came_true),
                    "stated": round(stated / count, 4),
                    "observed": round(came_true / count, 4),
                }
                for count, stated, came_true in self.tenths.T.tolist()
                if count
            ],
        }

    def scored_minute(self, end: datetime) -> ScoredMinute:
        """One entry of the course, rounded to 4 decimals."""
        forecasts, stockouts, squared, naive, _ = (float(value) for value in self.sums)
        return {
            "minute": iso(end),
            "forecasts": int(forecasts),
            "stockouts": int(stockouts),
            "brier": _ratio(squared, forecasts),
            "brier_naive": _ratio(naive, forecasts),
        }


def _ratio(above: float, below: float) -> float | None:
    return round(above / below, 4) if below else None
