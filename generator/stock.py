"""What is left: cutting orders to the stock, and how long the rest waits.

N orders, P products, W warehouses; a key is product index × W + warehouse index.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_DELAY_MINUTES = 100_000.0


@dataclass(frozen=True, slots=True)
class KeyGroups:
    """N rows grouped by key: `order` (N,) sorts them by key and keeps their order within one;
    `starts` (U,) is where each group begins in that order, `counts` (U,) its rows, `key` (U,)
    its key, ascending."""

    order: IntArray
    starts: IntArray
    counts: IntArray
    key: IntArray

    @classmethod
    def of(cls, key: IntArray) -> "KeyGroups":
        """Groups of `key` (N,); keys are not negative and below 2^31, N below 2^31."""
        count = len(key)
        # Key and row in one number: sorting plain numbers is several times faster than a stable argsort.
        sorted_rows = np.sort((key << 32) | np.arange(count, dtype=np.int64))
        order, sorted_key = sorted_rows & 0xFFFFFFFF, sorted_rows >> 32
        first = np.empty(count, dtype=np.bool_)
        first[:1] = True
        np.not_equal(sorted_key[1:], sorted_key[:-1], out=first[1:])
        starts = np.flatnonzero(first)
        counts = np.empty_like(starts)
        np.subtract(starts[1:], starts[:-1], out=counts[:-1])
        counts[-1:] = count - starts[-1:]
        return cls(order, starts, counts, sorted_key[starts])

    def sums(self, values: IntArray) -> IntArray:
        """Sum of `values` (N,) in each group, (U,)."""
        sums: IntArray = np.add.reduceat(values[self.order], self.starts) if len(self.starts) else values[:0]
        return sums

    def last(self, values: IntArray, counts: IntArray) -> IntArray:
        """Value of the last of each group's first `counts` (U,) rows, at least one, (U,)."""
        last: IntArray = values[self.order[self.starts + np.maximum(counts, 1) - 1]]
        return last


def cut_to_stock(groups: KeyGroups, wanted: IntArray, available: IntArray) -> IntArray:
    """Units granted to each order, (N,): first come, first served, never more than is there.

    `groups` are those of the orders' keys, `wanted` (N,) is in order of arrival, and
    `available` (U,) what each group's key has left (below 0 counts as 0).  An order that
    meets the last units gets what is left, one after it gets 0.
    """
    if not (groups.sums(wanted) > available).any():
        return wanted
    in_order = wanted[groups.order]
    before = np.cumsum(in_order) - in_order
    left = np.repeat(available + before[groups.starts], groups.counts) - before
    granted = np.empty_like(wanted)
    granted[groups.order] = np.minimum(np.maximum(left, 0), in_order)
    return granted


def fulfilment_delay(backlog: IntArray, capacity: IntArray, base_minutes: float) -> FloatArray:
    """Minutes from order to shipment per warehouse, (W,): max(base, backlog ÷ capacity).

    First in, first out with a service rate of `capacity` units per minute (Little 1961):
    below capacity an order takes `base_minutes`; beyond, the units before it go first.
    """
    return np.minimum(np.maximum(backlog / capacity, base_minutes), MAX_DELAY_MINUTES)


def within_capacity(leaving: IntArray, limit: int) -> IntArray:
    """Units of a wave (P,) that fit into `limit`: the same share of every product, to within one unit."""
    total = int(leaving.sum())
    if total <= limit:
        return leaving
    # Cumulated and rounded, so that the parts add up to the limit exactly.
    passed = np.cumsum(leaving) * limit // total
    fitting: IntArray = np.diff(passed, prepend=0)
    return fitting


def wave_of(tick: int, delay_minutes: FloatArray, wave_seconds: int, offset: IntArray) -> IntArray:
    """Number of the first wave after (tick + delay) of each warehouse, (W,); at least one tick later."""
    ready = tick + np.maximum(np.ceil(delay_minutes * 60), 1).astype(np.int64)
    waves: IntArray = -((-(ready + offset)) // wave_seconds)
    return waves


def departing_wave(tick: int, wave_seconds: int, offset: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Which warehouses send a wave in this tick, (W,), and its number, (W,)."""
    return (tick + offset) % wave_seconds == 0, (tick + offset) // wave_seconds
