"""What following the action table is worth: the same sales with and without it, compared seed by seed.

Every figure is a mean over unseen seeds of a difference within one seed, with a 95 % interval of the paired t
(Student 1908), n − 1 degrees of freedom.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from evaluation.cases import TRAINING_SEEDS, Case
from evaluation.counterfactual_books import Course
from evaluation.counterfactual_sale import WAITING, run_sale
from evaluation.interventions_account import KINDS, Kind, Spent
from evaluation.policy import POLICIES, Hands
from evaluation.workers import results_of
from flashsale.errors import FlashsaleError

FloatArray = npt.NDArray[np.float64]
Say = Callable[[str], None]

SCENARIOS = ("demo", "eleven_eleven", "flat")
SEEDS = range(101, 111)
QUICK_SEEDS = range(101, 105)
FRACTION = 0.2
_FRACTIONS: dict[str, tuple[float, int]] = {"eleven_eleven": (0.03, 150)}
"""Of the orders, and products: as many orders of each as in the whole shop."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean of paired differences, the ends of its 95 % interval (NaN with a single seed), and the least of them."""

    mean: float
    low: float
    high: float
    least: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """Raises ValueError without any."""
        found = np.asarray(values, dtype=np.float64)
        if not len(found):
            raise ValueError("no difference to estimate from")
        half = float("nan")
        if len(found) > 1:
            half = float(student.ppf((1 + CONFIDENCE) / 2, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
        mean = float(found.mean())
        return cls(mean, mean - half, mean + half, float(found.min()))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario under one policy against waiting, paired by seed.

    Shares by which goes down: `turned_away`, units wanted and not there; `units`, `value`, `earning` those and what
    paused ads keep away, in units, in money, and in margin of what would have earned any (see `Course`).
    `margin`, `worth`: change of the whole margin, and of it less goodwill lost, as shares of waiting's revenue.
    Sums over the seeds: `spent`, `revenue` (waiting's), `leftover_units`, `leftover_cost`, `kept_away`.  `lost`,
    `lost_waiting` (M,): units lost in each minute, mean of the seeds.
    """

    scenario: str
    policy: str
    seeds: tuple[int, ...]
    turned_away: Estimate
    units: Estimate
    value: Estimate
    earning: Estimate
    margin: Estimate
    worth: Estimate
    spent: dict[Kind, Spent]
    revenue: int
    leftover_units: int
    leftover_cost: float
    kept_away: int
    lost: FloatArray
    lost_waiting: FloatArray


def counterfactual_case(scenario: str, seed: int, minutes: int = 0) -> Case:
    """The sale that is compared: `FRACTION` of the shop, of the largest a small part; `minutes` 0: all of it."""
    fraction, products = _FRACTIONS.get(scenario, (FRACTION, 0))
    return Case(scenario, seed, None, fraction, products, minutes)


def compare(
    cases: Sequence[Case],
    hands: Hands,
    workers: int,
    say: Say = lambda _: None,
    policies: Sequence[str] = tuple(POLICIES),
) -> list[Comparison]:
    """Every scenario under every policy, in the order of `cases`; the same for any number of workers.

    Raises FlashsaleError for a seed that calibrations are fitted on.
    """
    for case in cases:
        if case.seed in TRAINING_SEEDS or case.seed in hands.calibration.seeds:
            raise FlashsaleError(
                f"seed {case.seed}: calibrations are fitted on it, so it says nothing about new sales; "
                f"take one from {TRAINING_SEEDS.stop} on"
            )
    runs = [(case, policy) for case in cases for policy in (WAITING, *policies)]
    courses: dict[tuple[Case, str], Course] = {}
    for run, course in zip(runs, results_of(partial(_run, hands=hands), runs, workers), strict=True):
        courses[run] = course
        say(f"{len(courses)} of {len(runs)} sales: {run[0].scenario}, seed {run[0].seed}, {run[1]}")
    scenarios = list(dict.fromkeys(case.scenario for case in cases))
    return [
        _compared(policy, [case for case in cases if case.scenario == scenario], courses)
        for scenario in scenarios
        for policy in policies
    ]


def _run(run: tuple[Case, str], hands: Hands) -> Course:
    return run_sale(*run, hands)


def _compared(policy: str, cases: Sequence[Case], courses: dict[tuple[Case, str], Course]) -> Comparison:
    waiting, acting = [courses[case, WAITING] for case in cases], [courses[case, policy] for case in cases]
    pairs = list(zip(waiting, acting, strict=True))
    return Comparison(
        scenario=cases[0].scenario,
        policy=policy,
        seeds=tuple(case.seed for case in cases),
        turned_away=Estimate.of([share_saved(w.turned_away, a.turned_away) for w, a in pairs]),
        units=Estimate.of([share_saved(w.lost_units, a.lost_units) for w, a in pairs]),
        value=Estimate.of([share_saved(w.lost_value, a.lost_value) for w, a in pairs]),
        earning=Estimate.of([share_saved(w.lost_margin, a.lost_margin) for w, a in pairs]),
        margin=Estimate.of([(a.margin - w.margin) / max(w.revenue, 1) for w, a in pairs]),
        worth=Estimate.of([(a.worth - w.worth) / max(w.revenue, 1) for w, a in pairs]),
        spent={
            kind: Spent(
                sum(a.spent[kind].times for a in acting),
                sum(a.spent[kind].units for a in acting),
                sum(a.spent[kind].cost for a in acting),
            )
            for kind in KINDS
        },
        revenue=sum(w.revenue for w in waiting),
        leftover_units=sum(a.leftover_units for a in acting),
        leftover_cost=sum(a.leftover_cost for a in acting),
        kept_away=sum(a.kept_away for a in acting),
        lost=np.mean([a.lost_units for a in acting], axis=0),
        lost_waiting=np.mean([w.lost_units for w in waiting], axis=0),
    )


def share_saved(waiting: FloatArray, acting: FloatArray) -> float:
    """1 − lost when acting ÷ lost when waiting; 0 where neither loses anything."""
    before, after = float(waiting.sum()), float(acting.sum())
    if before == 0:
        return 0.0 if after == 0 else float("-inf")
    return 1 - after / before
