"""The reference's demand against sums over whole counts, which are exact where every order is of one unit."""

import pytest
from scipy.stats import nbinom

from tests.support.scaled_demand import Demand, Shipment, at_least_with, expected_short

SHAPE, EXPOSURE = 6.3, 4.2
DEMAND = Demand(SHAPE, EXPOSURE, 1.0, SHAPE, EXPOSURE, 1.0)
MANY = 400
"""More counts than can matter."""


def flat(minutes: float) -> float:
    """Planned minutes where the plan is 1."""
    return minutes


def counts(minutes: float, seen: float = 0.0, after: float = 0.0) -> list[float]:
    """P(N = n) for n = 0 … over `minutes`, when `seen` were wanted in the `after` minutes before."""
    found: list[float] = nbinom.pmf(
        range(MANY), SHAPE + seen, (EXPOSURE + after) / (EXPOSURE + after + minutes)
    ).tolist()
    return found


@pytest.mark.parametrize("units", [1, 2, 7, 30])
def test_without_a_shipment_chance_and_shortage_are_sums_of_the_negative_binomial(units: int) -> None:
    chances = counts(15)
    assert at_least_with(DEMAND, units, flat, 15, None) == pytest.approx(sum(chances[units:]), abs=1e-10)
    short = sum((n - units) * chance for n, chance in enumerate(chances) if n > units)
    assert expected_short(DEMAND, units, flat, 15, None) == pytest.approx(short, abs=1e-8)


def test_orders_of_geometric_size_are_counted_one_by_one_below_their_scale() -> None:
    demand = Demand(SHAPE, EXPOSURE, 5.0, SHAPE, EXPOSURE, 3.0)
    chances = counts(2)
    at_most_three = chances[0] + chances[1] * (1 - (2 / 3) ** 3) + chances[2] * (3 / 9 - 2 / 27) + chances[3] / 27
    assert demand.at_least(4, 2, 0) == pytest.approx(1 - at_most_three, abs=1e-10)


@pytest.mark.parametrize(("units", "within"), [(1, 1e-9), (5, 1e-9), (12, 1e-9), (40, 0.005)])
def test_with_a_shipment_every_path_that_lasts_is_counted(units: int, within: float) -> None:
    """Exact up to twelve units, with a cell for each count; wider cells tell the rest within half a per cent."""
    one = Shipment(6, 9)
    exact = 1 - sum(
        chance * sum(counts(9, seen=n, after=6)[: units - n + 9]) for n, chance in enumerate(counts(6)[:units])
    )
    assert at_least_with(DEMAND, units, flat, 15, one) == pytest.approx(exact, abs=within)


@pytest.mark.parametrize("units", [0, 1, 5, 12])
def test_units_short_with_a_shipment_are_those_before_it_and_those_after_it(units: int) -> None:
    """Who ran out before it came is taken for one who wanted what such customers want on average."""
    exact = 0.0
    for n, chance in enumerate(counts(6)):
        left = 9 + max(units - n, 0)
        exact += chance * max(n - units, 0)
        exact += chance * sum((k - left) * c for k, c in enumerate(counts(9, seen=n, after=6)) if k > left)
    assert expected_short(DEMAND, units, flat, 15, Shipment(6, 9)) == pytest.approx(exact, rel=0.03)


def test_a_plan_that_may_be_off_keeps_the_mean_and_widens_the_rest() -> None:
    unsure = Demand(SHAPE, EXPOSURE, 1.0, SHAPE, EXPOSURE, 1.0, drift_limit=0.4, drift_half=10.0)
    wide = unsure.widened(15)
    assert wide.rate() == pytest.approx(unsure.rate())
    assert 1 / wide.shape == pytest.approx(1 / SHAPE + 0.4 * 15 / 25)
