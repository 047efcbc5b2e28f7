"""Stock is never oversold, and orders leave in the order they came."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.stock import cut_to_stock, departing_wave, fulfilment_delay, wave_of

ORDERS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=60)


@given(ORDERS, st.lists(st.integers(0, 40), min_size=5, max_size=5))
def test_orders_are_cut_first_come_first_served(orders: list[tuple[int, int]], stock: list[int]) -> None:
    key = np.array([k for k, _ in orders], dtype=np.int64)
    wanted = np.array([q for _, q in orders], dtype=np.int64)
    granted = cut_to_stock(key, wanted, np.array(stock, dtype=np.int64))
    left = list(stock)
    for (k, quantity), units in zip(orders, granted.tolist(), strict=True):
        assert units == min(quantity, left[k])
        left[k] -= units


def test_several_orders_of_one_tick_share_the_last_units() -> None:
    granted = cut_to_stock(np.array([1, 0, 1, 1]), np.array([2, 1, 2, 2]), np.array([5, 3]))
    assert granted.tolist() == [2, 1, 1, 0]


def test_delay_is_the_base_below_capacity_and_the_backlog_beyond() -> None:
    delay = fulfilment_delay(np.array([0, 60, 300]), np.array([10, 10, 10]), 6.0)
    assert delay.tolist() == [6.0, 6.0, 30.0]


@given(st.integers(0, 20_000), st.floats(0, 500), st.integers(1, 900), st.integers(0, 2_000))
def test_a_wave_leaves_after_the_delay_and_at_most_one_interval_later(
    tick: int, delay: float, seconds: int, offset: int
) -> None:
    wave = wave_of(tick, np.array([delay]), seconds, np.array([offset]))
    leaves = int(wave[0]) * seconds - offset
    assert tick < leaves
    assert delay * 60 <= leaves - tick < max(np.ceil(delay * 60), 1) + seconds
    due, number = departing_wave(leaves, seconds, np.array([offset]))
    assert (bool(due[0]), int(number[0])) == (True, int(wave[0]))
