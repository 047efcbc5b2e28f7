"""The 36 cases on which the forecast is held to its word, drawn and forecast once for all tests."""

import functools

import numpy as np

from flashsale.demand.inbound import Arrivals
from flashsale.outlook import Outlook, look_ahead
from tests.support.forecast_shop import FREE, SEEN, Case, Shop, drawn_shop

CASES = tuple(
    Case(stock, phi, ramp) for stock in (1, 2, 3, 5, 10, 60) for phi in (1.0, 2.0, 3.5) for ramp in (False, True)
)
PAIRS_OF_A_DECILE = 400
"""Fewer would not tell 0.05 from chance."""


@functools.cache
def shop_and_outlook() -> tuple[Shop, Outlook]:
    """2500 pairs of each case, twice as many where little is sold; the forecast of each without shipments."""
    shop = drawn_shop(np.random.default_rng(11), CASES, [5000 if case.stock < 5 else 2500 for case in CASES])
    state, last = shop.before, (shop.last,)
    return shop, look_ahead(state, last, shop.stock, shop.places, shop.plan, SEEN - 1, Arrivals.none(), FREE)


def allowed(case: Case) -> float:
    """How far a decile of P may be off."""
    return 0.07 if case.stock < 3 else 0.05
