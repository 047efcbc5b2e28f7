"""Surges: hardly ever without a cause, in two minutes with one."""

import numpy as np
import pytest
from scipy import stats

from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import SalePlan
from flashsale.demand.state import DemandState, MinuteDemand, Places
from flashsale.outlook import Observed, look_ahead, surging
from tests.support.forecast_demand import FloatArray, sell_minute
from tests.support.forecast_shop import FREE, START, observed

COUNT, SEEN = 25_000, 12
PLACES = Places(np.arange(COUNT), np.zeros(COUNT, dtype=np.int64), np.zeros(COUNT, dtype=np.int64))


def minute(rng: np.random.Generator, rate: FloatArray, phi: float) -> MinuteDemand:
    sold = sell_minute(rng, rate, np.full(len(rate), phi), np.full(len(rate), 10**6))
    return observed(sold).demand(np.ones(len(rate)))


def watched(seed: int, mean: float, phi: float, times: float) -> tuple[FloatArray, np.ndarray]:
    """Rates about `mean`, and who surges when the last two of the minutes bring `times` as much."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(FREE.pair_strength, mean / FREE.pair_strength, COUNT)
    state = DemandState.nothing(COUNT)
    for _ in range(SEEN):
        state = state.after(minute(rng, rate, phi), FREE.forgetting)
    first, second = minute(rng, rate * times, phi), minute(rng, rate * times, phi)
    return rate, surging(state.after(first, FREE.forgetting).a_minute_ago(), (first, second), PLACES, FREE)


@pytest.mark.parametrize("phi", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("mean", [0.5, 3.0, 12.0])
def test_no_more_than_one_in_a_thousand_is_a_false_alarm(phi: float, mean: float) -> None:
    """Counted against the binomial: more than this happens to a right rule once in a thousand seeds."""
    _, surge = watched(41, mean, phi, 1.0)
    assert surge.sum() <= stats.binom.isf(0.001, COUNT, 0.001)


@pytest.mark.parametrize(("phi", "mean", "seen"), [(1.0, 3.0, 0.98), (2.0, 3.0, 0.93), (3.5, 12.0, 0.98)])
def test_five_times_the_demand_is_seen_in_two_minutes(phi: float, mean: float, seen: float) -> None:
    rate, surge = watched(42, mean, phi, 5.0)
    assert surge[rate >= mean].mean() > seen


def test_less_than_expected_is_no_surge() -> None:
    _, surge = watched(43, 12.0, 1.0, 0.1)
    assert not surge.any()


def test_what_never_sold_cannot_surge() -> None:
    nothing = DemandState.nothing(2).after(MinuteDemand(*(np.array([each, 0.0]) for each in (9, 9, 9, 1))), 1.0)
    before = nothing.after(MinuteDemand(*(np.array([9.0, 0.0]) for _ in range(4))), 1.0).a_minute_ago()
    burst = MinuteDemand(np.array([9.0, 500.0]), np.array([9.0, 500.0]), np.array([9.0, 500.0]), np.ones(2))
    places = Places(np.arange(2), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64))
    assert surging(before, (burst, burst), places, FREE).tolist() == [False, False]


def test_units_left_out_by_the_caller_cause_no_surge() -> None:
    """Machines buy 400 units in a minute: `Observed` without them is what people did."""
    plan = SalePlan([], START, 60, [0], ["c"])
    place = Places(*(np.zeros(1, dtype=np.int64) for _ in range(3)))
    people = Observed(*(np.array([each]) for each in (5, 5, 5, 60_000)))
    all_of_it = Observed(*(np.array([each]) for each in (405, 405, 405, 60_000)))
    state = DemandState.nothing(1)
    for _ in range(8):
        state = state.after(people.demand(np.ones(1)), FREE.forgetting)

    def surges(first: Observed, last: Observed) -> bool:
        before = state.after(first.demand(np.ones(1)), FREE.forgetting)
        outlook = look_ahead(before, (first, last), np.array([900]), place, plan, 9, Arrivals.none(), FREE)
        return bool(outlook.surge[0])

    assert not surges(people, people)
    assert surges(people, all_of_it)
    assert surges(all_of_it, people)
