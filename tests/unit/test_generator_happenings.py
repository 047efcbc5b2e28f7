"""What is let happen to a sale: closed gates, machines that buy, bursts of demand."""

import numpy as np
import pytest

from flashsale.scenario import parse_scenario
from generator.happenings import BotOrders, Happenings
from tests.support.sale_texts import FULL_SHELVES, with_values
from tests.support.scenarios import SMALL
from tests.support.simulated import START_MS, Run, simulate, worlds_of

OUTAGE = (
    with_values(SMALL, pairs_share=1.0, per_pair_max=20, cover_minutes=1.0)
    + """
[[outages]]
warehouse = "Karachi South"
starts_at_minute = 2
duration_minutes = 2

[[outages]]
warehouse = "Karachi South"
starts_at_minute = 3
duration_minutes = 2
"""
)
BOTS = """
[[bots]]
name = "Resellers"
products = [7, 2, 11, 3]
city = "Lahore"
seller = 5
starts_at_minute = 1
duration_minutes = 2
orders_per_second = 3.7
quantity = 3

[[bots]]
name = "One more"
products = [2]
city = "Multan"
seller = 1
starts_at_minute = 2
duration_minutes = 1
orders_per_second = 0.25
quantity = 9
"""


@pytest.fixture(scope="module")
def closed() -> Run:
    return simulate(worlds_of(OUTAGE), 600)


def test_a_warehouse_is_down_from_its_first_minute_to_the_end_of_the_last_outage() -> None:
    happenings = worlds_of(OUTAGE)[0].happenings
    for tick, expected in ((119, None), (120, [True, False]), (299, [True, False]), (300, None)):
        down = happenings.down(tick)
        assert (down is None) if expected is None else down is not None and down.tolist() == expected
    assert [happenings.up_again(0, tick) for tick in (119, 120, 200, 299, 300)] == [119, 300, 300, 300, 300]
    assert happenings.up_again(1, 200) == 200


def test_a_warehouse_that_is_down_sells_ships_receives_and_reports_nothing(closed: Run) -> None:
    for tick, shards in enumerate(closed.history):
        for world, facts in zip(closed.worlds, shards, strict=True):
            if 120 <= tick < 300:
                assert (facts.orders.warehouse_id != 1).all()
                assert (facts.inventory.warehouse_id != 1).all()
                assert (facts.truth.shipped.key % 2 == 1).all()
                received = [u.shipment_id for u in facts.shipments if u.received_qty is not None]
                rows = np.searchsorted(world.shipments.shipment_id, received)
                assert (world.shipments.warehouse[rows] == 1).all()
    assert any((f.orders.warehouse_id == 1).any() for f in closed.history[119])
    assert any((f.orders.warehouse_id == 1).any() for f in closed.history[301])


def test_shipments_wait_at_a_closed_gate_and_come_in_when_it_opens(closed: Run) -> None:
    plain = worlds_of(OUTAGE[: OUTAGE.index("[[outages]]")])
    waited = 0
    for world, usual in zip(closed.worlds, plain, strict=True):
        due, arrival = usual.shipments.arrival_tick, world.shipments.arrival_tick
        held = (world.shipments.warehouse == 0) & (due >= 120) & (due < 300)
        assert (arrival[held] == 300).all()
        assert np.array_equal(arrival[~held], due[~held])
        waited += int(held.sum())
        for row in np.flatnonzero(held):
            told = [
                (facts[world.shard].tick, update.received_qty)
                for facts in closed.history
                for update in facts[world.shard].shipments
                if update.shipment_id == world.shipments.shipment_id[row] and update.received_qty is not None
            ]
            assert told == [(300, world.shipments.arrival_qty[row])]
    assert waited > 3


def test_nobody_counts_behind_a_closed_gate() -> None:
    text = OUTAGE + "\n[phantom]\npairs_share = 1.0\nmissing_share_max = 0.9\ncount_after_minutes = 3.0\n"
    counted = [0, 0]
    for tick, shards in enumerate(simulate(worlds_of(text), 320).history):
        for facts in shards:
            for key in facts.truth.written_off.key:
                counted[int(key) % 2] += 1
                assert int(key) % 2 == 1 or not 120 <= tick < 300
    assert min(counted) > 0


def test_demand_for_a_closed_warehouse_goes_to_the_others_or_is_lost() -> None:
    run = simulate(worlds_of(FULL_SHELVES + OUTAGE[OUTAGE.index("[[outages]]") :]), 180)
    lost = [sum(facts.truth.lost.total() for facts in tick) for tick in run.history]
    other = [sum((facts.orders.warehouse_id == 2).sum() for facts in tick) for tick in run.history]
    all_orders = [sum(len(facts.orders.ts) for facts in tick) for tick in run.history]
    assert sum(lost[:120]) == 0
    assert min(lost[120:]) > 0
    assert np.sum(other[:120]) < 0.8 * np.sum(all_orders[:120])
    assert other[120:] == all_orders[120:]
    rescued = np.sum(other[120:]) / 60 - np.sum(other[60:120]) / 60
    assert rescued > 0.1 * np.mean(all_orders[60:120]), "some of its customers take another warehouse"


def bots_of(text: str, ticks: range) -> list[tuple[int, int, int, int, int]]:
    """(ms from the start, product id, city, seller, quantity) of all shards' bots, in order of time."""
    scenario = parse_scenario(text, "x")
    found = []
    for shard in range(scenario.shards):
        own = np.flatnonzero(np.arange(1, scenario.products.count + 1) % scenario.shards == shard)
        happenings = Happenings(scenario, own)
        for tick in ticks:
            bots = happenings.bot_orders(tick)
            if bots is not None:
                assert isinstance(bots, BotOrders)
                rows = zip(bots.product, bots.city, bots.seller, bots.qty, bots.offset, strict=True)
                found += [(1000 * tick + int(o), int(own[p]) + 1, int(c), int(s), int(q)) for p, c, s, q, o in rows]
    return sorted(found)


def test_bots_buy_at_even_intervals_in_turn_whatever_the_number_of_shards() -> None:
    found = bots_of(SMALL + BOTS, range(600))
    first, second = ([row for row in found if row[3] == seller] for seller in (5, 1))
    assert len(first) == np.ceil(120 * 3.7)
    assert [row[0] for row in first] == [60_000 + int(k * 1000 / 3.7) for k in range(len(first))]
    assert [row[1] for row in first[:5]] == [7, 2, 11, 3, 7]
    assert {row[2:] for row in first} == {(1, 5, 3)}
    assert second == [(120_000 + 4_000 * k, 2, 2, 1, 9) for k in range(15)]
    for shards in (1, 3, 7):
        assert bots_of(with_values(SMALL, shards=shards) + BOTS, range(600)) == found


def test_orders_of_bots_stand_among_those_of_people() -> None:
    text = with_values(FULL_SHELVES, orders_per_second=40.0)
    usual, run = simulate(worlds_of(text), 200), simulate(worlds_of(text + BOTS), 200)
    orders = run.orders()
    assert sum(facts.truth.bots.total() for tick in run.history for facts in tick) == 444 * 3 + 15 * 9
    assert len(orders.ts) == len(usual.orders().ts) + 444 + 15, "people buy as if there were none"
    assert all((np.diff(facts.orders.ts) >= 0).all() for tick in run.history for facts in tick)
    prices = {p: worlds_of(text)[p % 2].effects(60).price[(p - 1) // 2] for p in (7, 3, 11)}
    minute = (orders.ts >= START_MS + 60_000) & (orders.ts < START_MS + 120_000)
    for product, price in prices.items():
        row = minute & (orders.seller_id == 5) & (orders.qty == 3) & (orders.product_id == product)
        assert (orders.value[row & (orders.city_id == 2)] == round(3 * price)).sum() >= 55, "they pay the mean price"


def test_bots_that_find_nothing_count_as_no_lost_demand() -> None:
    text = with_values(SMALL, cover_median_minutes=0.0, pairs_share=0.0) + BOTS
    facts = [one for tick in simulate(worlds_of(with_values(text, orders_per_second=3.7)), 200).history for one in tick]
    assert sum(one.truth.bots.total() for one in facts) == 0
    quiet = with_values(SMALL, cover_median_minutes=0.0, pairs_share=0.0, orders_per_second=3.7)
    without = [one for tick in simulate(worlds_of(quiet), 200).history for one in tick]
    assert [one.truth.lost.total() for one in facts] == [one.truth.lost.total() for one in without]


def test_a_burst_multiplies_the_demand_for_what_it_covers_while_it_lasts() -> None:
    burst = '\n[[bursts]]\nname = "x"\n{}starts_at_minute = 3\nduration_minutes = 2\nmultiplier = 2.5\n'
    usual = worlds_of(SMALL)[0]
    for cover, factor in (
        ("", np.full(6, 2.5)),
        ('categories = ["Toys"]\n', np.where(usual.category == 1, 2.5, 1.0)),
        ("products = [2, 12]\n", np.where(np.isin(usual.product_id, [2, 12]), 2.5, 1.0)),
        ("products = [1]\n", np.ones(6)),
    ):
        world = worlds_of(SMALL + burst.format(cover))[0]
        for minute in (2, 3, 4, 5):
            expected = usual.effects(60 * minute).appeal * (factor if minute in (3, 4) else 1.0)
            assert world.effects(60 * minute).appeal == pytest.approx(expected)
        assert world.effects(180).rate.sum() > usual.effects(180).rate.sum(), "also where another shard is hit"
