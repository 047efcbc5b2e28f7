"""How sure a score is: intervals by resampling whole seeds, for rows of one sale are anything but independent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import numpy as np

from evaluation.scores import Tally

RESAMPLES = 1000
LEVELS = (2.5, 97.5)


def interval(
    by_seed: Mapping[int, Sequence[Tally]], score: Callable[[Tally], float], resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % percentile interval of `score` (Efron 1979), seeds drawn with replacement; the same call, the same result.

    `by_seed`: the tallies of each seed's sales.  One seed gives an interval of no width, which says nothing.
    """
    return percentiles(resampled(by_seed, resamples), score)


def resampled(by_seed: Mapping[int, Sequence[Tally]], resamples: int = RESAMPLES) -> list[Tally]:
    """Totals of as many seeds as there are, drawn with replacement, `resamples` times."""
    sums = [Tally.total(by_seed[seed]) for seed in sorted(by_seed)]
    drawn = np.random.default_rng(0).integers(0, len(sums), (resamples, len(sums)))
    times = np.stack([(drawn == index).sum(axis=1) for index in range(len(sums))], axis=1).astype(np.float64)
    columns = [np.tensordot(times, np.stack([getattr(one, f.name) for one in sums]), axes=1) for f in fields(Tally)]
    return [Tally(*row) for row in zip(*columns, strict=True)]


def percentiles(totals: Sequence[Tally], score: Callable[[Tally], float]) -> tuple[float, float]:
    """The middle 95 % of `score`."""
    found = [score(total) for total in totals]
    low, high = np.nanpercentile(found, LEVELS) if not np.isnan(found).all() else (np.nan, np.nan)
    return float(low), float(high)
