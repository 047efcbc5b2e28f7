"""What measures do to a simulated sale: no unit from nowhere, nothing before its time, what they promise."""

import numpy as np
import numpy.typing as npt
import pytest

from evaluation.interventions import Interventions, Van
from generator.world import World
from tests.support.acted_sale import KARACHI, LAHORE, acted, by_pair, measures_of, steady, units_lost
from tests.support.sale_texts import EVENTFUL
from tests.support.scenarios import SMALL
from tests.support.simulated import assert_equal, ticks_of, worlds_of
from tests.support.situations import rules

TICKS = 600


def test_without_measures_every_fact_is_what_it_is_without_the_seam() -> None:
    worlds = worlds_of(EVENTFUL)
    for (_, states, facts), (same_states, same_facts) in zip(
        ticks_of(worlds, 240), acted(worlds, measures_of(worlds), 240), strict=True
    ):
        assert_equal(facts, same_facts)
        assert_equal(states, same_states)


def test_no_unit_comes_from_nowhere_and_no_donor_gives_more_than_it_has() -> None:
    worlds = worlds_of(SMALL)
    quick = rules(restock={"lead_minutes": 1.0}, transfer={"base_minutes": 0.5, "min_qty": 1})
    measures, chance = measures_of(worlds, quick), np.random.default_rng(5)

    def act(tick: int, measures: Interventions) -> None:
        product, donor = int(chance.integers(12)), int(chance.integers(2))
        if tick % 7 == 0:
            measures.restock(tick, product, donor, int(chance.integers(1, 60)))
        if tick % 5 == 0:
            measures.send(Van(product, donor, 1 - donor, int(chance.integers(1, 200)), 0.5))
        if tick % 40 == 0:
            measures.reroute(product, donor, 1 - donor)
        if tick % 90 == 0:
            measures.pause_ads(product, donor)

    sold, shipped, received = 0, 0, 0
    opening = sum(int(world.opening.sum()) for world in worlds)
    for states, facts in acted(worlds, measures, TICKS, act):
        for state, one in zip(states, facts, strict=True):
            assert (state.reserved <= state.on_hand).all()
            assert (state.reserved >= 0).all()
            sold += int(one.orders.qty.sum())
            shipped += one.truth.shipped.total()
            received += sum(update.received_qty or 0 for update in one.shipments)
    on_hand, reserved = (sum(int(getattr(state, name).sum()) for state in states) for name in ("on_hand", "reserved"))
    arrived = sum(parcel.units - parcel.left for parcel in measures.parcels)
    given = sum(one.units for one in measures.departures)
    assert given == sum(parcel.units for parcel in measures.parcels if parcel.kind == "transfer")
    assert opening + received + arrived == on_hand + shipped
    assert sold + given == shipped + reserved
    assert {kind: spent.times > 0 for kind, spent in measures.spent.items()} == dict.fromkeys(measures.spent, True)
    assert given > 100
    assert arrived > 1_000


def test_a_donor_that_has_less_sends_what_it_has_and_for_too_few_no_van_leaves() -> None:
    worlds = steady()
    opening = by_pair(worlds, lambda shard: worlds[shard].opening)
    measures = measures_of(worlds, rules(transfer={"min_qty": 3}))
    measures.send(Van(4, LAHORE, KARACHI, 10**6, 1.0))
    list(acted(worlds, measures, 1))
    assert [(one.product, one.donor, one.units) for one in measures.departures] == [(4, LAHORE, opening[4, LAHORE])]
    measures.send(Van(4, KARACHI, LAHORE, 2, 1.0))
    list(acted(worlds, measures, 1))
    assert len(measures.departures) == 1
    assert not measures.vans
    assert measures.spent["transfer"].cost == 100 * (3_000.0 + 15.0 * opening[4, LAHORE])


def on_hand_by_tick(worlds: list[World], measures: Interventions) -> npt.NDArray[np.int64]:
    """(140, P, W)."""
    return np.array(
        [by_pair(worlds, [state.on_hand for state in states].__getitem__) for states, _ in acted(worlds, measures, 140)]
    )


@pytest.mark.parametrize("kind", ["restock", "transfer"])
def test_units_are_there_at_their_lead_time_and_not_a_second_before(kind: str) -> None:
    worlds = steady(cover_minutes=60.0)
    quick = rules(restock={"lead_minutes": 2.0}, transfer={"min_qty": 1})
    measures = measures_of(worlds, quick)
    if kind == "restock":
        measures.restock(0, 3, KARACHI, 9)
    else:
        measures.send(Van(3, LAHORE, KARACHI, 9, 2.0))
    runs = [on_hand_by_tick(worlds, one) for one in (measures, measures_of(worlds))]
    came = (runs[0] - runs[1])[:, 3]
    assert (came[:120, KARACHI] == 0).all()
    assert (came[120:, KARACHI] == 9).all()
    assert came[-1, LAHORE] == (0 if kind == "restock" else -9)


def test_a_late_supplier_is_late_with_the_same_order_in_every_run() -> None:
    worlds = worlds_of(SMALL)
    first, second = measures_of(worlds), measures_of(worlds)
    second.restock(0, 1, KARACHI, 5)
    for measures in (first, second):
        measures.restock(0, 3, KARACHI, 5)
        measures.restock(10, 3, KARACHI, 5)
    dues = [[parcel.due for parcel in one.on_way if parcel.product == 3] for one in (first, second)]
    assert dues[0] == dues[1]
    assert all(due >= 30 * 60 for due in dues[0])


def test_a_dock_takes_in_no_more_a_minute_than_the_warehouse_can_ship() -> None:
    worlds = steady()
    measures = measures_of(worlds, rules(restock={"lead_minutes": 0.0}))
    measures.restock(0, 3, KARACHI, 3_000)
    measures.restock(0, 2, KARACHI, 600)
    # 800 units a minute.
    left = [sum(parcel.left for parcel in measures.parcels) for _ in acted(worlds, measures, 300)]
    first = next(second for second, units in enumerate(left) if units < 3_600)
    assert all(left[second] - left[second + 60] <= 800 for second in range(first, 240))
    assert min(left) == 0
    assert left.index(0) - first >= (3_600 / 800) * 60 - 60


@pytest.mark.parametrize("units", [5, 17])
def test_a_van_of_k_units_saves_exactly_k_sales_where_more_are_lost(units: int) -> None:
    worlds = steady()
    waiting = units_lost(worlds, list(acted(worlds, measures_of(worlds), TICKS)))
    sold_out = np.flatnonzero(waiting[:, :, KARACHI].sum(axis=0) > 100)
    product = int(sold_out[0])
    opening = by_pair(worlds, lambda shard: worlds[shard].opening)
    assert opening[product, LAHORE] > units
    measures = measures_of(worlds, rules(restock={"lead_minutes": 0.0}, transfer={"min_qty": 1}))
    # The donor gives in the last second before it could sell out, so it is given the units back.
    measures.send(Van(product, LAHORE, KARACHI, units, 0.0))
    measures.restock(0, product, LAHORE, units)
    acting = units_lost(worlds, list(acted(worlds, measures, TICKS)))
    saved = (waiting - acting).sum(axis=0)
    assert saved[product, KARACHI] == units
    assert np.abs(saved).sum() == units


def test_rerouting_serves_all_who_accept_it_and_meet_an_empty_shelf_and_nobody_else() -> None:
    worlds = steady()
    accepting = rules(reroute={"accept_share": 1.0}, restock={"lead_minutes": 0.0})
    product, ticks = 3, 400
    runs = {}
    for rerouted in (True, False):
        measures = measures_of(worlds, accepting)
        measures.restock(0, product, LAHORE, 5_000)
        if rerouted:
            measures.reroute(product, KARACHI, LAHORE)
        runs[rerouted] = units_lost(worlds, list(acted(worlds, measures, ticks)))
        units = measures.spent["reroute"].units
        assert measures.spent["reroute"].cost == 180 * 100 * units
    # Whose shelf empties within the second is not asked: that second's losses stay.
    emptied = int(np.flatnonzero(runs[False][:, product, KARACHI])[0])
    assert runs[False][emptied + 1 :, product, KARACHI].sum() > 50
    assert (runs[True][: emptied + 1] == runs[False][: emptied + 1]).all()
    assert runs[True][emptied + 1 :, product].sum() == 0
    others = np.arange(12) != product
    assert (runs[True][:, others] == runs[False][:, others]).all()


def test_nobody_accepts_or_stays_away_where_the_shares_are_zero_and_all_do_where_they_are_one() -> None:
    worlds = steady()
    none = rules(reroute={"accept_share": 0.0}, pause_ads={"demand_share": 0.0})
    measures = measures_of(worlds, none)
    measures.reroute(3, KARACHI, LAHORE)
    measures.pause_ads(2, KARACHI)
    for (_, facts), (_, plain) in zip(
        acted(worlds, measures, 200), acted(worlds, measures_of(worlds), 200), strict=True
    ):
        assert_equal(facts, plain)
    measures = measures_of(worlds, rules(pause_ads={"demand_share": 1.0}))
    measures.pause_ads(2, KARACHI)
    history = list(acted(worlds, measures, 200))
    ordered = sum(
        int(((one.orders.product_id == 3) & (one.orders.warehouse_id == KARACHI + 1)).sum())
        for _, facts in history
        for one in facts
    )
    assert ordered == 0
    assert measures.kept_away.units > 0


def test_the_supplier_gets_no_more_than_the_budget() -> None:
    measures = measures_of(steady(), supply=25 * 10_000.0)
    assert measures.restock(0, 1, KARACHI, 20) == 20
    assert measures.restock(0, 2, KARACHI, 20) == 5
    assert measures.restock(0, 3, KARACHI, 20) == 0
    assert measures.spent["restock"].times == 2
