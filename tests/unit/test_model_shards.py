"""Shards draw apart: without couplings their counts do not move together, with one they do.

Seeds are fixed; the test that a right model passes has a false-alarm rate of `ALPHA` (0.001).
"""

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.laws import ALPHA, uncorrelated
from tests.support.sale_texts import FLAT_AND_FULL, with_values
from tests.support.samplers import SHARDS, Wrong
from tests.support.simulated import simulate, worlds_of


def counts(text: str, ticks: int) -> npt.NDArray[np.float64]:
    """Orders per tick of each of the two shards, (ticks, 2), without the first tick, in which nobody orders."""
    return np.asarray(simulate(worlds_of(text), ticks).counts()[1:].sum(axis=2), dtype=np.float64)


def test_shards_without_couplings_are_uncorrelated() -> None:
    """Pearson's r at once, a tick before and a tick after; false-alarm rate 0.001 for all three."""
    for key in ("scarcity_boost", "impatience_per_hour", "branching"):
        assert f"{key} = 0.0" in FLAT_AND_FULL
    one, other = counts(FLAT_AND_FULL, 600).T
    assert uncorrelated(one, other) > ALPHA


@pytest.mark.parametrize("wrong", SHARDS, ids=str)
def test_the_correlation_test_rejects(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong.put_in(monkeypatch)
    one, other = counts(FLAT_AND_FULL, 300).T
    assert uncorrelated(one, other) < ALPHA


def test_excitement_in_one_shard_is_felt_in_the_other_a_tick_later() -> None:
    one, other = counts(with_values(FLAT_AND_FULL, branching=0.8, memory_seconds=2.0), 400).T
    assert uncorrelated(one, other, lags=[-1]) < ALPHA
    assert uncorrelated(one, other, lags=[1]) < ALPHA


def test_a_warehouse_that_one_shard_congests_turns_away_customers_of_the_other() -> None:
    """The delay that both shards report, and that drives their customers away, is that of the whole backlog."""
    text = with_values(FLAT_AND_FULL, impatience_per_hour=10.0, capacity_units_per_minute=1_000, base_delay_minutes=0.5)
    congested = simulate(worlds_of(text), 300)
    patient = simulate(worlds_of(with_values(text, impatience_per_hour=0.0)), 300)
    whole = congested.totals[-1].backlog / 1_000
    for shard, facts in enumerate(congested.history[-1]):
        own = congested.states[shard].reserved.sum(axis=0) / 1_000
        delay = facts.inventory.delay
        assert np.array_equal(delay, whole[facts.inventory.warehouse_id - 1])
        assert (delay > 1.1 * own[facts.inventory.warehouse_id - 1]).all()
        fewer, usual = (run.counts()[200:, shard].sum() for run in (congested, patient))
        assert fewer < 0.8 * usual
