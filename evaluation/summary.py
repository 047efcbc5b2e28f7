"""What a backtest says of each scenario and plan error, with how sure that is."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from evaluation.backtest import Scored
from evaluation.bootstrap import percentiles, resampled
from evaluation.scores import Tally, calibration_slope
from flashsale.calibration import HORIZONS

ALL = "all"


@dataclass(frozen=True, slots=True)
class Measured:
    """A score with its 95 % interval over seeds."""

    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """``0.41 [0.38, 0.44]``."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Group:
    """Sales of one scenario (`ALL`: of all) and plan error, by seed."""

    scenario: str
    sigma: float | None
    by_seed: Mapping[int, Sequence[Tally]]

    @property
    def tally(self) -> Tally:
        return Tally.total(tally for seed in sorted(self.by_seed) for tally in self.by_seed[seed])

    def measured(self, score: Callable[[Tally], float]) -> Measured:
        """A score of all its sales, and where it lies with other seeds."""
        return Measured(score(self.tally), *percentiles(self._resampled, score))

    @cached_property
    def _resampled(self) -> list[Tally]:
        return resampled(self.by_seed)


def groups(scored: Iterable[Scored]) -> list[Group]:
    """By plan error and scenario, in the order in which they come, each plan error's sales together first."""
    found: dict[tuple[float | None, str], dict[int, list[Tally]]] = defaultdict(lambda: defaultdict(list))
    for one in scored:
        for scenario in (ALL, one.case.scenario):
            found[one.case.sigma, scenario][one.case.seed].append(one.tally)
    sigmas = list(dict.fromkeys(sigma for sigma, _ in found))
    return [
        Group(scenario, sigma, by_seed) for sigma in sigmas for (of, scenario), by_seed in found.items() if of == sigma
    ]


def skill(reference: str, row: int) -> Callable[[Tally], float]:
    """Score: skill over `reference` at horizon number `row`."""
    return lambda tally: float(tally.skill(reference)[row])


def skill_table(group: Group) -> list[list[str]]:
    """A row per horizon: minutes, how often it happened, Brier score, the three skills, log loss, slope."""
    tally = group.tally
    return [
        [
            str(horizon),
            f"{tally.happened[row] / max(tally.rows[row], 1):.3f}",
            f"{tally.brier[row]:.4f}",
            *(group.measured(skill(name, row)).text for name in ("velocity", "plan_aware", "climatology")),
            f"{tally.mean_log_loss[row]:.3f}",
            f"{calibration_slope(tally.bins[row]):.2f}",
        ]
        for row, horizon in enumerate(HORIZONS)
    ]


SKILL_HEADINGS = (
    "minutes",
    "happened",
    "Brier",
    "over S/v",
    "over plan-aware S/v",
    "over climatology",
    "log loss",
    "slope",
)
WARNING_HEADINGS = (
    "coverage",
    "within the sale",
    "warned",
    "of lasting stock",
    "true warnings",
    "true alerts",
    "lost units, stated ÷ true",
)


def warning_row(group: Group) -> list[str]:
    """Coverage of the interval, stockouts warned of, warnings that came true."""
    scores: list[Callable[[Tally], float]] = [
        lambda tally: tally.coverage,
        lambda tally: tally.coverage_inside,
        lambda tally: tally.warned,
        lambda tally: tally.warned_of_lasting,
        lambda tally: tally.precision,
        lambda tally: tally.alert_precision,
        lambda tally: tally.lost_ratio,
    ]
    return [group.measured(score).text for score in scores]


def printed(found: Sequence[Group]) -> str:
    """Tables for a terminal."""
    parts = []
    for group in found:
        title = f"{group.scenario}, plan error {'as in the scenario' if group.sigma is None else group.sigma}"
        seeds = f"{len(group.by_seed)} seeds"
        parts.append(f"{title}, {seeds}")
        parts.append(_aligned([SKILL_HEADINGS, *skill_table(group)]))
        parts.append(_aligned([WARNING_HEADINGS, warning_row(group)]) + "\n")
    return "\n".join(parts)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows
    )
