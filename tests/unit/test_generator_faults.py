"""Faults happen at the stated rates, as described, and to nothing but the way a fact takes.

Seeds are fixed; rates are tested with the exact binomial test at a false-alarm rate of `ALPHA` (0.001)
for all kinds and both tables together.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from flashsale.minutes import from_epoch_ms
from flashsale.schema import FACTS, INVENTORY, ORDERS
from flashsale.violations import violation
from generator.facts import tick_time_ms
from tests.support.laws import ALPHA, smallest
from tests.support.received import TICKS, Received, received
from tests.support.sale_texts import with_values
from tests.support.scenarios import SMALL
from tests.support.simulated import START_MS, Run, assert_equal, simulate, worlds_of

BUSY = with_values(SMALL, orders_per_second=80.0, cover_median_minutes=6.0)
RATES = {"late": 0.06, "out_of_order": 0.05, "duplicate": 0.04, "conflict": 0.03, "skewed": 0.02, "malformed": 0.025}
MOST = {"late_minutes_max": 5.0, "out_of_order_seconds_max": 12, "skew_seconds_max": 45}


def with_faults(**shares: float) -> str:
    """The sale with these kinds of faults."""
    lines = [f"{kind}_share = {share}" for kind, share in shares.items()]
    return "\n".join([BUSY, "[faults]", *lines, *(f"{key} = {value}" for key, value in MOST.items()), ""])


@pytest.fixture(scope="module")
def clean() -> Run:
    return simulate(worlds_of(BUSY), TICKS)


@pytest.fixture(scope="module")
def faulty() -> Run:
    return simulate(worlds_of(with_faults(**RATES)), TICKS)


@pytest.fixture(scope="module")
def tables(clean: Run, faulty: Run) -> dict[str, Received]:
    return {table.name: received(clean, faulty, table.name) for table in FACTS}


def test_each_kind_happens_at_its_rate(tables: dict[str, Received]) -> None:
    """Exact binomial test, six kinds in two tables; false-alarm rate 0.001 for all twelve."""
    p_values = []
    for table in tables.values():
        fates = table.fates()
        assert fates.total() == sum(0 < tick < TICKS - 300 for tick, _ in table.sent.values())
        p_values += [stats.binomtest(fates[kind], fates.total(), rate).pvalue for kind, rate in RATES.items()]
    assert smallest(p_values) > ALPHA


def test_the_test_of_rates_rejects_a_rate_that_is_off_by_a_quarter(tables: dict[str, Received]) -> None:
    fates = tables[ORDERS.name].fates()
    for kind, rate in RATES.items():
        assert stats.binomtest(fates[kind], fates.total(), 1.25 * rate).pvalue < ALPHA, kind


def test_the_sale_itself_is_the_same(clean: Run, faulty: Run) -> None:
    for tick, others in zip(clean.history, faulty.history, strict=True):
        for facts, other in zip(tick, others, strict=True):
            assert_equal(facts.truth, other.truth)
            assert facts.shipments == other.shipments
    for state, other_state in zip(clean.states, faulty.states, strict=True):
        for name in ("on_hand", "reserved", "missing", "waves", "excitement", "recent", "appeal"):
            assert_equal(getattr(state, name), getattr(other_state, name))


def test_nothing_is_lost_and_nothing_arrives_twice_as_new(tables: dict[str, Received], faulty: Run) -> None:
    for table in tables.values():
        never_new = {document["_id"] for kind in ("skewed", "malformed") for _, document in table.of_kind(kind)}
        assert set(table.arrived) & never_new == set()
        assert set(table.arrived) | never_new == set(table.sent)
        strayed = Counter(document["_id"] for _, document in table.strays)
        assert max(strayed.values()) == 1, "each fact meets one fault"
    for state in faulty.states:
        assert len(state.delayed.orders.due) == len(state.delayed.inventory.due) == 0, "all is sent by the end"


def test_what_arrives_is_what_was_sent_but_for_the_time_of_arrival(tables: dict[str, Received]) -> None:
    for table in tables.values():
        for identity, (tick, document) in table.arrived.items():
            assert document == {
                **table.sent[identity][1],
                "arrived_at": from_epoch_ms(tick_time_ms(START_MS, tick)),
            }


def test_late_facts_come_after_their_minute_is_settled_and_disordered_ones_after_younger(
    tables: dict[str, Received],
) -> None:
    for table in tables.values():
        moment = "order_ts" if "order_qty" in next(iter(table.sent.values()))[1] else "inventory_ts"
        delays = set()
        for identity, (tick, document) in table.arrived.items():
            delay = tick - table.sent[identity][0]
            delays.add(delay)
            if delay >= 180:
                minute_end = document[moment].replace(second=0, microsecond=0).timestamp() + 60
                assert document["arrived_at"].timestamp() - minute_end >= 120
        at_the_end = {delay for delay in delays if delay not in {*range(13), *range(180, 301)}}
        assert {*range(13), 180, 300} <= delays
        for identity, (tick, _) in table.arrived.items():
            if tick - table.sent[identity][0] in at_the_end:
                assert tick == TICKS - 1, "what the last second does not bring never comes"


def test_what_is_sent_again_follows_within_half_a_minute(tables: dict[str, Received]) -> None:
    for name, table in tables.items():
        amount = "order_qty" if name == ORDERS.name else "inventory_on_hand"
        for kind, more in (("duplicate", 0), ("conflict", 1)):
            again = table.of_kind(kind)
            assert len(again) > 100
            for tick, document in again:
                first_tick, first = table.arrived[document["_id"]]
                assert document == {**first, amount: first[amount] + more}
                assert 1 <= tick - first_tick <= 30 or tick == TICKS - 1


def test_a_skewed_clock_tells_another_time_within_the_sale(tables: dict[str, Received]) -> None:
    for name, table in tables.items():
        moment = "order_ts" if name == ORDERS.name else "inventory_ts"
        skews = []
        for tick, document in table.of_kind("skewed"):
            sent_tick, sent = table.sent[document["_id"]]
            assert tick == sent_tick
            assert violation(ORDERS if name == ORDERS.name else INVENTORY, document) is None
            assert 0 <= document[moment].timestamp() - START_MS / 1000 < TICKS
            skews.append((document[moment] - sent[moment]).total_seconds())
        assert -45 <= min(skews) < -35
        assert 35 < max(skews) <= 45
        assert abs(float(np.mean(skews))) < 5 * 26 / np.sqrt(len(skews))


def test_malformed_facts_are_broken_in_six_ways_one_of_which_only_a_join_finds(tables: dict[str, Received]) -> None:
    for table in FACTS:
        problems: Counter[str] = Counter()
        for tick, document in tables[table.name].of_kind("malformed"):
            sent_tick, sent = tables[table.name].sent[document["_id"]]
            assert tick == sent_tick
            found = violation(table, document)
            problems[found[0] if found else "unknown"] += 1
            changed = {key for key in {*sent, *document} if sent.get(key) != document.get(key)}
            assert len(changed) == 1
            assert found or changed == {"product_id"}
        assert len(problems) == 6, problems
        share = sum(problems.values()) / 6
        assert all(abs(count - share) < 5 * share**0.5 for count in problems.values())


def test_the_opening_stock_is_spared(clean: Run, faulty: Run) -> None:
    for facts, other in zip(clean.history[0], faulty.history[0], strict=True):
        assert_equal(facts, other)


def test_without_faults_facts_pass_as_they_are(clean: Run) -> None:
    assert all(facts.strays == {} for tick in clean.history for facts in tick)


@pytest.mark.parametrize("kind", RATES)
def test_each_kind_alone(kind: str, clean: Run) -> None:
    run = simulate(worlds_of(with_faults(**{kind: 0.5})), 60)
    orders = received(replace(clean, history=clean.history[:60]), run)
    fates = Counter(orders.kind(document) for _, document in orders.strays)
    fates += Counter("at_once" if tick == orders.sent[i][0] else "delayed" for i, (tick, _) in orders.arrived.items())
    # Late ones are still on their way.
    expected = {"late": set(), "out_of_order": {"delayed"}}.get(kind, {kind})
    assert set(fates) == {"at_once", *expected}
    assert fates["at_once"] < 0.6 * len(orders.sent) or kind in ("duplicate", "conflict")
