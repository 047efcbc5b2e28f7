"""The action of a row: the best of all, promised once, and said in one line."""

import math
import time
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from flashsale.decisions.decide import LEAST_EFFORT_FIRST, Decision, decide
from flashsale.decisions.reasons import Facts, reason
from flashsale.decisions.situation import Situation
from flashsale.snapshot import Action
from tests.support.situations import RULES, random_situation, rules, situation, warehouses

SHOP = random_situation(11, products=60, places=6, in_need=0.35, spread_degrees=0.05)
DECISIONS = decide(SHOP, RULES)
MINUTES = 60


def rows_of(shop: Situation) -> dict[tuple[int, int], int]:
    pairs = zip(shop.product_id.tolist(), shop.warehouse_id.tolist(), strict=True)
    return {pair: row for row, pair in enumerate(pairs)}


def test_exactly_the_pairs_in_need_get_a_decision_in_their_order() -> None:
    wanted = [i for i, status in enumerate(SHOP.status.tolist()) if status in ("at_risk", "sold_out")]
    assert [(d.product_id, d.warehouse_id) for d in DECISIONS] == [
        (int(SHOP.product_id[i]), int(SHOP.warehouse_id[i])) for i in wanted
    ]


def test_the_random_shop_uses_every_action() -> None:
    assert {d.action for d in DECISIONS} >= {"restock", "transfer", "reroute"}


@pytest.mark.parametrize("decision", DECISIONS[::7], ids=lambda d: f"{d.product_id}:{d.warehouse_id}")
def test_the_action_is_the_best_alternative_and_never_loses_money(decision: Decision) -> None:
    best = decision.alternatives[0]
    assert (best["action"], best["qty"], best["from_warehouse_id"], best["value_saved"]) == (
        decision.action,
        decision.qty,
        decision.from_warehouse_id,
        decision.value_saved,
    )
    values = [a["value_saved"] for a in decision.alternatives]
    assert values == sorted(values, reverse=True)
    assert decision.value_saved >= 0
    assert Counter(a["action"] for a in decision.alternatives).most_common(1)[0][1] == 1
    assert {"action": "monitor", "qty": 0, "from_warehouse_id": None, "value_saved": 0} in decision.alternatives
    assert (decision.from_warehouse_id is not None) == (decision.action in ("transfer", "reroute"))
    assert decision.from_warehouse_id != decision.warehouse_id


def test_no_unit_is_promised_twice_and_every_donor_keeps_its_own_need() -> None:
    """All vans of the table, and orders rerouted: a product's promises stay within what its donors can spare."""
    place = rows_of(SHOP)
    sent: dict[int, int] = defaultdict(int)
    for decision in DECISIONS:
        if decision.action == "transfer":
            assert decision.from_warehouse_id is not None
            sent[place[decision.product_id, decision.from_warehouse_id]] += decision.qty
    assert len(sent) > 10
    donors = np.array(sorted(sent))
    left = SHOP.available[donors] - np.array([sent[d] for d in sorted(sent)])
    planned = SHOP.planned[MINUTES, SHOP.group[donors]]
    risk = SHOP.posterior.take(donors).at_least(left.astype(np.float64), planned, MINUTES)
    assert risk.max() <= RULES.transfer.donor_sold_out_max + 1e-12
    assert set(SHOP.status[donors].tolist()) == {"ok"}
    assert (left >= SHOP.available[donors] * (1 - RULES.transfer.donor_share_max) - 1).all()


def test_transfers_and_rerouted_orders_together_fit_what_a_products_donors_can_spare() -> None:
    shop = situation(
        [1, 1, 1, 1], [1, 2, 3, 4], [0, 0, 0, 100], [1.0, 2.0, 3.0, 0.01], ["sold_out"] * 3 + ["ok"],
        table=warehouses(4, 0.08),
    )  # fmt: skip
    everywhere = rules(restock={"lead_minutes": 500.0}, transfer={"order_cost": 0.0}, reroute={"accept_share": 1.0})
    for unit_cost in (0.0, 100.0, 400.0):
        chosen = decide(shop, everywhere.model_copy(update={"reroute": everywhere.reroute.model_copy(
            update={"unit_cost": unit_cost})}))  # fmt: skip
        moved = [d.qty for d in chosen if d.action in ("transfer", "reroute")]
        assert 40 <= sum(moved) <= 51


def test_a_burdened_warehouse_takes_no_orders_of_others() -> None:
    for load, possible in ((RULES.reroute.load_max - 0.01, True), (RULES.reroute.load_max, False)):
        shop = situation(
            [1, 1], [1, 2], [0, 5_000], [3.0, 0.1], ["sold_out", "ok"], table=warehouses(2, 3.0, load)
        )  # fmt: skip
        (decision,) = decide(shop, RULES)
        assert ("reroute" in {a["action"] for a in decision.alternatives}) == possible


def test_a_sibling_that_needs_its_stock_itself_gives_nothing() -> None:
    shop = situation([1, 1], [1, 2], [0, 150], [3.0, 2.0], ["sold_out", "ok"], table=warehouses(2))
    (decision,) = decide(shop, RULES)
    assert not {a["action"] for a in decision.alternatives} & {"transfer", "reroute"}


def test_a_row_in_need_is_nobodys_donor_whatever_its_stock() -> None:
    shop = situation([1, 1], [1, 2], [0, 5_000], [3.0, 0.1], ["sold_out", "at_risk"], table=warehouses(2))
    for decision in decide(shop, RULES):
        assert not {a["action"] for a in decision.alternatives} & {"transfer", "reroute"}


def test_a_van_that_arrives_after_the_horizon_does_not_leave() -> None:
    for degrees, possible in ((0.3, True), (0.4, False)):
        # 111 km a degree at 1.2 min/km and 15 min: 55 and 68 min
        shop = situation(
            [1, 1], [1, 2], [0, 5_000], [30.0, 0.1], ["sold_out", "ok"], table=warehouses(2, degrees)
        )  # fmt: skip
        (decision,) = decide(shop, RULES)
        assert ("transfer" in {a["action"] for a in decision.alternatives}) == possible


def test_nothing_is_ordered_for_after_the_sales_end() -> None:
    shop = situation([1], [1], [0], [3.0], ["sold_out"], minutes=20)
    (decision,) = decide(shop, RULES)
    assert "restock" not in {a["action"] for a in decision.alternatives}


def test_when_the_sale_is_over_nothing_is_worth_doing() -> None:
    shop = situation([1, 1], [1, 2], [0, 900], [3.0, 0.1], ["sold_out", "ok"], inbound=[(0, 5.0, 9.0)], minutes=0)
    (decision,) = decide(shop, RULES)
    assert (decision.action, decision.value_saved) == ("monitor", 0)


def test_where_nothing_is_wanted_the_row_is_watched() -> None:
    shop = situation([1, 1], [1, 2], [5, 900], [0.0, 0.1], ["at_risk", "ok"])
    (decision,) = decide(shop, RULES)
    assert (decision.action, decision.qty, decision.value_saved) == ("monitor", 0, 0)
    assert LEAST_EFFORT_FIRST[0] == "monitor"


def test_an_empty_shop_has_no_decisions() -> None:
    assert decide(situation([], [], [], [], [], table=warehouses(1)), RULES) == []
    assert decide(situation([1], [1], [500], [0.1], ["ok"]), RULES) == []


def test_decisions_of_a_product_do_not_depend_on_the_other_products() -> None:
    keep = np.flatnonzero(SHOP.product_id <= 20)
    place = np.full(len(SHOP.product_id), -1)
    place[keep] = np.arange(len(keep))
    mine = place[SHOP.inbound.pair] >= 0
    part = replace(
        SHOP,
        **{name: getattr(SHOP, name)[keep] for name in (
            "product_id", "warehouse_id", "status", "available", "group",
            "unit_value", "unit_cost", "eta_minutes", "p15")},
        posterior=SHOP.posterior.take(keep),
        inbound=replace(SHOP.inbound, pair=place[SHOP.inbound.pair[mine]], minute=SHOP.inbound.minute[mine],
                        qty=SHOP.inbound.qty[mine]),
    )  # fmt: skip
    few, all_of_them = decide(part, RULES), [d for d in DECISIONS if d.product_id <= 20]
    assert sum(d.value_saved for d in few) == pytest.approx(sum(d.value_saved for d in all_of_them), rel=1e-5)
    assert [d.action for d in few] == [d.action for d in all_of_them]


def test_fifty_thousand_pairs_are_decided_within_seconds() -> None:
    """A bound that only a wrong order of growth breaks, however busy the machine."""
    shop = random_situation(3, products=5_000, places=10, in_need=0.2, spread_degrees=0.3)
    begun = time.process_time()
    decisions = decide(shop, RULES)
    assert len(decisions) > 5_000
    assert time.process_time() - begun < 5


FACTS = Facts(False, 6.2, 0.9, None, "Lahore Ring Road", 25.0)


@pytest.mark.parametrize(
    ("action", "qty", "facts", "line"),
    [
        (
            "transfer",
            140,
            FACTS,
            "sells out in ~6 min (90 % within 15); 140 spare in Lahore Ring Road arrive in 25 min",
        ),
        ("restock", 1_200, replace(FACTS, sold_out=True), "sold out; 1,200 ordered now arrive in 25 min"),
        (
            "reroute",
            30,
            replace(FACTS, eta_minutes=math.nan),
            "may sell out (90 % within 15); Lahore Ring Road can serve ~30 of its orders",
        ),
        (
            "monitor",
            0,
            replace(FACTS, p15=math.nan, next_due_minutes=9.0),
            "sells out in ~6 min; the next shipment is due in 9 min",
        ),
        ("monitor", 0, replace(FACTS, sold_out=True), "sold out; no action pays"),
    ],
)
def test_the_reason_is_one_plain_line(action: Action, qty: int, facts: Facts, line: str) -> None:
    assert reason(action, qty, facts) == line


def test_every_reason_of_a_shop_is_short() -> None:
    assert all(0 < len(d.reason) <= 110 and "\n" not in d.reason for d in DECISIONS)
