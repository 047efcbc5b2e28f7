"""The plan ahead against a plain sum of the campaigns' minutes."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsale.campaigns import CampaignPlan
from flashsale.demand.plan_ahead import SalePlan
from tests.support.forecast_shop import START, campaign

MINUTES = 40
IDS = (7, 3, 9, 12, 5)
CATEGORIES = ("phones", "shoes", "phones", "toys", "toys")

CAMPAIGNS = st.lists(
    st.builds(
        lambda first, permille, discount, categories, products: campaign(
            np.array(permille) / 1000,
            categories,
            starts_at=START + timedelta(minutes=first),
            products=products,
            discount_pct=discount,
        ),
        st.integers(-15, 45),
        st.lists(st.integers(0, 6000), min_size=1, max_size=30),
        st.floats(0, 95),
        st.lists(st.sampled_from(["phones", "shoes", "nothing"]), max_size=2),
        st.lists(st.sampled_from([7, 3, 12, 99]), max_size=2),
    ),
    max_size=4,
)


def sale(campaigns: list[dict[str, Any]], elasticity: float = 0.0) -> SalePlan:
    return SalePlan(campaigns, START, MINUTES, IDS, CATEGORIES, elasticity)


@settings(deadline=None)
@given(CAMPAIGNS, st.integers(0, MINUTES), st.floats(0, 60), st.sampled_from([0.0, 1.5]))
def test_planned_minutes_are_the_sum_of_the_minutes(
    campaigns: list[dict[str, Any]], now: int, ahead: float, elasticity: float
) -> None:
    by_minute = CampaignPlan(campaigns, START, IDS, CATEGORIES)
    by_hand = np.zeros(len(IDS))
    for minute in range(now, MINUTES):
        part = min(max(now + ahead - minute, 0.0), 1.0)
        intensity, discount = by_minute.at(minute)
        by_hand += part * intensity * (1 - discount) ** -elasticity
    plan = sale(campaigns, elasticity)
    seen = plan.ahead(now)
    assert seen.minutes == MINUTES - now
    assert seen.planned(ahead, plan.group) == pytest.approx(by_hand, rel=1e-9, abs=1e-6)
    each = seen.planned_each(np.full(len(IDS), ahead), plan.group)
    assert each == pytest.approx(by_hand, rel=1e-9, abs=1e-6)


@settings(deadline=None)
@given(CAMPAIGNS, st.integers(-3, MINUTES + 3))
def test_intensity_of_a_minute_is_that_of_the_campaigns(campaigns: list[dict[str, Any]], minute: int) -> None:
    plan = sale(campaigns)
    within = 0 <= minute < MINUTES
    by_hand = CampaignPlan(campaigns, START, IDS, CATEGORIES).at(minute)[0] if within else np.zeros(len(IDS))
    assert plan.at(minute)[plan.group] == pytest.approx(by_hand)


def test_products_under_the_same_campaigns_share_a_plan() -> None:
    plan = sale([campaign(np.ones(9) * 2, ["phones"]), campaign(np.ones(9) * 3, [], products=[12])])
    assert plan.group[0] == plan.group[2]
    assert plan.group[1] == plan.group[4]
    assert len(set(plan.group.tolist())) == 3
    assert plan.at(0)[plan.group].tolist() == [2, 1, 2, 3, 1]


def test_without_campaigns_every_minute_is_one() -> None:
    plan = sale([])
    assert plan.group.tolist() == [0] * len(IDS)
    assert plan.ahead(30).planned(4.25, plan.group).tolist() == [4.25] * len(IDS)


def test_nothing_is_planned_after_the_end() -> None:
    plan = sale([])
    assert plan.ahead(MINUTES - 2).planned(30, plan.group).tolist() == [2.0] * len(IDS)
    for minute in (MINUTES, MINUTES + 7):
        after = plan.ahead(minute)
        assert after.minutes == 0
        assert after.planned(30, plan.group).tolist() == [0.0] * len(IDS)
        assert after.planned_each(np.full(len(IDS), 3.5), plan.group).tolist() == [0.0] * len(IDS)


def test_time_never_runs_backwards() -> None:
    plan = sale([])
    assert plan.ahead(5).planned(-3.0, plan.group).tolist() == [0.0] * len(IDS)
    assert plan.ahead(5).planned_each(np.full(len(IDS), -3.0), plan.group).tolist() == [0.0] * len(IDS)


def test_a_ramp_is_followed_within_the_minute() -> None:
    plan = sale([campaign(np.array([1.0, 3.0, 5.0]))])
    planned = [float(plan.ahead(0).planned(at, plan.group)[0]) for at in (0, 0.5, 1, 1.5, 2, 2.9)]
    assert planned == pytest.approx([0, 0.5, 1, 2.5, 4, 8.5])
