"""Who gives how much to whom: a transportation problem, solved exactly.

Units go from donors to needs along arcs; an arc's value is per unit.  Maximise the total value so that no
donor gives more than its supply and no need gets more than its size (Hitchcock 1941).  Supplies and sizes
are whole, so an optimal corner is whole as well (the constraint matrix is totally unimodular).

Most needs have a best donor that can serve all who prefer it: where that holds for a whole block (a product)
it is the optimum, as nothing in the block could be better off.  A block with a single donor is
a fractional knapsack: best values first.  Only the other blocks need the solver.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from flashsale.decisions.situation import BoolArray, IntArray
from flashsale.demand.posterior import FloatArray
from flashsale.errors import FlashsaleError

Units = npt.NDArray[np.int64]


def allocate(
    donor: IntArray, need: IntArray, value: FloatArray, supply: IntArray, size: IntArray, block: IntArray
) -> Units:
    """Units on each of A arcs; `donor`, `need`, `value`, `block` are (A,).

    `supply` of the donors (D,), `size` of the needs (C,), whole units.  A donor and a need belong to one block.
    Arcs of value ≤ 0 carry nothing.
    """
    units = np.zeros(len(donor), dtype=np.int64)
    useful = value > 0
    best = _best_arcs(need, value) & useful
    wish = np.where(best, size[need], 0)
    asked = np.bincount(donor, weights=wish, minlength=len(supply))
    contested = np.isin(block, block[(asked > supply)[donor]])
    units[~contested] = wish[~contested]
    arcs = np.flatnonzero(contested & useful)
    alone = _single_donor(donor[arcs], block[arcs])
    single, shared = arcs[alone], arcs[~alone]
    units[single] = _knapsack(donor[single], value[single], size[need[single]], supply)
    units[shared] = _transport(donor[shared], need[shared], value[shared], supply, size)
    return units


def _best_arcs(need: IntArray, value: FloatArray) -> BoolArray:
    """One arc of each need: the most valuable, the first of equal ones."""
    order = np.lexsort((-value, need))
    best = np.zeros(len(need), dtype=np.bool_)
    best[order[np.diff(need[order], prepend=-1) != 0]] = True
    return best


def _single_donor(donor: IntArray, block: IntArray) -> BoolArray:
    codes, code = np.unique(block, return_inverse=True)
    least, most = np.full(len(codes), np.iinfo(np.int64).max), np.full(len(codes), -1)
    np.minimum.at(least, code, donor)
    np.maximum.at(most, code, donor)
    alone: BoolArray = (least == most)[code]
    return alone


def _knapsack(donor: IntArray, value: FloatArray, size: IntArray, supply: IntArray) -> Units:
    """Each arc leads to a need of its own: the most valuable first, until the donor has no more."""
    order = np.lexsort((-value, donor))
    wished = np.cumsum(size[order])
    first = np.searchsorted(donor[order], donor[order])
    before = wished - size[order] - (wished - size[order])[first]
    units = np.zeros(len(donor), dtype=np.int64)
    units[order] = np.clip(supply[donor[order]] - before, 0, size[order])
    return units


def _transport(donor: IntArray, need: IntArray, value: FloatArray, supply: IntArray, size: IntArray) -> Units:
    if not len(donor):
        return np.zeros(0, dtype=np.int64)
    donors, row = np.unique(donor, return_inverse=True)
    needs, column = np.unique(need, return_inverse=True)
    arcs, ones = np.arange(len(donor)), np.ones(len(donor))
    given = csr_array((ones, (row, arcs)), shape=(len(donors), len(donor)))
    taken = csr_array((ones, (column, arcs)), shape=(len(needs), len(donor)))
    limits = np.concatenate([supply[donors], size[needs]])
    # The simplex method ends in a corner, so in whole units.
    solved = linprog(-value, A_ub=vstack([given, taken]), b_ub=limits, method="highs-ds")
    if not solved.success:
        raise FlashsaleError(f"allocation of {len(donor)} transfers: {solved.message}")
    units: Units = np.rint(solved.x).astype(np.int64)
    return units
