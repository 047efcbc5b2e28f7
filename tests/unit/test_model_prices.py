"""Prices are log-normal around the discounted price, without bias, and as wide as their category says.

Seeds are fixed; the test that a right model passes has a false-alarm rate of `ALPHA` (0.001).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from flashsale.market import draw_market
from generator.facts import OrderColumns
from generator.world import World
from tests.support.laws import ALPHA, log_normal, smallest
from tests.support.sale_texts import FULL_SHELVES
from tests.support.samplers import PRICES, Wrong
from tests.support.simulated import START_MS, simulate, worlds_of

FloatArray = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return worlds_of(FULL_SHELVES)


def ratios_by_category(orders: OrderColumns, worlds: list[World]) -> Iterator[tuple[str, float, FloatArray]]:
    """(category, stated sigma, price paid ÷ discounted base price)."""
    minute = (orders.ts - START_MS) // 60_000
    mean = np.empty(len(orders.ts))
    for world in worlds:
        own = np.isin(orders.product_id, world.product_id)
        for m in np.unique(minute).tolist():
            rows = np.flatnonzero(own & (minute == m))
            index = np.searchsorted(world.product_id, orders.product_id[rows])
            mean[rows] = world.effects(60 * m).price[index]
    kinds = np.array(draw_market(worlds[0].scenario, worlds[0].seed).products.categories)[orders.product_id - 1]
    for category in worlds[0].scenario.products.categories:
        own = kinds == category.name
        yield category.name, category.price_sigma, (orders.value / orders.qty / mean)[own]


def test_prices_are_log_normal_around_the_discounted_price(worlds: list[World]) -> None:
    """Mean, spread and shape of both categories; false-alarm rate 0.001 for all."""
    orders = simulate(worlds, 300).orders()
    assert smallest(log_normal(ratios, sigma) for _, sigma, ratios in ratios_by_category(orders, worlds)) > ALPHA


@pytest.mark.parametrize("wrong", PRICES, ids=str)
def test_the_log_normal_law_rejects(wrong: Wrong, worlds: list[World], monkeypatch: pytest.MonkeyPatch) -> None:
    """In each category alone."""
    wrong.put_in(monkeypatch)
    drawn = simulate(worlds_of(FULL_SHELVES), 180).orders()
    monkeypatch.undo()
    for category, sigma, ratios in ratios_by_category(drawn, worlds):
        assert log_normal(ratios, sigma) < ALPHA, category
