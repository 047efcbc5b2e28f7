"""What an action is worth against waiting: the same shop run minute by minute with and without it."""

from typing import Any

import numpy as np
import pytest

from flashsale.decisions.decide import Alternative, Decision, decide
from flashsale.decisions.values import newsvendor_qty
from tests.support.sampled_demand import drawn_demand, lost_each_minute
from tests.support.situations import rules, situation, warehouses

RUNS = 15_000
HORIZON = 60
VALUE, COST = 100_000.0, 60_000.0
GOODWILL = 0.05
SAVED = VALUE - COST + GOODWILL * VALUE

CASES = [
    # available, rate, shape, φ, inbound
    (0, 1.5, 40.0, 1.0, ()),
    (25, 2.0, 8.0, 1.5, ()),
    (60, 3.0, 60.0, 2.0, ((20.0, 40.0),)),
    (10, 0.4, 4.0, 1.2, ((45.0, 6.0),)),
    (90, 2.0, 30.0, 1.0, ()),
    (0, 5.0, 15.0, 1.3, ((10.0, 50.0), (35.0, 60.0), (50.0, 20.0))),
]


def free(**tables: dict[str, Any]) -> Any:
    """Rules with simple costs; what a test does not name costs nothing."""
    base: dict[str, dict[str, Any]] = {
        "shortage": {"goodwill_share": GOODWILL},
        "restock": {"lead_minutes": 30.0, "handling_share": 0.05, "order_cost": 10.0, "leftover_share": 0.2},
        "reroute": {"accept_share": 0.5, "unit_cost": 50.0, "load_max": 0.8},
        "pause_ads": {"demand_share": 0.3, "lost_sale_share": 1.0},
    }
    return rules(**{name: {**base.get(name, {}), **tables.get(name, {})} for name in {*base, *tables}})


def only(decision: Decision, action: str) -> Alternative:
    (found,) = [a for a in decision.alternatives if a["action"] == action]
    return found


def one_pair(case: Any, **changes: Any) -> Any:
    available, rate, shape, phi, inbound = case
    return situation(
        [1], [1], [available], [rate], ["at_risk" if available else "sold_out"],
        shape=shape, phi=phi, unit_value=VALUE, unit_cost=COST,
        inbound=[(0, minute, qty) for minute, qty in inbound], **changes,
    )  # fmt: skip


def losses(case: Any, extra: tuple[tuple[float, float], ...] = (), demand_share: float = 1.0) -> Any:
    available, rate, shape, phi, inbound = case
    wanted = drawn_demand(7, RUNS, HORIZON, rate, shape, phi)
    return wanted, lost_each_minute(wanted * demand_share, available, (*inbound, *extra))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lead", [0.0, 12.0, 30.0])
def test_the_value_of_a_restock_is_what_the_shop_earns_more(case: Any, lead: float) -> None:
    settings = free(restock={"lead_minutes": lead})
    (decision,) = decide(one_pair(case), settings)
    found = [a for a in decision.alternatives if a["action"] == "restock"]
    _, waiting = losses(case)
    if not found:
        assert waiting[:, int(lead) :].sum(axis=1).mean() < 1
        return
    qty = found[0]["qty"]
    _, helped = losses(case, ((lead, qty),))
    saved = (waiting - helped).sum(axis=1)
    earned = SAVED * saved - 0.05 * COST * qty - 0.2 * COST * (qty - saved) - 1_000
    scale = SAVED * waiting.sum(axis=1).mean()
    assert found[0]["value_saved"] == pytest.approx(earned.mean(), abs=0.03 * scale + 3_000)


@pytest.mark.parametrize("case", CASES)
def test_the_newsvendors_quantity_earns_all_but_the_best_that_any_quantity_earns(case: Any) -> None:
    lead = 15
    (decision,) = decide(one_pair(case), free(restock={"lead_minutes": float(lead), "order_cost": 0.0}))
    found = [a for a in decision.alternatives if a["action"] == "restock"]
    _, waiting = losses(case)
    lost = waiting[:, lead:].sum(axis=1)
    chosen = found[0]["qty"] if found else 0

    def profit(qty: int) -> float:
        saved = np.minimum(lost, qty)
        return float((SAVED * saved - 0.05 * COST * qty - 0.2 * COST * (qty - saved)).mean())

    curve = [profit(qty) for qty in range(int(lost.max()) + 1)]
    assert profit(chosen) >= 0.99 * max(curve) - 0.01 * SAVED
    assert profit(chosen) > profit(chosen // 2) or chosen == 0, "a flat curve would let any quantity pass"


@pytest.mark.parametrize("case", CASES)
def test_the_value_of_pausing_ads_is_goodwill_kept_less_margin_not_earned(case: Any) -> None:
    (decision,) = decide(one_pair(case), free(shortage={"goodwill_share": 0.4}))
    wanted, waiting = losses(case)
    _, calm = losses(case, demand_share=0.7)
    fewer_lost = (waiting - calm).sum(axis=1).mean()
    fewer_sold = 0.3 * wanted.sum(axis=1).mean() - fewer_lost
    expected = 0.4 * VALUE * fewer_lost - (VALUE - COST) * fewer_sold
    scale = 0.4 * VALUE * wanted.sum(axis=1).mean()
    assert only(decision, "pause_ads")["value_saved"] == pytest.approx(expected, abs=0.02 * scale)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("distance", [0.0, 0.1])
def test_the_value_of_a_transfer_is_what_the_shop_earns_more(case: Any, distance: float) -> None:
    available, rate, shape, phi, inbound = case
    shop = situation(
        [1, 1], [1, 2], [available, 5_000], [rate, 0.1], ["at_risk" if available else "sold_out", "ok"],
        shape=shape, phi=phi, unit_value=VALUE, unit_cost=COST, table=warehouses(2, distance),
        inbound=[(0, minute, qty) for minute, qty in inbound],
    )  # fmt: skip
    costs = {"base_minutes": 10.0, "minutes_per_km": 1.0, "unit_cost": 20.0, "order_cost": 100.0, "min_qty": 1}
    (decision,) = decide(shop, free(transfer=costs))
    found = [a for a in decision.alternatives if a["action"] == "transfer"]
    lead = 10 + round(distance * 111.2)
    _, waiting = losses(case)
    if not found:
        assert waiting[:, lead:].sum(axis=1).mean() < 1
        return
    qty = found[0]["qty"]
    _, helped = losses(case, ((lead, qty),))
    saved = (waiting - helped).sum(axis=1).mean()
    scale = SAVED * waiting.sum(axis=1).mean()
    assert found[0]["value_saved"] == pytest.approx(SAVED * saved - 2_000 * qty - 10_000, abs=0.03 * scale + 3_000)
    assert found[0]["from_warehouse_id"] == 2


def test_orders_are_rerouted_as_far_as_customers_accept_and_siblings_can_spare() -> None:
    for stock, spare_binds in ((5_000, False), (60, True)):
        shop = situation(
            [1, 1], [1, 2], [0, stock], [2.0, 0.01], ["sold_out", "ok"], unit_value=VALUE, unit_cost=COST,
            table=warehouses(2, 5.0),
        )  # fmt: skip
        (decision,) = decide(shop, free())
        found = only(decision, "reroute")
        wanted = drawn_demand(3, RUNS, HORIZON, 2.0, 50.0, 1.0).sum(axis=1)
        served = np.minimum(0.5 * wanted, stock // 2)
        assert found["value_saved"] == pytest.approx((SAVED - 5_000) * served.mean(), rel=0.01)
        assert found["qty"] == pytest.approx(served.mean(), abs=1)
        assert (served.mean() < 0.4 * wanted.mean()) == spare_binds


def test_what_comes_anyway_is_not_ordered_again() -> None:
    def ordered(*inbound: tuple[int, float, float]) -> int:
        shop = situation([1], [1], [5], [2.0], ["at_risk"], inbound=inbound)
        (decision,) = decide(shop, free())
        return max((a["qty"] for a in decision.alternatives if a["action"] == "restock"), default=0)

    nothing, some, much = ordered(), ordered((0, 30.0, 30.0)), ordered((0, 25.0, 1_000.0))
    assert nothing - 33 <= some <= nothing - 27
    assert much == 0
    assert ordered((0, 90.0, 1_000.0)) == nothing, "after the horizon it helps nobody"


def test_newsvendor_is_the_quantile_at_the_critical_ratio() -> None:
    lost = np.arange(1.0, 129.0, dtype=np.float32)[None, :]
    for under, over, qty in ((1.0, 1.0, 64), (3.0, 1.0, 96), (1.0, 0.0, 128), (0.0, 1.0, 0), (-1.0, 5.0, 0)):
        assert newsvendor_qty(lost, np.array([under]), np.array([over])).tolist() == [qty]


def test_nothing_earned_by_a_unit_means_no_units_moved() -> None:
    shop = situation([1, 1], [1, 2], [0, 900], [3.0, 0.1], ["sold_out", "ok"], unit_value=50.0, unit_cost=100.0)
    (decision,) = decide(shop, free())
    assert {a["action"] for a in decision.alternatives if a["value_saved"] > 0} <= {"pause_ads"}
    assert decision.value_saved >= 0
