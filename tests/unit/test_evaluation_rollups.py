"""Rules of a minute's rollup, by hand; the whole against Spark's: tests/integration/test_evaluation_rollups.py."""

import numpy as np

from evaluation.minute_rollups import MinuteRollup, MinuteRollups
from generator.facts import InventoryColumns, OrderColumns
from generator.shard_state import NO_UNITS, Moments, TickFacts, Truth

START_MS = 1_700_000_040_000
SHAPE = (2, 2)


def _facts(
    tick: int, orders: list[tuple[int, int, int, int]] = (), events: list[tuple[int, int, int, int, int]] = ()
) -> list[TickFacts]:
    """Orders (ms of the sale, product, warehouse, quantity), events (ms, product, warehouse, on hand, reserved)."""
    nothing = Moments(np.empty(0, np.int64), np.empty(0, np.int64))
    sold, told = np.array(orders, np.int64).reshape(-1, 4).T, np.array(events, np.int64).reshape(-1, 5).T
    one = np.ones_like(sold[0])
    return [
        TickFacts(
            tick,
            OrderColumns(one, sold[1], one, sold[2], one, sold[3], 10 * sold[3], START_MS + sold[0]),
            InventoryColumns(
                np.arange(len(told[0])), told[1], told[2], told[3], told[4], np.ones(len(told[0])), START_MS + told[0]
            ),
            [],
            Truth(NO_UNITS, NO_UNITS, NO_UNITS, NO_UNITS, NO_UNITS, nothing, nothing),
        )
    ]


def _minutes(*ticks: list[TickFacts], minutes: int = 2) -> list[MinuteRollup]:
    rollups = MinuteRollups(START_MS, SHAPE)
    return [found for facts in ticks for found in rollups.add(facts)] + list(rollups.finish(minutes))


def test_sums_of_a_minute_and_nothing_in_the_next() -> None:
    first, second = _minutes(_facts(1, orders=[(1000, 1, 2, 3), (1500, 1, 2, 1), (59_999, 2, 1, 2)]))
    assert first.orders.tolist() == [[0, 2], [1, 0]]
    assert first.units.tolist() == [[0, 4], [2, 0]]
    assert first.squares.tolist() == [[0, 10], [4, 0]]
    assert first.value.tolist() == [[0, 40], [20, 0]]
    assert not second.orders.any()


def test_stock_is_unknown_until_told_and_carried_on_until_told_otherwise() -> None:
    first, second = _minutes(_facts(10, events=[(10_000, 1, 1, 5, 2)]))
    assert first.available.tolist() == second.available.tolist() == [[3, -1], [-1, -1]]
    assert first.in_stock_ms.tolist() == [[50_000, -1], [-1, -1]]
    assert second.in_stock_ms.tolist() == [[60_000, -1], [-1, -1]]


def test_time_in_stock_is_that_between_the_events() -> None:
    before = _facts(0, events=[(0, 1, 1, 4, 0)])
    emptied = _facts(70, events=[(70_000, 1, 1, 4, 4)])
    # Of two events of one moment the one with the greater id counts last; less than nothing is nothing.
    filled = _facts(100, events=[(100_000, 1, 1, 4, 6), (100_000, 1, 1, 9, 4)])
    first, second = _minutes(before, emptied, filled)
    assert first.in_stock_ms[0, 0] == 60_000
    assert second.in_stock_ms[0, 0] == 10_000 + 20_000
    assert second.available[0, 0] == 5


def test_a_fact_counts_in_its_own_minute_until_two_minutes_after_it() -> None:
    in_time, late = _facts(178, orders=[(30_000, 1, 1, 2)]), _facts(179, orders=[(30_000, 1, 1, 4)])
    early = _facts(179, orders=[(179_000, 1, 1, 1)])
    assert [m.units[0, 0] for m in _minutes(in_time, early, minutes=3)] == [2, 0, 1]
    # The writer's last millisecond of second 179 is still within; a second later it is not.
    assert [m.units[0, 0] for m in _minutes(late, minutes=1)] == [4]
    assert [m.units[0, 0] for m in _minutes(_facts(180, orders=[(30_000, 1, 1, 4)]), minutes=1)] == [0]


def test_machines_are_told_apart() -> None:
    ticks = [_facts(tick, orders=[(tick * 1000 + 100, 1, 1, 5)]) for tick in range(1, 59)]
    (first,) = _minutes(*ticks, minutes=1)
    assert first.bot_orders[0, 0] == first.orders[0, 0] == 58
    assert (first.bot_units[0, 0], first.bot_squares[0, 0], first.bot_value[0, 0]) == (290, 1450, 2900)
