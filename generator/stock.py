"""What is left: cutting orders to the stock, and shipping them in waves."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_DELAY_MINUTES = 100_000.0


def cut_to_stock(key: IntArray, wanted: IntArray, available: IntArray) -> IntArray:
    """Units granted to each order, (N,): first come, first served, never more than is there.

    `key` (N,) indexes `available` (K,); orders are in order of arrival.  An order that
    meets the last units gets what is left, one after it gets 0.
    """
    order = np.argsort(key, kind="stable")
    sorted_key, sorted_wanted = key[order], wanted[order]
    before = np.cumsum(sorted_wanted) - sorted_wanted
    starts = np.flatnonzero(np.r_[True, sorted_key[1:] != sorted_key[:-1]]) if len(key) else np.empty(0, np.intp)
    lengths = np.diff(np.append(starts, len(key)))
    before -= np.repeat(before[starts], lengths)
    granted = np.empty_like(wanted)
    granted[order] = np.clip(available[sorted_key] - before, 0, sorted_wanted)
    return granted


def fulfilment_delay(backlog: IntArray, capacity: IntArray, base_minutes: float) -> FloatArray:
    """Minutes from order to shipment per warehouse, (W,): max(base, backlog ÷ capacity).

    First in, first out with a service rate of `capacity` units per minute: below capacity
    an order takes `base_minutes`; beyond, the units before it must be shipped first.
    """
    return np.clip(backlog / capacity, base_minutes, MAX_DELAY_MINUTES)


def wave_of(tick: int, delay_minutes: FloatArray, wave_seconds: int, offset: IntArray) -> IntArray:
    """Number of the first wave after (tick + delay) of each warehouse, (W,); at least one tick later."""
    ready = tick + np.maximum(np.ceil(delay_minutes * 60), 1).astype(np.int64)
    waves: IntArray = -((-(ready + offset)) // wave_seconds)
    return waves


def departing_wave(tick: int, wave_seconds: int, offset: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Which warehouses send a wave in this tick, (W,), and its number, (W,)."""
    return (tick + offset) % wave_seconds == 0, (tick + offset) // wave_seconds
