"""How good probabilities are: pure functions of what was stated and what happened.

Sums that add up over sales are kept, so that whole seeds can be resampled (`Tally`).  H horizons; R rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEAST = 0.001
"""Probabilities are clipped to [LEAST, 1 − LEAST] before their logarithm is taken."""
BINS = 20


def squared_error(stated: npt.ArrayLike, happened: BoolArray) -> float:
    """Sum of (stated − happened)², the Brier score (Brier 1950) times the number of rows."""
    return float(np.sum((np.asarray(stated, dtype=np.float64) - happened) ** 2))


def log_loss(stated: FloatArray, happened: BoolArray) -> float:
    """Sum of −ln of the probability given to what happened."""
    clipped = np.clip(stated, LEAST, 1 - LEAST)
    return float(-np.sum(np.log(np.where(happened, clipped, 1 - clipped))))


def reliability(stated: FloatArray, happened: BoolArray) -> FloatArray:
    """(BINS, 3): rows, sum stated, sum happened by equal bins of what was stated."""
    number = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    columns = (np.ones(len(stated)), stated, happened.astype(np.float64))
    return np.stack([np.bincount(number, weights=column, minlength=BINS) for column in columns], axis=1)


def calibration_slope(bins: FloatArray) -> float:
    """Slope of the log odds of what happened over those stated, 1 when calibrated, below 1 when overconfident.

    Logistic regression (Cox 1958) on the bins of `reliability`, by Newton's method; NaN where it is not defined.
    """
    rows, stated, happened = bins[bins[:, 0] > 0].T
    if len(rows) < 2 or not 0 < happened.sum() < rows.sum():
        return float("nan")
    mean = np.clip(stated / rows, LEAST, 1 - LEAST)
    design = np.stack([np.ones(len(mean)), np.log(mean / (1 - mean))])
    weight = np.array([0.0, 1.0])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-weight @ design))
        curvature = (design * (rows * chance * (1 - chance))) @ design.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design @ (happened - rows * chance))
        weight = weight + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-9:
            break
    return float(weight[1])


def covered_share(
    eta: FloatArray, outcome: FloatArray, left: FloatArray, by_end: FloatArray, interval: tuple[float, float]
) -> FloatArray:
    """Which part of each row's outcome the 80 % interval eta[0] … eta[2] holds, (R,).

    An end of NaN lies after the sale's.  An outcome after the sale's end is censored: it counts with the part of
    the probability after the end that the interval takes up.  `by_end` is P(sold out by the end) on the scale of
    `interval`, the levels of the interval's ends.
    """
    low, high = (np.nan_to_num(eta[row], nan=np.inf) for row in (0, 2))
    seen = outcome <= left
    inside = (low <= outcome) & (outcome <= high)
    reached = np.interp(by_end, (0.0, *interval, 1.0), (0.0, 0.1, 0.9, 1.0))
    beyond = np.maximum(0.9 - np.maximum(reached, 0.1), 0) / np.maximum(1 - reached, 1e-9)
    return np.where(seen, inside.astype(np.float64), np.clip(beyond, 0, 1))


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over rows and stockouts; add them to score several sales together.

    By horizon, (H,): `rows` judged, `happened`, squared errors of the `forecast` and of the references
    `velocity`, `plan_aware` and `climatology`, `log_loss`; `bins` (H, BINS, 3), see `reliability`.
    Of the 80 % interval, (2,): `covered` all rows (censored, see `covered_share`) and `inside` rows whose
    interval ends before the sale does: rows, covered.  `stockouts` (4,): those that count, warned in time, of
    these with stock for so long, warned; `warnings` (4,): minutes with a warning, true; alerts raised, true.
    `lost` (2,): units stated to be lost, units lost.
    """

    rows: FloatArray
    happened: FloatArray
    forecast: FloatArray
    velocity: FloatArray
    plan_aware: FloatArray
    climatology: FloatArray
    log_loss: FloatArray
    bins: FloatArray
    covered: FloatArray
    inside: FloatArray
    stockouts: FloatArray
    warnings: FloatArray
    lost: FloatArray

    @classmethod
    def total(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Their sum; raises ValueError without any."""
        parts = list(tallies)
        if not parts:
            raise ValueError("no tally to add up")
        return cls(*(np.sum([getattr(part, f.name) for part in parts], axis=0) for f in fields(cls)))

    def skill(self, reference: str) -> FloatArray:
        """1 − squared errors ÷ those of `reference` (a field's name), (H,)."""
        return 1 - ratio(self.forecast, getattr(self, reference))

    @property
    def brier(self) -> FloatArray:
        return ratio(self.forecast, self.rows)

    @property
    def mean_log_loss(self) -> FloatArray:
        return ratio(self.log_loss, self.rows)

    @property
    def coverage(self) -> float:
        return float(ratio(self.covered[1:], self.covered[:1])[0])

    @property
    def coverage_inside(self) -> float:
        return float(ratio(self.inside[1:], self.inside[:1])[0])

    @property
    def warned(self) -> float:
        """Share of the stockouts that were warned of in time."""
        return float(ratio(self.stockouts[1:2], self.stockouts[:1])[0])

    @property
    def warned_of_lasting(self) -> float:
        """The same of stock that lasted for so long at all."""
        return float(ratio(self.stockouts[3:], self.stockouts[2:3])[0])

    @property
    def lost_ratio(self) -> float:
        """Units stated to be lost ÷ units lost."""
        return float(ratio(self.lost[:1], self.lost[1:])[0])

    @property
    def precision(self) -> float:
        """Share of the minutes' warnings that came true."""
        return float(ratio(self.warnings[1:2], self.warnings[:1])[0])

    @property
    def alert_precision(self) -> float:
        """Share of the alerts raised that came true."""
        return float(ratio(self.warnings[3:], self.warnings[2:3])[0])


def ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """above ÷ below, NaN where below is 0."""
    share: FloatArray = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) > 0)
    return share
