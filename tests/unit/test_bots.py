"""Machines are told from people by what they share and how evenly they order, and by nothing else."""

import math
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st

from flashsale.bots import RULES, BotRules, MinuteOrders, bot_like, log_chance
from flashsale.minutes import MINUTE, epoch_ms
from spark_jobs.bot_orders import no_bots, sums_of_bots, suspect_products

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
CITY_SHARES = np.array([0.35, 0.25, 0.15, 0.1, 0.06, 0.04, 0.03, 0.02])
QTY_SHARES = np.array([0.8, 0.16, 0.03, 0.008, 0.002])
SELLERS_PER_PRODUCT = 3
RARE_CITY, SELLER = 7, 902


def people(
    rng: np.random.Generator, count: int, products: int = 1, offset: npt.ArrayLike | None = None
) -> MinuteOrders:
    """Orders of `products` that come at random over the minute, or at `offset`; each product has sellers of its own."""
    product = rng.integers(1, products + 1, count)
    moments = rng.integers(0, 60_000, count) if offset is None else np.asarray(offset, np.int64)
    return MinuteOrders(
        product,
        900 + (product + rng.choice(SELLERS_PER_PRODUCT, count, p=(0.5, 0.3, 0.2))) % 50,
        rng.choice(len(CITY_SHARES), count, p=CITY_SHARES),
        1 + rng.choice(len(QTY_SHARES), count, p=QTY_SHARES),
        moments,
    )


def machine(
    rate: float,
    qty: int = 5,
    product: int = 1,
    seller: int | npt.NDArray[np.int64] = SELLER,
    city: int | npt.NDArray[np.int64] = RARE_CITY,
    seconds: tuple[float, float] = (0, 60),
) -> MinuteOrders:
    """Orders at even intervals, `rate` of them a second, from the first to the last of `seconds`."""
    offset = np.arange(1000 * seconds[0], 1000 * seconds[1], 1000 / rate).astype(np.int64)
    same = np.ones(len(offset), np.int64)
    return MinuteOrders(same * product, same * seller, same * city, same * qty, offset)


def together(*parts: MinuteOrders) -> tuple[MinuteOrders, npt.NDArray[np.bool_]]:
    """Rows of all parts, and which of them are not the first's."""
    columns = (np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(MinuteOrders))
    lengths = [len(part.product) for part in parts]
    return MinuteOrders(*columns), np.arange(sum(lengths)) >= lengths[0]


def taken(orders: MinuteOrders, rows: npt.NDArray[np.int64]) -> MinuteOrders:
    return MinuteOrders(*(getattr(orders, f.name)[rows] for f in fields(MinuteOrders)))


def recall_and_precision(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> tuple[float, float]:
    both = (found & true).sum()
    return float(both / true.sum()), float(both / max(1, found.sum()))


@pytest.mark.parametrize("scatter", [0.02, 0.3, 0.7])
def test_the_chance_of_even_gaps_is_exact_where_geometry_gives_it(scatter: float) -> None:
    """Of two gaps u and 1 - u the coefficient is |1 - 2u|; of three, the disc lies within the triangle up to 1 / √2."""
    gaps = np.array([1 - scatter, 1 + scatter])
    assert math.exp(log_chance(gaps.sum(), (gaps**2).sum(), 2)) == pytest.approx(scatter)
    # Gaps 1 - d, 1, 1 + d have the coefficient d √(2/3).
    gaps = np.array([1 - scatter, 1, 1 + scatter])
    disc, triangle = math.pi * scatter**2 * 2 / 9, math.sqrt(3) / 2
    assert math.exp(log_chance(gaps.sum(), (gaps**2).sum(), 3)) == pytest.approx(min(1, disc / triangle))


@pytest.mark.parametrize("count", [5, 20, 60])
def test_the_chance_of_even_gaps_is_not_understated_for_people(count: int) -> None:
    rng = np.random.default_rng(count)
    gaps = np.diff(np.sort(rng.random((40_000, count)), axis=1), axis=1) * 60_000
    chance = np.exp(log_chance(gaps.sum(axis=1), (gaps**2).sum(axis=1), count - 1))
    for level in (0.1, 0.01, 0.002):
        alarms = int((chance <= level).sum())
        # Three standard deviations of a binomial count.
        assert alarms <= 40_000 * level + 3 * math.sqrt(40_000 * level)


@pytest.mark.parametrize("level", [0.2, 0.02])
def test_people_alone_set_off_no_more_alarms_than_stated(level: float) -> None:
    """Every group that is large enough is judged by its gaps alone."""
    rules = BotRules(least_orders=8, least_lift=0.0, false_alarm=level)
    groups = alarms = 0
    for seed in range(30):
        crowd = people(np.random.default_rng(seed), 4_000, products=10)
        key = np.stack([crowd.product, crowd.seller, crowd.city, crowd.qty])
        _, label, sizes = np.unique(key, axis=1, return_inverse=True, return_counts=True)
        found = bot_like(crowd, rules)
        large = np.flatnonzero(sizes >= rules.least_orders)
        groups += len(large)
        alarms += len(np.intersect1d(large, label[found]))
    assert groups > 2_000
    # A group is looked at three times: by seller and city, by seller, by city.
    assert alarms <= 3 * (groups * level + 3 * math.sqrt(groups * level))


@pytest.mark.parametrize("seed", range(20))
def test_people_alone_are_no_machines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert not bot_like(people(rng, 20_000, products=1 + 10 * seed)).any()


@pytest.mark.parametrize("rate", [0.4, 1.0, 3.7, 40.0])
@pytest.mark.parametrize("qty", [1, 3, 5])
@pytest.mark.parametrize("products", [1, 4])
def test_machines_are_found_and_people_left_alone(rate: float, qty: int, products: int) -> None:
    crowd = people(np.random.default_rng(int(10 * rate) + qty), 300 * products, products)
    seller = [900 + product % 50 for product in range(1, products + 1)]
    parts = [machine(rate, qty, product, seller[product - 1]) for product in range(1, products + 1)]
    orders, true = together(crowd, *parts)
    recall, precision = recall_and_precision(bot_like(orders), true)
    assert recall == 1.0
    assert precision >= 1 - 1 / RULES.least_lift
    assert precision >= 0.97 or qty == 1


def test_a_machine_is_found_in_a_crowd_a_hundred_times_as_large() -> None:
    orders, true = together(people(np.random.default_rng(3), 12_000), machine(2.0, qty=4))
    recall, precision = recall_and_precision(bot_like(orders), true)
    assert (recall, precision >= 0.9) == (1.0, True)


@pytest.mark.parametrize("share", ["seller", "city"])
def test_one_seller_or_one_city_is_enough(share: str) -> None:
    rng = np.random.default_rng(5)
    cities, sellers = rng.choice(len(CITY_SHARES), 240, p=CITY_SHARES), rng.integers(901, 904, 240)
    bots = machine(4.0, city=cities) if share == "seller" else machine(4.0, seller=sellers)
    orders, true = together(people(rng, 400), bots)
    assert recall_and_precision(bot_like(orders), true) >= (1.0, 0.97)


def test_intervals_that_tremble_are_still_even() -> None:
    rng = np.random.default_rng(6)
    steady = machine(2.0)
    offset = np.cumsum(rng.normal(500, 100, len(steady.moment_ms))).astype(np.int64) % 60_000
    orders, true = together(people(rng, 400), replace(steady, moment_ms=offset))
    assert recall_and_precision(bot_like(orders), true) >= (1.0, 0.97)


@pytest.mark.parametrize("seconds", [(0, 12), (31, 60)])
def test_a_machine_that_begins_or_ends_in_the_minute_is_found_beside_people_who_want_the_same(
    seconds: tuple[float, float],
) -> None:
    rng = np.random.default_rng(8)
    same_wish = replace(machine(0.05), moment_ms=np.array([20_000, 24_321, 29_000]))
    orders, true = together(people(rng, 400), machine(4.0, seconds=seconds), same_wish)
    assert bot_like(orders)[true].all()


def test_a_crowd_that_comes_all_at_once_is_no_machine() -> None:
    rng = np.random.default_rng(9)
    for _ in range(10):
        rush = 30_000 + rng.exponential(6_000, 6_000).astype(np.int64) % 30_000
        orders = people(rng, 9_000, 2, np.append(rng.integers(0, 60_000, 3_000), rush))
        assert not bot_like(orders).any()


@pytest.mark.parametrize("tick_ms", [100, 1_000, 10_000, 60_000])
def test_a_coarse_clock_makes_no_machine_of_people(tick_ms: int) -> None:
    """As imported sales may have it; groups of all sizes are judged by their gaps alone."""
    rules = replace(RULES, least_lift=0.0)
    for seed in range(10):
        crowd = people(np.random.default_rng(seed), 3_000)
        assert not bot_like(replace(crowd, moment_ms=crowd.moment_ms // tick_ms * tick_ms), rules).any()


def test_one_wish_of_many_at_random_times_is_no_machine() -> None:
    """A discount of one seller in one city: as many as a machine's, not as even."""
    rng = np.random.default_rng(10)
    favourite = replace(machine(4.0), moment_ms=rng.integers(0, 60_000, 240))
    assert not bot_like(together(people(rng, 400), favourite)[0]).any()


def test_an_even_stream_that_has_no_more_than_its_share_is_no_machine() -> None:
    """Two sellers, cities and quantities, each with each alike: orders a clock sends on, no machine among people."""
    streams = [
        machine(1.0, qty, seller=seller, city=city) for qty in (1, 2) for seller in (901, 902) for city in (3, 4)
    ]
    shifted = [replace(one, moment_ms=one.moment_ms + 97 * i * i % 1_000) for i, one in enumerate(streams)]
    orders, _ = together(*shifted)
    assert not bot_like(orders).any()
    assert bot_like(orders, replace(RULES, least_lift=0.0)).all()


@pytest.mark.parametrize("count", [0, 1, 2, RULES.least_orders - 1])
def test_so_few_orders_are_nobodys(count: int) -> None:
    orders = taken(machine(4.0), np.arange(count))
    assert bot_like(orders).tolist() == [False] * count


@drawn(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_and_the_other_products_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    orders, _ = together(people(rng, 400, 3), machine(rng.uniform(0.2, 5), int(rng.integers(1, 4)), 2))
    found = bot_like(orders)
    shuffled = rng.permutation(len(found))
    assert np.array_equal(bot_like(taken(orders, shuffled)), found[shuffled])
    second = np.flatnonzero(orders.product == 2)
    assert np.array_equal(bot_like(taken(orders, second)), found[second])


def rows(orders: MinuteOrders, minute: int = 0, warehouses: int = 3) -> pa.Table:
    """As Spark reads them; the warehouse follows from the customer's city."""
    count = len(orders.product)
    return pa.table(
        {
            "minute": pa.array([epoch_ms(NINE + minute * MINUTE)] * count, pa.int64()),
            "product_id": orders.product,
            "warehouse_id": orders.city % warehouses + 1,
            "city_id": orders.city,
            "seller_id": orders.seller,
            "order_qty": orders.qty,
            "order_value": orders.qty * 10**13,
            "order_ts": orders.moment_ms + epoch_ms(NINE + minute * MINUTE),
        }
    )


def aggregates(orders: pa.Table) -> pa.Table:
    """As `order_aggregates` returns them."""
    qty = orders["order_qty"].to_numpy()
    counted = orders.append_column("units", pa.array(qty)).append_column("units_squared", pa.array(qty * qty))
    sums = [("units", "count"), ("units", "sum"), ("units_squared", "sum"), ("order_value", "sum")]
    keys = ["minute", "product_id", "warehouse_id", "city_id"]
    return counted.group_by(keys).aggregate(sums).rename_columns([*keys, "orders", "units", "units_squared", "value"])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [30, 3_000, 60_000])
def test_no_product_is_suspect_while_people_order(seed: int, count: int) -> None:
    crowd = people(np.random.default_rng(seed), count, products=40)
    assert suspect_products(aggregates(rows(crowd))) == {}


@pytest.mark.parametrize(("qty", "city"), [(5, 0), (5, RARE_CITY), (2, RARE_CITY), (1, RARE_CITY)])
def test_the_machines_products_are_suspect_and_no_others_in_its_minute_alone(qty: int, city: int) -> None:
    rng = np.random.default_rng(qty)
    crowds = [rows(people(rng, 8_000, 40), minute) for minute in range(4)]
    machines = [rows(machine(2.0, qty, product, city=city), 2) for product in (7, 23)]
    cells = aggregates(pa.concat_tables([*crowds, *machines]))
    assert suspect_products(cells) == {NINE + 2 * MINUTE: (7, 23)}
    shuffled = cells.take(pa.array(rng.permutation(cells.num_rows)))
    assert suspect_products(shuffled) == {NINE + 2 * MINUTE: (7, 23)}


def test_a_product_that_machines_alone_buy_is_suspect() -> None:
    rng = np.random.default_rng(1)
    cells = aggregates(pa.concat_tables([rows(people(rng, 2_000, 6)), rows(machine(0.5, 1, product=99))]))
    assert suspect_products(cells) == {NINE: (99,)}


def test_a_machine_in_a_crowd_of_its_own_city_is_suspect_by_the_quantity_alone() -> None:
    rng = np.random.default_rng(7)
    crowd, bots = people(rng, 30_000, 10), machine(2.0, 5, product=3, city=0)
    assert suspect_products(aggregates(pa.concat_tables([rows(crowd), rows(bots)]))) == {NINE: (3,)}
    usual = replace(bots, qty=1 + rng.choice(len(QTY_SHARES), len(bots.qty), p=QTY_SHARES))
    assert suspect_products(aggregates(pa.concat_tables([rows(crowd), rows(usual)]))) == {}


def test_what_a_city_likes_a_little_more_is_not_suspect_in_the_largest_crowd() -> None:
    """A third more orders of a product, 6 % more units in each, every minute: reading them again would tell nothing."""
    rng = np.random.default_rng(8)
    crowd = people(rng, 150_000, 3)
    fond = (crowd.product == 2) & (crowd.city == 0)
    liked = replace(crowd, qty=crowd.qty + (fond & (rng.random(len(fond)) < 0.08)))
    more, _ = together(liked, taken(liked, np.flatnonzero(fond)[::3]))
    assert suspect_products(aggregates(rows(more))) == {}


@pytest.mark.parametrize("single", ["city", "product"])
def test_there_is_nothing_to_compare_with_in_a_shop_of_one_city_or_one_product(single: str) -> None:
    rng = np.random.default_rng(2)
    crowd = people(rng, 5_000)
    uneven = rng.choice(3, 5_000, p=(0.9, 0.08, 0.02)) + 1
    crowd = replace(crowd, city=crowd.city * 0, product=uneven) if single == "city" else replace(crowd, city=uneven)
    assert suspect_products(aggregates(rows(crowd))) == {}


def test_the_sums_of_a_products_bots_are_exact_beyond_what_doubles_hold() -> None:
    bots = machine(4.0, qty=5, city=np.arange(240) % 2)
    orders = rows(together(people(np.random.default_rng(4), 300), bots)[0])
    found = sums_of_bots(orders).sort_by("warehouse_id")
    assert found.schema == no_bots().schema
    mask = bot_like(together(people(np.random.default_rng(4), 300), bots)[0])
    of_bots = [row for row, bot in zip(orders.to_pylist(), mask, strict=True) if bot]
    assert len(of_bots) >= 240
    wanted = []
    for warehouse in sorted({row["warehouse_id"] for row in of_bots}):
        there = [row for row in of_bots if row["warehouse_id"] == warehouse]
        units = [row["order_qty"] for row in there]
        wanted.append(
            {
                "minute": epoch_ms(NINE),
                "product_id": 1,
                "warehouse_id": warehouse,
                "bot_orders": len(there),
                "bot_units": sum(units),
                "bot_units_squared": sum(u * u for u in units),
                "bot_value": sum(row["order_value"] for row in there),
            }
        )
    assert found.to_pylist() == wanted
    assert max(row["bot_value"] for row in wanted) > 2**52


def test_people_leave_no_sums() -> None:
    assert sums_of_bots(rows(people(np.random.default_rng(4), 300))).equals(no_bots())
