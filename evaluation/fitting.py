"""Fit a calibration on training sales: what they tell directly, a search for the rest, and what then puts
probabilities and intervals right.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from evaluation import estimates
from evaluation.backtest import Climatology
from evaluation.cases import TRAINING_SEEDS, Case
from evaluation.isotonic import fitted_map, interval_levels
from evaluation.recording import Recording
from evaluation.replay import Rows, joined, minutes_to_stockout, replay
from evaluation.scores import log_loss, squared_error
from evaluation.simulated_sale import simulate
from evaluation.situations import situations
from evaluation.workers import results_of
from flashsale.calibration import HORIZONS, Calibration
from flashsale.errors import FlashsaleError
from flashsale.forecast import effective_stock
from flashsale.running_out import running_out

FloatArray = npt.NDArray[np.float64]
Say = Callable[[str], None]

_SEARCHED: Mapping[str, tuple[float, ...]] = {
    "forgetting": (0.75, 0.8, 0.84, 0.87, 0.9, 0.92, 0.94, 0.96, 0.98),
    "pair_strength": (0.5, 1, 2, 4, 8, 16, 32, 64),
    "product_strength": (1, 3, 10, 30, 100, 300),
    "drift_limit": (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3),
    "drift_half_minutes": (1, 2, 4, 7, 10, 15, 25, 40),
}
"""Values tried, one parameter after the other."""
_PASSES = 2
_EVERY = 7
"""The search looks at every so many minutes, the maps at every `_MAPPED`-th."""
_MAPPED = 2


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration, and how often what happens in training sales."""

    calibration: Calibration
    climatology: Climatology


def fit(cases: Sequence[Case], workers: int, say: Say) -> Fitted:
    """Fit on the sales of `cases`; raises FlashsaleError for a seed that is kept for tests."""
    for case in cases:
        if case.seed not in TRAINING_SEEDS:
            raise FlashsaleError(
                f"seed {case.seed}: kept for tests; fit on seeds {TRAINING_SEEDS.start} to {TRAINING_SEEDS.stop - 1}"
            )
    say(f"simulating {len(cases)} sales")
    recordings = list(results_of(simulate, cases, workers))
    return fit_on(recordings, workers, say)


def fit_on(recordings: Sequence[Recording], workers: int, say: Say, passes: int = _PASSES) -> Fitted:
    """The same on sales at hand, with at most so many passes over the parameters that are searched."""
    delay, share = estimates.shipment_delay_and_share(recordings)
    boost, units = estimates.appeal(recordings)
    calibration = Calibration(
        code_version=version("flashsale-war-room"),
        scenarios=tuple(sorted({one.case.scenario for one in recordings})),
        seeds=tuple(sorted({one.case.seed for one in recordings})),
        shipment_delay_minutes=round(delay, 3),
        shipment_share=round(min(share, 1.0), 4),
        discount_elasticity=round(estimates.discount_elasticity(recordings), 3),
        appeal_boost=boost,
        appeal_units=units,
        drift_limit=0.1,
    )
    say(
        f"shipments {delay:.2f} min late, {share:.3f} of their units; elasticity {calibration.discount_elasticity}; "
        f"appeal {boost} at {units} units"
    )
    calibration = _searched(recordings, calibration, say, passes)
    calibration = calibration.model_copy(update={"walkaway": round(estimates.walkaway(recordings, calibration), 3)})
    say(f"walkaway {calibration.walkaway}; maps and interval")
    rows = list(results_of(partial(replay, calibration=calibration, every=_MAPPED), recordings, workers))
    return Fitted(_mapped(calibration, rows), _climatology(recordings, rows))


def _searched(recordings: Sequence[Recording], start: Calibration, say: Say, passes: int) -> Calibration:
    """The best of a coordinate search from `start`."""
    best, least = start, _shortfall(start, recordings)
    for number in range(passes):
        before = least
        for name, values in _SEARCHED.items():
            for value in _outwards(values, getattr(best, name)):
                tried = best.model_copy(update={name: value})
                badness = _shortfall(tried, recordings)
                if badness < least:
                    best, least = tried, badness
            say(f"pass {number + 1}: {name} {getattr(best, name)}, badness {least:.4f}")
        if before - least < 1e-3:
            break
    return best


def _outwards(values: Sequence[float], current: float) -> Iterator[float]:
    """The two values on either side of the current one: a coordinate search in steps."""
    below = [value for value in values if value < current]
    above = [value for value in values if value > current]
    yield from [*below[-2:][::-1], *above[:2]]


def _shortfall(calibration: Calibration, recordings: Sequence[Recording]) -> float:
    """Mean over sales and horizons of Brier score and log loss, each ÷ that of the sale's own frequency."""
    return float(np.nanmean([_shortfall_of_sale(calibration, recording) for recording in recordings]))


def _shortfall_of_sale(calibration: Calibration, recording: Recording) -> float:
    stated, outcome, left = _probabilities(recording, calibration)
    found = []
    for row, horizon in enumerate(HORIZONS):
        judged = left >= horizon
        happened = outcome[judged] <= horizon
        usual = np.full(len(happened), happened.mean() if len(happened) else 0.0)
        if 0 < happened.sum() < len(happened):
            p = stated[row, judged]
            found.append(squared_error(p, happened) / squared_error(usual, happened))
            found.append(log_loss(p, happened) / log_loss(usual, happened))
    return float(np.mean(found)) if found else float("nan")


def _probabilities(recording: Recording, calibration: Calibration) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(uncalibrated probabilities (H, R), minutes to the stockout (R,), minutes to the sale's end (R,))."""
    parts = []
    for one in situations(recording, calibration, _EVERY):
        left = recording.minutes - one.now
        minutes = [horizon for horizon in HORIZONS if horizon <= left]
        if not minutes:
            continue
        rows = np.flatnonzero(one.shelves.available > 0)
        units = effective_stock(one.shelves.available, one.shelves.siblings, calibration)
        units = units + one.arrivals.units_by(0, len(units))
        curve = running_out(units, one.shelves.plan, one.demand, one.plan, one.arrivals.later(), minutes)
        stated = np.full((len(HORIZONS), len(rows)), np.nan)
        stated[: len(minutes)] = curve[:, rows]
        parts.append((stated, minutes_to_stockout(recording, one.now)[rows], np.full(len(rows), float(left))))
    stated, outcome, ends = zip(*parts, strict=True)
    return np.concatenate(stated, axis=1), np.concatenate(outcome), np.concatenate(ends)


def _mapped(calibration: Calibration, rows: Sequence[Rows]) -> Calibration:
    """With maps and interval levels; every sale weighs the same."""
    weight = np.concatenate([np.full(len(part.pair), 1 / max(len(part.pair), 1)) for part in rows])
    every = joined(list(rows))
    maps = {}
    for row, horizon in enumerate(HORIZONS):
        judged = every.judged(row)
        maps[horizon] = fitted_map(every.p[row, judged], every.took_place(row)[judged], weight[judged])
    levels = interval_levels(every.level, every.outcome <= every.left, weight)
    return calibration.model_copy(update={"maps": maps, "interval": levels}).named()


def _climatology(recordings: Sequence[Recording], rows: Sequence[Rows]) -> Climatology:
    found = {}
    for scenario in sorted({one.case.scenario for one in recordings}):
        mine = joined([part for one, part in zip(recordings, rows, strict=True) if one.case.scenario == scenario])
        judged = [mine.judged(row) for row in range(len(HORIZONS))]
        found[scenario] = [
            round(float(mine.took_place(row)[judged[row]].mean()), 4) if judged[row].any() else 0.0
            for row in range(len(HORIZONS))
        ]
    return found
