"""The forecast of every minute of a recorded sale, by the code the minute engine runs, and what came of it.

A row is a (product, warehouse) that has stock at the start T of a minute.  R rows; minutes are minutes of the
clock.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from evaluation.baselines import plan_aware, stock_over_velocity
from evaluation.minute_rollups import MINUTE_MS
from evaluation.recording import Recording
from evaluation.situations import Situation, situations
from flashsale.calibration import HORIZONS, Calibration
from flashsale.forecast import effective_stock
from flashsale.outlook import Outlook, look_ahead
from flashsale.running_out import grid, running_out
from flashsale.settings import Settings

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

AT_RISK_MINUTES = float(Settings.model_fields["at_risk_eta_minutes"].default)
AT_RISK_PROBABILITY = float(Settings.model_fields["at_risk_p15"].default)
"""The shop's own thresholds, as they are without a setting."""


@dataclass(frozen=True, slots=True)
class Rows:
    """(R,) unless said otherwise.

    `minute` T, `pair`, `available`; `p` (3, R) as published, `eta` (3, R) its 10, 50, 90 %, NaN: not before the
    end; `short` expected units short; `by_end`: P(sold out before the sale ends), uncalibrated, `level`: the
    uncalibrated P at the minute it came to pass, that of the end if it did not.  `velocity_eta` minutes by
    S/v, `plan_aware` (3, R) yes or no.  `outcome`: minutes until the shelf was empty, infinite if it never was;
    `left`: minutes to the sale's end; `at_risk` by the engine's rule.
    """

    minute: IntArray
    pair: IntArray
    available: IntArray
    p: FloatArray
    eta: FloatArray
    short: FloatArray
    by_end: FloatArray
    level: FloatArray
    velocity_eta: FloatArray
    plan_aware: BoolArray
    outcome: FloatArray
    left: FloatArray
    at_risk: BoolArray

    def took_place(self, row: int) -> BoolArray:
        """Whether the shelf was empty within horizon number `row`, (R,)."""
        found: BoolArray = self.outcome <= HORIZONS[row]
        return found

    def judged(self, row: int) -> BoolArray:
        """Which rows' horizon number `row` ends before the sale does, (R,)."""
        found: BoolArray = self.left >= HORIZONS[row]
        return found


def replay(recording: Recording, calibration: Calibration, every: int = 1) -> Rows:
    """The rows of every `every`-th minute."""
    return joined([_rows(recording, one, calibration) for one in situations(recording, calibration, every)])


def joined(parts: list[Rows]) -> Rows:
    """Rows one after the other."""
    return Rows(*(np.concatenate([getattr(part, f.name) for part in parts], axis=-1) for f in fields(Rows)))


def _outlook(one: Situation, calibration: Calibration) -> Outlook:
    """What the engine makes of it."""
    return look_ahead(
        one.before,
        (one.observed,),
        one.shelves.available,
        one.places,
        one.sale_plan,
        one.now - 1,
        one.arrivals,
        calibration,
    )


def _rows(recording: Recording, one: Situation, calibration: Calibration) -> Rows:
    found = _outlook(one, calibration).forecast
    rows = np.flatnonzero(one.shelves.available > 0)
    available = one.shelves.available[rows]
    outcome, left = (
        minutes_to_stockout(recording, one.now)[rows],
        np.full(len(rows), float(recording.minutes - one.now)),
    )
    velocity_eta = stock_over_velocity(available, one.velocity[rows])
    curve, minutes = _raw_curve(one, calibration)
    yes = plan_aware(one.shelves.available, one.planned_velocity, one.plan, one.shelves.plan, one.due)
    p = found.p[:, rows]
    return Rows(
        minute=np.full(len(rows), one.now),
        pair=rows,
        available=available,
        p=p,
        eta=found.eta[:, rows],
        short=found.short[rows],
        by_end=curve[-1, rows],
        level=_level(curve[:, rows], minutes, outcome),
        velocity_eta=velocity_eta,
        plan_aware=yes[:, rows],
        outcome=outcome,
        left=left,
        at_risk=(velocity_eta <= AT_RISK_MINUTES) | (p[1] >= AT_RISK_PROBABILITY),
    )


def _raw_curve(one: Situation, calibration: Calibration) -> tuple[FloatArray, list[int]]:
    """(uncalibrated P(sold out within each of K minutes), (K, N); the minutes)."""
    units = effective_stock(one.shelves.available, one.shelves.siblings, calibration)
    units = units + one.arrivals.units_by(0, len(units))
    minutes = grid(one.plan.minutes)
    return running_out(units, one.shelves.plan, one.demand, one.plan, one.arrivals.later(), minutes), minutes


def _level(curve: FloatArray, minutes: list[int], outcome: FloatArray) -> FloatArray:
    """The curve's value at each outcome, linear between its minutes, (R,); the last one's after them."""
    whole = np.concatenate([np.zeros((1, curve.shape[1])), curve])
    at = np.array([0, *minutes], dtype=np.float64)
    right = np.clip(np.searchsorted(at, outcome), 1, len(at) - 1)
    share = np.clip((outcome - at[right - 1]) / (at[right] - at[right - 1]), 0, 1)
    column = np.arange(curve.shape[1])
    level: FloatArray = whole[right - 1, column] * (1 - share) + whole[right, column] * share
    return level


def minutes_to_stockout(recording: Recording, now: int) -> FloatArray:
    """Minutes from the start of minute `now` until the shelf is empty, (N,), to the millisecond; infinite: never."""
    emptied = recording.emptied
    later = emptied.ms > now * MINUTE_MS
    first = np.full(recording.pairs, np.inf)
    np.minimum.at(first, emptied.pair[later], emptied.ms[later] / MINUTE_MS - now)
    return first
