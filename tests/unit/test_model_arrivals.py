"""Orders come as the stated point process: Poisson where nothing else is said, at the true rate of each city.

Seeds are fixed.  Each test that a right model passes has a false-alarm rate of `ALPHA` (0.001) over all seeds.
"""

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.laws import ALPHA, poisson_dispersion, rescaled_times
from tests.support.sale_texts import EXCITED, FLAT_AND_FULL, FULL_SHELVES, with_values
from tests.support.samplers import COUPLED_RATE, DISPERSION, RATE, Wrong
from tests.support.simulated import START_MS, Run, simulate, worlds_of
from tests.support.true_rates import true_rates

FloatArray = npt.NDArray[np.float64]

TICKS = 600


def times_of(run: Run, city: int) -> FloatArray:
    """Seconds from the start of the sale; within its millisecond each order is as likely anywhere."""
    orders = run.orders()
    ts = orders.ts[orders.city_id == city + 1] - START_MS
    return np.asarray((ts + np.random.default_rng(city).random(len(ts))) / 1000)


def p_of_rate(run: Run, text: str) -> list[float]:
    """p-value of the time-rescaling test of each city."""
    rates = true_rates(run, worlds_of(text)[0])
    return [rescaled_times(times_of(run, city), rates[:, city]) for city in range(rates.shape[1])]


@pytest.fixture(scope="module")
def flat() -> Run:
    return simulate(worlds_of(FLAT_AND_FULL), TICKS)


def test_arrivals_per_second_are_poisson_in_every_city_and_in_all(flat: Run) -> None:
    """Index of dispersion of the 12 cities, and of the whole; false-alarm rate 2 × 0.001."""
    by_city = flat.counts()[1:].sum(axis=1)
    assert poisson_dispersion(by_city) > ALPHA
    assert poisson_dispersion(by_city.sum(axis=1, keepdims=True)) > ALPHA


@pytest.mark.parametrize("wrong", DISPERSION, ids=str)
def test_the_index_of_dispersion_rejects(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong.put_in(monkeypatch)
    by_city = simulate(worlds_of(FLAT_AND_FULL), 300).counts()[1:].sum(axis=1)
    assert poisson_dispersion(by_city) < ALPHA
    assert poisson_dispersion(by_city.sum(axis=1, keepdims=True)) < ALPHA


@pytest.mark.parametrize("text", [FULL_SHELVES, EXCITED], ids=["plan and chance", "excited and congested"])
def test_on_the_clock_of_the_true_rate_intervals_are_exponential(text: str) -> None:
    """Time-rescaling, three cities; false-alarm rate 0.001 for all of them."""
    p_values = p_of_rate(simulate(worlds_of(text), TICKS), text)
    assert min(p_values) * len(p_values) > ALPHA


def test_with_a_flat_plan_too(flat: Run) -> None:
    """Time-rescaling, twelve cities; false-alarm rate 0.001 for all of them."""
    p_values = p_of_rate(flat, FLAT_AND_FULL)
    assert min(p_values) * len(p_values) > ALPHA


@pytest.mark.parametrize("wrong", [*RATE, *COUPLED_RATE], ids=str)
def test_time_rescaling_rejects(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the largest city alone."""
    text = EXCITED if wrong in COUPLED_RATE else FULL_SHELVES
    wrong.put_in(monkeypatch)
    run = simulate(worlds_of(text), 300)
    monkeypatch.undo()
    assert p_of_rate(run, text)[0] < ALPHA


def test_excitation_keeps_the_mean_and_raises_the_dispersion() -> None:
    """Long-run variance of the counts is 1 ÷ (1 − n)² of the mean (Hawkes 1971): the mean stays
    within its normal bounds (false-alarm rate 0.001), the dispersion of minutes is told from Poisson's."""
    branching = 0.6
    text = with_values(FLAT_AND_FULL, branching=branching, memory_seconds=5.0)
    counts = simulate(worlds_of(text), TICKS).counts()[1:].sum(axis=(1, 2))
    expected = 200.0 * len(counts)
    assert abs(counts.sum() - expected) < 3.29 * np.sqrt(expected) / (1 - branching)
    windows = counts[: 30 * (len(counts) // 30)].reshape(-1, 30).sum(axis=1)
    assert poisson_dispersion(windows[:, None]) < ALPHA
    assert windows.var() / windows.mean() == pytest.approx(1 / (1 - branching) ** 2, rel=0.75)
