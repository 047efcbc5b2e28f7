"""Stock is never oversold, and orders leave in the order they came."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.stock import KeyGroups, cut_to_stock, departing_wave, fulfilment_delay, wave_of, within_capacity

ORDERS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=60)
STOCK = st.lists(st.integers(-5, 40), min_size=5, max_size=5)


def columns(orders: list[tuple[int, int]]) -> tuple[KeyGroups, np.ndarray, np.ndarray]:
    key = np.array([k for k, _ in orders], dtype=np.int64)
    return KeyGroups.of(key), key, np.array([q for _, q in orders], dtype=np.int64)


@given(ORDERS, STOCK)
def test_orders_are_cut_first_come_first_served(orders: list[tuple[int, int]], stock: list[int]) -> None:
    groups, _, wanted = columns(orders)
    granted = cut_to_stock(groups, wanted, np.array(stock, dtype=np.int64)[groups.key])
    left = [max(units, 0) for units in stock]
    for (k, quantity), units in zip(orders, granted.tolist(), strict=True):
        assert units == min(quantity, left[k])
        left[k] -= units


@given(ORDERS)
def test_groups_keep_the_order_of_time(orders: list[tuple[int, int]]) -> None:
    groups, key, quantity = columns(orders)
    rows = {k: [i for i, (other, _) in enumerate(orders) if other == k] for k in sorted(set(key.tolist()))}
    assert groups.key.tolist() == list(rows)
    assert groups.order.tolist() == [row for own in rows.values() for row in own]
    assert groups.counts.tolist() == [len(own) for own in rows.values()]
    assert groups.sums(quantity).tolist() == [sum(orders[i][1] for i in own) for own in rows.values()]
    assert groups.last(quantity, groups.counts).tolist() == [orders[own[-1]][1] for own in rows.values()]
    first = np.ones(len(rows), dtype=np.int64)
    assert groups.last(quantity, first).tolist() == [orders[own[0]][1] for own in rows.values()]


def test_groups_hold_the_largest_keys_and_many_rows() -> None:
    key = np.tile(np.array([2**31 - 1, 0, 999_999]), 1_000)
    groups = KeyGroups.of(key)
    assert groups.key.tolist() == [0, 999_999, 2**31 - 1]
    assert groups.order[:3].tolist() == [1, 4, 7]


def test_several_orders_of_one_tick_share_the_last_units() -> None:
    groups = KeyGroups.of(np.array([1, 0, 1, 1]))
    assert cut_to_stock(groups, np.array([2, 1, 2, 2]), np.array([5, 3])).tolist() == [2, 1, 1, 0]


def test_delay_is_the_base_below_capacity_and_the_backlog_beyond() -> None:
    delay = fulfilment_delay(np.array([0, 60, 300]), np.array([10, 10, 10]), 6.0)
    assert delay.tolist() == [6.0, 6.0, 30.0]


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40), st.integers(0, 6_000))
def test_a_wave_beyond_capacity_sends_the_same_share_of_every_product(units: list[int], limit: int) -> None:
    leaving = np.array(units, dtype=np.int64)
    sent = within_capacity(leaving, limit)
    assert sent.sum() == min(limit, leaving.sum())
    assert ((sent >= 0) & (sent <= leaving)).all()
    share = min(limit / max(leaving.sum(), 1), 1.0)
    assert (np.abs(sent - leaving * share) <= 1 + 1e-9).all()


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
