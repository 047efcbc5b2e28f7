"""The sale with and without people who act: who sees what when, and what comes of it."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation import policy
from evaluation.cases import Case, scenario_of
from evaluation.counterfactual import Estimate, compare, share_saved
from evaluation.counterfactual_books import Course
from evaluation.counterfactual_sale import WAITING, run_sale
from evaluation.policy import Hands, InProgress, Move
from evaluation.policy_screen import Seen
from evaluation.simulated_sale import simulate
from evaluation.situations import situations
from flashsale.calibration import Calibration
from flashsale.decisions.decide import decide
from flashsale.decisions.rules import DecisionRules
from flashsale.errors import FlashsaleError
from flashsale.market import draw_market
from tests.support.situations import RULES, random_situation, rules

ROOT = Path(__file__).parents[2]
FLAT = Case("flat", 101, None, fraction=0.05, products=20, minutes=28)
SHORT = replace(FLAT, minutes=8)
QUICK = {"lead_minutes": 2.0}
"""Sales are short here, so suppliers are near."""
HOPELESS = rules(
    shortage={"goodwill_share": 0.0},
    restock={**QUICK, "order_cost": 1e7},
    transfer={"order_cost": 1e7},
    reroute={"unit_cost": 1e7},
)


@pytest.fixture(scope="module")
def flat() -> tuple[Course, Course, Course]:
    """Waiting, following the table, following the rival."""
    hands = Hands(rules=rules(restock=QUICK))
    waiting, table, velocity = (run_sale(FLAT, who, hands) for who in (WAITING, "table", "velocity"))
    return waiting, table, velocity


def always(qty: int = 1) -> policy.Policy:
    """Who orders for every pair in every minute."""

    def moves(seen: Seen, busy: InProgress, rules: DecisionRules) -> list[Move]:
        return [Move("restock", pair, qty, -1, 0.0, 1.0) for pair in range(len(seen.velocity))]

    return moves


def same(left: Course, right: Course) -> bool:
    """Whether all that was lost, sold and spent is the same."""
    arrays = ("turned_away", "lost_units", "lost_value", "lost_margin")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in arrays) and (
        (left.sold_units, left.margin) == (right.sold_units, right.margin)
    )


def test_in_a_flat_sale_who_follows_the_table_loses_less_sells_more_and_earns_more(
    flat: tuple[Course, Course, Course],
) -> None:
    waiting, table, _ = flat
    assert waiting.action_cost == waiting.leftover_cost == 0
    assert table.turned_away.sum() < waiting.turned_away.sum()
    assert table.lost_units.sum() < waiting.lost_units.sum()
    assert table.sold_units > waiting.sold_units
    assert table.margin > waiting.margin
    # All that is lost by waiting turns a customer away, and costs 2 % of its value in goodwill.
    assert waiting.worth == pytest.approx(waiting.margin - 0.02 * waiting.lost_value.sum())
    assert table.worth - waiting.worth > table.margin - waiting.margin


def test_nothing_can_be_better_before_anybody_has_acted(flat: tuple[Course, Course, Course]) -> None:
    """The first settled minute is on the screen at the end of minute 2: minutes 0 to 2 are the same."""
    waiting, table, velocity = flat
    for acting in (table, velocity):
        assert np.array_equal(acting.lost_value[:3], waiting.lost_value[:3])
        assert not np.array_equal(acting.lost_value, waiting.lost_value)


def test_where_people_come_whatever_the_stock_every_unit_is_sold_or_lost(flat: tuple[Course, Course, Course]) -> None:
    """The flat sale has neither scarcity nor queues that deter: the same people come, and want the same in all."""
    wanted = {course.policy: course.sold_units + course.lost_units.sum() for course in flat}
    assert len(set(wanted.values())) == 1, wanted


def test_the_margin_is_what_is_earned_less_goods_actions_and_leftovers(flat: tuple[Course, Course, Course]) -> None:
    _, _, velocity = flat
    restock = velocity.spent["restock"]
    rule = Hands().rules.restock
    cost = draw_market(scenario_of(FLAT), FLAT.seed).products.unit_cost
    least, most = (restock.units * rule.handling_share * bound for bound in (cost.min(), cost.max()))
    assert least < restock.cost - restock.times * rule.order_cost * 100 < most
    assert 0 < velocity.leftover_units <= restock.units
    assert velocity.leftover_cost <= velocity.leftover_units * rule.leftover_share * cost.max()
    assert velocity.margin == pytest.approx(
        velocity.revenue - velocity.cost_of_goods - restock.cost - velocity.leftover_cost
    )


def test_where_every_action_costs_too_much_nothing_is_done_and_the_sale_is_the_same() -> None:
    case = replace(FLAT, minutes=18)
    waiting, table = (run_sale(case, who, Hands(rules=HOPELESS)) for who in (WAITING, "table"))
    assert waiting.turned_away.sum() > 0
    assert all(spent.times == 0 for spent in table.spent.values())
    assert same(waiting, table)
    usual = run_sale(case, "table", Hands(rules=rules(restock=QUICK)))
    assert usual.spent["restock"].times > 0
    assert not same(waiting, usual)


def test_what_is_under_way_is_not_proposed_again_and_the_most_valuable_comes_first() -> None:
    seen = Seen(0, random_situation(3, products=30, places=4, in_need=0.5), np.zeros(120))
    free, taken = np.zeros(120, dtype=np.bool_), np.ones(120, dtype=np.bool_)
    cheap = rules(reroute={"unit_cost": 0.0}, restock={"order_cost": 0.0}, transfer={"order_cost": 0.0})
    kinds = {}
    for delivery in (False, True):
        for eased in (False, True):
            busy = InProgress(taken if delivery else free, taken if eased else free)
            moves = policy.follow_table(seen, busy, cheap)
            values = [move.value for move in moves]
            assert values == sorted(values, reverse=True)
            assert all(value > 0 for value in values)
            kinds[delivery, eased] = {move.kind for move in moves}
    deliveries = {"restock", "transfer"}
    assert {"restock", "transfer", "reroute"} <= kinds[False, False]
    assert kinds[False, True] == deliveries
    assert kinds[True, False] == {"reroute", "pause_ads"}
    assert kinds[True, True] == set()


def test_the_table_is_followed_to_the_letter_where_nothing_is_under_way() -> None:
    situation = random_situation(4, products=30, places=4, in_need=0.5)
    nothing = InProgress(np.zeros(120, dtype=np.bool_), np.zeros(120, dtype=np.bool_))
    moves = policy.follow_table(Seen(0, situation, np.zeros(120)), nothing, RULES)
    decided = {
        (one.product_id, one.warehouse_id): (one.action, one.qty, one.from_warehouse_id, one.value_saved)
        for one in decide(situation, RULES)
        if one.action != "monitor"
    }
    assert len(moves) == len(decided) > 20
    for move in moves:
        pair = int(situation.product_id[move.pair]), int(situation.warehouse_id[move.pair])
        source = move.source + 1 if move.source >= 0 else None
        assert (move.kind, move.qty, source, move.value) == decided[pair]
        if move.kind == "transfer":
            distance = situation.warehouses.distance_km()[pair[1] - 1, move.source]
            assert move.lead == pytest.approx(15.0 + 1.2 * distance)


def test_people_take_so_many_actions_a_minute_and_no_second_delivery_is_ordered_for_a_pair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(policy.POLICIES, "always", always())
    minutes = SHORT.minutes - 2
    course = run_sale(SHORT, "always", Hands(attention=3))
    assert course.spent["restock"].times == 3 * minutes


def test_whom_paused_ads_keep_away_is_lost_but_not_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def pause(seen: Seen, busy: InProgress, rules: DecisionRules) -> list[Move]:
        return [Move("pause_ads", pair, 0, -1, 0.0, 1.0) for pair in np.flatnonzero(~busy.eased).tolist()]

    monkeypatch.setitem(policy.POLICIES, "pause", pause)
    silent = Hands(attention=1_000, rules=rules(pause_ads={"demand_share": 1.0}))
    waiting, paused = (run_sale(SHORT, who, silent) for who in (WAITING, "pause"))
    assert paused.kept_away > 0
    assert paused.lost_units.sum() == paused.turned_away.sum() + paused.kept_away
    assert paused.sold_units + paused.lost_units.sum() == waiting.sold_units + waiting.lost_units.sum()
    assert paused.lost_value.sum() > waiting.lost_value.sum()
    # Disappointed is only who came.
    assert paused.goodwill_lost == pytest.approx(0, abs=1e-3)


def test_people_act_so_many_minutes_after_the_minute_they_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy.POLICIES, "always", always())
    for reaction in (2, 5):
        course = run_sale(SHORT, "always", Hands(reaction_minutes=reaction, attention=1))
        assert course.spent["restock"].times == SHORT.minutes - reaction
    with pytest.raises(FlashsaleError, match="reaction of 1 minutes"):
        Hands(reaction_minutes=1)


def test_the_supplier_gets_no_more_than_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy.POLICIES, "always", always(10**6))
    market = draw_market(scenario_of(SHORT), SHORT.seed)
    opening = int((market.opening.sum(axis=1) * market.products.unit_cost).sum())
    spent = run_sale(SHORT, "always", Hands(supply_share=0.2)).spent["restock"]
    assert 0 < spent.units * market.products.unit_cost.min() <= 0.2 * opening
    assert run_sale(SHORT, "always", Hands(supply_share=0.0)).spent["restock"].times == 0


def test_the_screen_shows_the_forecast_that_the_backtest_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ways to the same minute: the screen's stream of rollups, and the replay of a recorded sale."""
    shown: list[Seen] = []

    def watch(seen: Seen, busy: InProgress, rules: DecisionRules) -> list[Move]:
        shown.append(seen)
        return []

    monkeypatch.setitem(policy.POLICIES, "watch", watch)
    case = replace(FLAT, minutes=18)
    run_sale(case, "watch", Hands())
    replayed = list(situations(simulate(case), Calibration()))
    # Minutes are shown when they are settled, two minutes later.
    assert len(shown) == case.minutes - 2
    for seen, one in zip(shown, replayed, strict=False):
        assert seen.minute + 1 == one.now
        assert np.array_equal(seen.situation.available, one.shelves.available)
        assert np.allclose(seen.velocity, one.velocity)
        assert np.allclose(seen.situation.posterior.shape, one.demand.shape)
        assert np.allclose(seen.situation.posterior.exposure, one.demand.exposure)
        assert sorted(seen.situation.inbound.qty) == sorted(one.due.qty)
    last = shown[-1].situation
    assert {"sold_out", "at_risk", "ok"} <= set(last.status.tolist())
    assert ((last.available == 0) == np.isin(last.status, ["sold_out", "not_stocked"])).all()


def test_the_policy_knows_nothing_but_what_is_on_the_screen() -> None:
    for path in (ROOT / "evaluation").glob("policy*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert not module.startswith("generator"), path
                assert module not in ("flashsale.market", "evaluation.simulated_sale", "evaluation.recording"), path


def test_seeds_are_compared_by_the_same_figures_for_any_number_of_workers() -> None:
    cases = [replace(FLAT, seed=seed, minutes=4) for seed in (101, 102)]
    hands, said = Hands(), list[str]()
    alone = compare(cases, hands, 1, said.append, ["velocity"])
    together = compare(cases, hands, 2, policies=["velocity"])
    assert [(one.units, one.value, one.margin, one.revenue) for one in alone] == [
        (one.units, one.value, one.margin, one.revenue) for one in together
    ]
    assert np.array_equal(alone[0].lost, together[0].lost)
    assert said[-1].startswith("4 of 4 sales: flat, seed 102")


@pytest.mark.parametrize(("seed", "fitted"), [(3, ()), (120, (119, 120))])
def test_a_seed_that_calibrations_are_fitted_on_is_refused(seed: int, fitted: tuple[int, ...]) -> None:
    hands = Hands(calibration=Calibration(seeds=fitted))
    with pytest.raises(FlashsaleError, match=f"seed {seed}: calibrations are fitted on it"):
        compare([replace(SHORT, seed=seed)], hands, 1)


def test_the_interval_is_that_of_the_paired_t() -> None:
    """Of 1, 2, 6: mean 3, standard deviation √7, t(2 degrees of freedom, 97.5 %) = 4.30265 (Fisher's table)."""
    found = Estimate.of([1.0, 2.0, 6.0])
    half = 4.30265 * np.sqrt(7) / np.sqrt(3)
    assert (found.mean, found.least) == (3.0, 1.0)
    assert [found.low, found.high] == pytest.approx([3 - half, 3 + half], rel=1e-5)
    assert np.isnan(Estimate.of([1.0]).low)


def test_the_share_saved_is_zero_where_there_is_nothing_to_save() -> None:
    assert share_saved(np.array([6.0, 2.0]), np.array([1.0, 1.0])) == 0.75
    assert share_saved(np.zeros(2), np.zeros(2)) == 0.0
    assert share_saved(np.zeros(2), np.ones(2)) == -np.inf
