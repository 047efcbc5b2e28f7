"""Backtest: simulate unseen sales, forecast every minute, add up what is needed for the scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from evaluation.cases import TRAINING_SEEDS, Case, scenario_of
from evaluation.lost_sales import lost_told
from evaluation.recording import Recording
from evaluation.replay import Rows, replay
from evaluation.scores import Tally, covered_share, log_loss, reliability, squared_error
from evaluation.simulated_sale import simulate
from evaluation.warnings_given import stockouts_warned, warnings_true
from evaluation.workers import results_of
from flashsale.calibration import HORIZONS, Calibration
from flashsale.errors import FlashsaleError

FloatArray = npt.NDArray[np.float64]
Climatology = Mapping[str, Sequence[float]]
"""Scenario -> share of the (product, warehouse) with stock that sold out within each horizon in training sales."""

_FRACTIONS: dict[str, tuple[float, int]] = {"eleven_eleven": (0.06, 300)}
FRACTION = 0.3
SCENARIOS = ("demo", "restock_rescue", "cascade", "bot_burst", "eleven_eleven")
SIGMAS = (0.0, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class Scored:
    """A case and its sums."""

    case: Case
    tally: Tally


def case_of(scenario: str, seed: int, sigma: float | None) -> Case:
    """The case as it is trained on and tested: `FRACTION` of the orders, of the largest shop a small one."""
    fraction, products = _FRACTIONS.get(scenario, (FRACTION, 0))
    return Case(scenario, seed, sigma, fraction, products)


def backtest(cases: Sequence[Case], calibration: Calibration, climatology: Climatology, workers: int) -> list[Scored]:
    """Score each case; raises FlashsaleError for a seed that calibrations are fitted on."""
    for case in cases:
        if case.seed in TRAINING_SEEDS or case.seed in calibration.seeds:
            raise FlashsaleError(
                f"seed {case.seed}: calibrations are fitted on it, so it says nothing about new sales; "
                f"take one from {TRAINING_SEEDS.stop} on"
            )
    work = partial(_scored, calibration=calibration, climatology=dict(climatology))
    return list(results_of(work, cases, workers))


def _scored(case: Case, calibration: Calibration, climatology: Climatology) -> Scored:
    recording = simulate(case)
    return Scored(case, tally_of(recording, calibration, climatology.get(case.scenario)))


def tally_of(recording: Recording, calibration: Calibration, climatology: Sequence[float] | None) -> Tally:
    """Sums of one sale; without a climatology that reference is NaN."""
    rows = replay(recording, calibration)
    scenario = scenario_of(recording.case)
    judged = [rows.judged(row) for row in range(len(HORIZONS))]
    happened = [rows.took_place(row)[judged[row]] for row in range(len(HORIZONS))]
    shares = climatology if climatology is not None else [np.nan] * len(HORIZONS)
    soon = [rows.velocity_eta[judged[row]] <= horizon for row, horizon in enumerate(HORIZONS)]
    return Tally(
        rows=np.array([mask.sum() for mask in judged], dtype=np.float64),
        happened=np.array([one.sum() for one in happened], dtype=np.float64),
        forecast=_each(lambda row: squared_error(rows.p[row, judged[row]], happened[row])),
        velocity=_each(lambda row: squared_error(soon[row], happened[row])),
        plan_aware=_each(lambda row: squared_error(rows.plan_aware[row, judged[row]], happened[row])),
        climatology=_each(lambda row: squared_error(shares[row], happened[row])),
        log_loss=_each(lambda row: log_loss(rows.p[row, judged[row]], happened[row])),
        bins=np.stack([reliability(rows.p[row, judged[row]], happened[row]) for row in range(len(HORIZONS))]),
        covered=_covered(rows, calibration),
        inside=_inside(rows),
        stockouts=stockouts_warned(recording, rows, scenario),
        warnings=warnings_true(recording, rows),
        lost=lost_told(recording, calibration),
    )


def _each(sum_of: Callable[[int], float]) -> FloatArray:
    return np.array([sum_of(row) for row in range(len(HORIZONS))])


def _covered(rows: Rows, calibration: Calibration) -> FloatArray:
    share = covered_share(rows.eta, rows.outcome, rows.left, rows.by_end, calibration.interval)
    return np.array([len(share), share.sum()])


def _inside(rows: Rows) -> FloatArray:
    """Of intervals that end before the sale does: how many, and how many hold the outcome."""
    ends = ~np.isnan(rows.eta[2])
    inside = ends & (rows.eta[0] <= rows.outcome) & (rows.outcome <= rows.eta[2])
    return np.array([ends.sum(), inside.sum()], dtype=np.float64)
