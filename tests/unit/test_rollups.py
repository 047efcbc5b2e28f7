"""Rollups: what is carried from minute to minute, and columns that survive being stored."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from flashsale.minutes import MINUTE, epoch_ms
from spark_jobs.carried_state import EMPTY, MIX_SCHEMA, STATE_SCHEMA, next_state
from spark_jobs.pair_columns import NULL, PairColumns, decode, encode, pair_key, union_of_pairs
from spark_jobs.rollups import PW_COLUMNS, MinuteRollup, build_rollups

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


def rollups(minutes: int, orders: list[dict[str, object]], inventory: list[dict[str, object]]) -> list[MinuteRollup]:
    return build_rollups(
        [NINE + m * MINUTE for m in range(minutes)],
        PairColumns.empty(PW_COLUMNS),
        pa.Table.from_pylist(orders, schema=ORDERS_SCHEMA),
        pa.Table.from_pylist(inventory, schema=INVENTORY_SCHEMA),
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


def _state(velocity: float, latent: float | None) -> pa.Table:
    row = {"product_id": 1, "warehouse_id": 1, "velocity": velocity, "latent_velocity": latent}
    return pa.Table.from_pylist([{**row, "lost_milliunits": 0, "lost_value": 0}], schema=STATE_SCHEMA)


def _window(units_by_city: dict[int, int]) -> pa.Table:
    rows = [{"product_id": 1, "warehouse_id": 1, "city_id": c, "units": u} for c, u in units_by_city.items()]
    return pa.Table.from_pylist(rows, schema=MIX_SCHEMA)


def test_a_pair_keeps_the_city_mix_it_sold_out_with_until_it_is_back() -> None:
    sold_out = next_state(EMPTY, _state(2.0, 2.0), [_window({1: 15, 2: 5})])
    assert sold_out.mix["units"].to_pylist() == [15, 5]
    still = next_state(sold_out, _state(1.0, 2.0), [_window({1: 1})])
    assert still.mix["units"].to_pylist() == [15, 5]
    back = next_state(still, _state(1.0, None), [_window({1: 1})])
    assert back.mix.num_rows == 0
    again = next_state(back, _state(1.0, 1.0), [_window({2: 7})])
    assert again.mix["city_id"].to_pylist() == [2]
