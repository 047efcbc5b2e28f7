"""Rollups: what is carried from minute to minute, and columns that survive being stored."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from flashsale.calibration import Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import SalePlan
from flashsale.demand.state import Places
from flashsale.minutes import MINUTE, epoch_ms
from flashsale.outlook import Observed, look_ahead
from spark_jobs.bot_orders import no_bots
from spark_jobs.carried_state import EMPTY, LOST, MIX_SCHEMA, STATE_SCHEMA, STATED, CarriedState, next_state
from spark_jobs.pair_columns import NULL, PairColumns, decode, encode, pair_key, union_of_pairs
from spark_jobs.rollups import BOT_SUMS, PW_COLUMNS, MinuteRollup, available, build_rollups, pw_columns

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)

ORDERS_SCHEMA = pa.schema(
    [
        ("minute", pa.int64()),
        *((name, pa.int64()) for name in ("product_id", "warehouse_id", "city_id")),
        *((name, pa.int64()) for name in ("orders", "units", "units_squared", "value")),
    ]
)
INVENTORY_SCHEMA = pa.schema(
    [
        ("minute", pa.int64()),
        *((name, pa.int64()) for name in ("product_id", "warehouse_id", "on_hand", "reserved")),
        ("inventory_ts", pa.int64()),
        *(
            (name, pa.int64())
            for name in (
                "inventory_event_id",
                "first_ms",
                "first_available",
                "in_stock_ms",
                "delay_ms_sum",
                "delay_count",
            )
        ),
    ]
)


def event(minute: int, units: int, first_ms: int, in_stock_ms: int) -> dict[str, object]:
    """The one event of pair (1, 1) in `minute`."""
    start = NINE + minute * MINUTE
    return {
        "minute": epoch_ms(start),
        "product_id": 1,
        "warehouse_id": 1,
        "on_hand": units + 2,
        "reserved": 2,
        "inventory_ts": epoch_ms(start) + first_ms,
        "inventory_event_id": minute,
        "first_ms": first_ms,
        "first_available": units,
        "in_stock_ms": in_stock_ms,
        "delay_ms_sum": 60_000,
        "delay_count": 1,
    }


def sold(minute: int, units: int, city: int = 1) -> dict[str, object]:
    start = NINE + minute * MINUTE
    keys = {"minute": epoch_ms(start), "product_id": 1, "warehouse_id": 1, "city_id": city}
    return {**keys, "orders": 1, "units": units, "units_squared": units * units, "value": 100 * units}


def bought(minute: int, units: int) -> dict[str, object]:
    """By machines, one unit with each order of pair (1, 1)."""
    keys = {"minute": epoch_ms(NINE + minute * MINUTE), "product_id": 1, "warehouse_id": 1}
    return {**keys, "bot_orders": units, "bot_units": units, "bot_units_squared": units, "bot_value": 100 * units}


def rollups(
    minutes: int,
    orders: list[dict[str, object]],
    inventory: list[dict[str, object]],
    bots: list[dict[str, object]] | None = None,
) -> list[MinuteRollup]:
    return build_rollups(
        [NINE + m * MINUTE for m in range(minutes)],
        PairColumns.empty(PW_COLUMNS),
        pa.Table.from_pylist(orders, schema=ORDERS_SCHEMA),
        pa.Table.from_pylist(inventory, schema=INVENTORY_SCHEMA),
        pa.Table.from_pylist(bots or [], schema=no_bots().schema),
    )


def test_stock_is_carried_until_the_next_event_and_sales_are_not() -> None:
    built = rollups(3, [sold(0, 4)], [event(0, 10, 0, 60_000), event(2, 6, 30_000, 30_000)])
    assert [r.pw["units"].tolist() for r in built] == [[4], [0], [0]]
    assert [r.pw["on_hand"].tolist() for r in built] == [[12], [12], [8]]
    assert [r.pw["sold_units"].tolist() for r in built] == [[4], [4], [4]]
    assert [r.pw["opening_available"].tolist() for r in built] == [[10], [10], [10]]
    assert [r.pw["delay_count"].tolist() for r in built] == [[1], [0], [1]]


def test_time_in_stock_joins_what_the_minute_came_with_and_what_happened_in_it() -> None:
    # In stock from the start; sold out at 20 s of minute 1; empty in minute 2; back at 45 s of minute 3.
    built = rollups(4, [], [event(0, 10, 0, 60_000), event(1, 0, 20_000, 0), event(3, 5, 45_000, 15_000)])
    assert [r.pw["in_stock_ms"].tolist() for r in built] == [[60_000], [20_000], [0], [15_000]]


def test_time_in_stock_is_unknown_while_no_event_was_seen() -> None:
    built = rollups(2, [sold(0, 1)], [event(1, 5, 10_000, 50_000)])
    assert built[0].pw["in_stock_ms"].tolist() == [NULL]
    assert built[0].pw.to_arrow()["in_stock_ms"].null_count == 1
    assert built[1].pw["in_stock_ms"].tolist() == [50_000]


def test_each_rollup_names_the_one_it_carries_on_from() -> None:
    built = rollups(3, [sold(0, 4)], [event(0, 10, 0, 60_000)])
    assert [r.carried_digest for r in built[1:]] == [r.pw.digest() for r in built[:-1]]


def test_what_machines_bought_stands_in_its_minute_alone_and_is_part_of_the_digest() -> None:
    orders = [sold(0, 4), {**sold(1, 1), "orders": 9, "units": 9, "units_squared": 9, "value": 900}, sold(2, 1)]
    without = rollups(3, orders, [event(0, 10, 0, 60_000)])
    built = rollups(3, orders, [event(0, 10, 0, 60_000)], [bought(1, 7)])
    for name, units in zip(BOT_SUMS, (7, 7, 7, 700), strict=True):
        assert [r.pw[name].tolist() for r in built] == [[0], [units], [0]]
    assert [r.pw["units"].tolist() for r in built] == [[4], [9], [1]]
    assert [a.digest() == b.digest() for a, b in zip(built, without, strict=True)] == [True, False, True]


def test_machines_never_bought_more_than_all_did_when_orders_came_between_the_two_readings() -> None:
    one, other = {**bought(0, 7), "product_id": 2}, bought(0, 7)
    built = rollups(1, [sold(0, 4)], [], [one, other])
    assert built[0].pw.product_id.tolist() == [1]
    assert [built[0].pw[name].tolist() for name in BOT_SUMS] == [[1], [4], [7], [400]]


def test_in_a_rollup_of_an_older_version_machines_bought_nothing() -> None:
    built = rollups(2, [sold(0, 4), sold(1, 2)], [event(0, 10, 0, 60_000)])[1].pw
    older = built.to_arrow().drop_columns(list(BOT_SUMS))
    assert pw_columns(decode(encode(older))).digest() == built.digest()
    assert pw_columns(decode(encode(built.to_arrow()))).digest() == built.digest()


def test_a_minute_carries_on_from_what_an_older_version_stored_under_its_own_digest() -> None:
    first = rollups(1, [sold(0, 4)], [event(0, 10, 0, 60_000)])[0]
    orders = pa.Table.from_pylist([sold(1, 2), sold(2, 1)], schema=ORDERS_SCHEMA)
    inventory = pa.Table.from_pylist([], schema=INVENTORY_SCHEMA)
    minutes = [NINE + MINUTE, NINE + 2 * MINUTE]
    built = build_rollups(minutes, first.pw, orders, inventory, no_bots(), "as stored")
    assert [r.carried_digest for r in built] == ["as stored", built[0].pw.digest()]
    assert [r.pw["sold_units"].tolist() for r in built] == [[6], [7]]
    usual = build_rollups(minutes, first.pw, orders, inventory, no_bots())
    assert [r.carried_digest for r in usual] == [first.pw.digest(), built[0].pw.digest()]


PAIRS = st.lists(
    st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.integers(NULL, 2**62)),
    max_size=30,
    unique_by=lambda row: row[:2],
)


@given(PAIRS, st.randoms())
def test_columns_survive_storage_in_any_row_order(rows: list[tuple[int, int, int]], random: object) -> None:
    table = pa.table(
        {
            "product_id": pa.array([r[0] for r in rows], pa.int64()),
            "warehouse_id": pa.array([r[1] for r in rows], pa.int64()),
            "x": pa.array([None if r[2] == NULL else r[2] for r in rows], pa.int64()),
        }
    )
    columns = PairColumns.from_arrow(table, ["x"])
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = PairColumns.from_arrow(decode(encode(columns.to_arrow())).take(pa.array(shuffled, pa.int64())), ["x"])
    assert again.digest() == columns.digest()
    assert np.all(np.diff(columns.pair) > 0)
    stored = zip(columns.product_id.tolist(), columns.warehouse_id.tolist(), columns["x"].tolist(), strict=True)
    assert sorted(stored) == sorted(rows)


@given(PAIRS)
def test_aligned_finds_every_pair_and_no_other(rows: list[tuple[int, int, int]]) -> None:
    keys = pair_key(np.array([r[0] for r in rows], dtype=np.int64), np.array([r[1] for r in rows], dtype=np.int64))
    columns = PairColumns(np.sort(keys), {"x": np.arange(len(rows))})
    everything = union_of_pairs([columns.pair, np.array([5, 7, 2**40], dtype=np.int64)])
    aligned = columns.aligned(everything, "x", NULL)
    expected = {int(k): int(x) for k, x in zip(columns.pair, columns["x"], strict=True)}
    assert aligned.tolist() == [expected.get(int(k), NULL) for k in everything]


PLAN = SalePlan([], NINE, 60, [1], ["phones"])
ROW_SCHEMA = pa.schema(
    [
        ("product_id", pa.int64()),
        ("warehouse_id", pa.int64()),
        ("status", pa.string()),
        *((name, pa.float64()) for name in STATED),
        *((name, pa.int64()) for name in LOST),
    ]
)


def _row(status: str, lost: int = 0) -> pa.Table:
    """The product row of pair (1, 1)."""
    row = {"product_id": 1, "warehouse_id": 1, "status": status, "p15": 0.25, "lost_milliunits": lost}
    return pa.Table.from_pylist([{**row, "lost_value": 3 * lost}], schema=ROW_SCHEMA)


def _after(before: CarriedState, row: pa.Table, window: pa.Table, sold_units: int = 0) -> CarriedState:
    """State a minute later, at whose end pair (1, 1) has nothing left."""
    orders = [sold(0, sold_units)] if sold_units else []
    last = rollups(1, orders, [event(0, 0, 30_000, 30_000)])[0].pw
    minute = Observed(last["units"], last["units_squared"], last["orders"], last["in_stock_ms"])
    place = np.zeros(len(last.pair), np.int64)
    stock = available(last["on_hand"], last["reserved"])
    demand, places = before.demand(last.pair), Places(place, place, place)
    outlook = look_ahead(demand, (minute,), stock, places, PLAN, 0, Arrivals.none(), Calibration())
    return next_state(before, last, outlook, row, [window])


def _window(units_by_city: dict[int, int]) -> pa.Table:
    rows = [{"product_id": 1, "warehouse_id": 1, "city_id": c, "units": u} for c, u in units_by_city.items()]
    return pa.Table.from_pylist(rows, schema=MIX_SCHEMA)


def test_a_pair_keeps_the_city_mix_it_sold_out_with_until_it_is_back() -> None:
    sold_out = _after(EMPTY, _row("sold_out"), _window({1: 15, 2: 5}))
    assert sold_out.mix["units"].to_pylist() == [15, 5]
    still = _after(sold_out, _row("sold_out"), _window({1: 1}))
    assert still.mix["units"].to_pylist() == [15, 5]
    back = _after(still, _row("ok"), _window({1: 1}))
    assert back.mix.num_rows == 0
    again = _after(back, _row("sold_out"), _window({2: 7}))
    assert again.mix["city_id"].to_pylist() == [2]


def test_demand_is_remembered_and_half_a_minute_in_stock_counts_half() -> None:
    first = _after(EMPTY, _row("sold_out"), _window({}), sold_units=4)
    second = _after(first, _row("sold_out"), _window({}), sold_units=2)
    forgetting = Calibration().forgetting
    assert second.pairs["demand_units"].to_pylist() == [forgetting * 4 + 2]
    assert second.pairs["demand_earlier_units"].to_pylist() == [4]
    assert second.pairs["demand_exposure"].to_pylist() == [forgetting * 0.5 + 0.5]


def test_what_a_pair_lost_stays_while_it_has_no_row_and_nothing_is_stated_of_it() -> None:
    lost = _after(EMPTY, _row("sold_out", lost=700), _window({}))
    gone = _after(lost, ROW_SCHEMA.empty_table(), _window({}))
    assert [gone.pairs[name].to_pylist() for name in LOST] == [[700], [2_100]]
    assert [state.pairs["p15"].to_pylist() for state in (lost, gone)] == [[0.25], [None]]


def test_a_state_of_an_older_version_has_observed_no_demand_and_lost_what_it_lost() -> None:
    older = {"product_id": 1, "warehouse_id": 1, "velocity": 2.0, "lost_milliunits": 700, "lost_value": 2_100}
    state = CarriedState.read(pa.Table.from_pylist([older]), EMPTY.mix)
    assert state.pairs.schema == STATE_SCHEMA
    assert [state.pairs[name].to_pylist() for name in LOST] == [[700], [2_100]]
    assert not state.demand(pair_key(np.array([1]), np.array([1]))).units.any()
    assert state.pairs["p15"].to_pylist() == [None]
