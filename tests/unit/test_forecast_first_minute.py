"""A sale may start within a minute of the clock: its first minute is short, and nobody is warned for that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from flashsale.calibration import Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import SalePlan
from flashsale.demand.state import DemandState, Places
from flashsale.outlook import Observed, Outlook, look_ahead

START = datetime(2026, 11, 11, 9, 0, 45, tzinfo=UTC)
PAIRS = 40
PLACES = Places(np.arange(PAIRS), np.zeros(PAIRS, dtype=np.int64), np.zeros(PAIRS, dtype=np.int64))


def plan(minutes: int = 90, intensity: tuple[int, ...] = (1000,)) -> SalePlan:
    campaign: dict[str, Any] = {
        "categories": [],
        "products": [],
        "discount_pct": 0.0,
        "starts_at": START,
        "ends_at": START + timedelta(minutes=minutes),
        "planned_intensity": [intensity[min(k, len(intensity) - 1)] for k in range(minutes)],
    }
    return SalePlan([campaign], START, minutes, range(PAIRS), ["all"] * PAIRS)


def first_minute(in_stock_ms: int = 15_000, open_ms: int = 15_000) -> Outlook:
    """Fifteen seconds of a sale that sells 60 units a minute and pair, 3,000 of each on the shelf."""
    sold = np.full(PAIRS, 15, dtype=np.int64)
    observed = Observed(sold, sold, sold, np.full(PAIRS, in_stock_ms), open_ms)
    stock = np.full(PAIRS, 3_000, dtype=np.int64)
    return look_ahead(
        DemandState.nothing(PAIRS), (observed,), stock, PLACES, plan(), -0.75, Arrivals.none(), Calibration()
    )


def test_a_quarter_of_a_minute_is_a_quarter_of_a_minute() -> None:
    outlook = first_minute()
    assert outlook.state.exposure == pytest.approx(0.25)
    assert outlook.demand.rate() == pytest.approx(60, rel=0.05)
    assert (outlook.forecast.p < 0.01).all(), "fifty minutes of stock"


def test_before_the_sale_nobody_found_an_empty_shelf() -> None:
    assert (first_minute().lost == 0).all()
    assert (first_minute(in_stock_ms=5_000).lost > 0).all(), "ten of the fifteen seconds without stock"


def test_the_plan_is_read_at_any_second() -> None:
    ramp = plan(4, (1000, 2000, 3000, 4000))
    assert ramp.at(-0.75).tolist() == [0.25]
    assert ramp.at(0.25) == pytest.approx([0.75 * 1 + 0.25 * 2])
    assert ramp.at(3.25) == pytest.approx([0.75 * 4])
    assert ramp.at(4.25).tolist() == [0.0]
    assert ramp.at(1).tolist() == [2.0]
    ahead = ramp.ahead(0.25)
    assert ahead.minutes == 4, "a minute that is begun counts"
    assert ahead.cumulative[:, 0] == pytest.approx([0, 1.25, 3.5, 6.75, 9.75])
    assert ramp.ahead(-0.75).cumulative[-1, 0] == ramp.ahead(0).cumulative[-1, 0] == 10


def test_fractions_and_whole_minutes_agree() -> None:
    ramp = plan(30, tuple(range(500, 3500, 100)))
    whole, near = ramp.ahead(7), ramp.ahead(7 + 1e-9)
    assert near.cumulative[: len(whole.cumulative)] == pytest.approx(whole.cumulative, abs=1e-6)
    assert sum(float(ramp.at(k + 0.4)[0]) for k in range(-1, 31)) == pytest.approx(ramp.ahead(0).cumulative[-1, 0])
