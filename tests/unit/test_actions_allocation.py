"""Who gives to whom: the best of all whole-number allocations, and never what the giver needs itself."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from flashsale.decisions.allocation import allocate
from flashsale.decisions.own_need import spare_units
from tests.support.situations import posterior

Problem = tuple[list[tuple[int, int, float, int]], list[int], list[int]]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Arcs (donor, need, value, block), supplies, sizes: small enough to try everything; two blocks at most."""
    arcs: list[tuple[int, int, float, int]] = []
    supply: list[int] = []
    size: list[int] = []
    for block in range(draw(st.integers(1, 2))):
        donors = [len(supply) + i for i in range(draw(st.integers(1, 2)))]
        needs = [len(size) + i for i in range(draw(st.integers(1, 2)))]
        supply += [draw(st.integers(0, 3)) for _ in donors]
        size += [draw(st.integers(0, 3)) for _ in needs]
        for donor, need in itertools.product(donors, needs):
            if draw(st.booleans()):
                arcs.append((donor, need, float(draw(st.integers(-2, 9))), block))
    return arcs, supply, size


def solve(problem: Problem) -> list[int]:
    arcs, supply, size = problem
    donor, need, block = (np.array([arc[i] for arc in arcs], dtype=np.int64) for i in (0, 1, 3))
    value = np.array([arc[2] for arc in arcs], dtype=np.float64)
    units: list[int] = allocate(donor, need, value, np.array(supply), np.array(size), block).tolist()
    return units


def feasible(problem: Problem, units: tuple[int, ...]) -> bool:
    arcs, supply, size = problem
    given_by, given_to = [0] * len(supply), [0] * len(size)
    for (donor, need, _, _), count in zip(arcs, units, strict=True):
        given_by[donor] += count
        given_to[need] += count
    return all(g <= s for g, s in zip(given_by, supply, strict=True)) and all(
        g <= s for g, s in zip(given_to, size, strict=True)
    )


def best_total(problem: Problem) -> float:
    """Block by block, every whole allocation tried."""
    arcs, supply, size = problem
    total = 0.0
    for block in {arc[3] for arc in arcs}:
        mine = [arc for arc in arcs if arc[3] == block]
        choices = [range(min(supply[d], size[n]) + 1) for d, n, _, _ in mine]
        part: Problem = (mine, supply, size)
        total += max(
            sum(arc[2] * count for arc, count in zip(mine, units, strict=True))
            for units in itertools.product(*choices)
            if feasible(part, units)
        )
    return total


@settings(max_examples=250, deadline=None)
@given(problems())
def test_no_whole_allocation_is_worth_more(problem: Problem) -> None:
    units = solve(problem)
    assert feasible(problem, tuple(units))
    assert min(units, default=0) >= 0
    assert sum(arc[2] * count for arc, count in zip(problem[0], units, strict=True)) == pytest.approx(
        best_total(problem)
    )


def test_the_nearest_donor_yields_to_a_row_that_has_no_other() -> None:
    # Both needs prefer donor 0; only need 0 has another one.
    problem: Problem = ([(0, 0, 9.0, 0), (1, 0, 8.0, 0), (0, 1, 5.0, 0)], [4, 4], [4, 4])
    assert solve(problem) == [0, 4, 4]


def test_large_problems_are_whole_and_within_bounds() -> None:
    rng = np.random.default_rng(5)
    blocks, donors, needs = 100, 3, 4
    donor = np.repeat(np.arange(blocks * donors), needs)
    block = donor // donors
    need = np.tile(np.arange(needs), blocks * donors) + block * needs
    supply, size = rng.integers(0, 60, blocks * donors), rng.integers(0, 60, blocks * needs)
    units = allocate(donor, need, rng.normal(3, 3, len(donor)), supply, size, block)
    assert (np.bincount(donor, weights=units, minlength=len(supply)) <= supply).all()
    assert (np.bincount(need, weights=units, minlength=len(size)) <= size).all()
    assert units.sum() > 1_000


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 400),
    st.floats(0.01, 5),
    st.floats(0.5, 200),
    st.floats(0.1, 1),
    st.floats(0.005, 0.5),
)
def test_a_donor_keeps_what_it_needs_and_not_a_unit_more(
    available: int, rate: float, shape: float, share_max: float, risk: float
) -> None:
    minutes = 60.0
    spare = int(
        spare_units(posterior([rate], shape), np.array([available]), np.array([minutes]), minutes, share_max, risk)[0]
    )

    def sold_out(left: int) -> float:
        """P(count ≥ left) of a negative binomial: an independent library's."""
        mean = rate * minutes
        return float(nbinom.sf(left - 1, shape, shape / (shape + mean))) if left > 0 else 1.0

    most = int(available * share_max + 1e-9)
    assert 0 <= spare <= most
    if spare > 0:
        assert sold_out(available - spare) <= risk + 1e-9
    if spare < most:
        assert sold_out(available - spare - 1) > risk - 1e-9


def test_donors_are_independent_of_each_other() -> None:
    rates, stock = [0.1, 1.0, 3.0, 9.0, 2.0], [50, 200, 150, 900, 0]
    together = spare_units(posterior(rates), np.array(stock), np.full(5, 30.0), 30.0, 0.5, 0.05)
    alone = [
        int(spare_units(posterior([r]), np.array([s]), np.array([30.0]), 30.0, 0.5, 0.05)[0])
        for r, s in zip(rates, stock, strict=True)
    ]
    assert together.tolist() == alone
    assert defaultdict(int, enumerate(alone))[4] == 0
