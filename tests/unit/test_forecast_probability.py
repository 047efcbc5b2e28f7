"""P(sold out) against frequencies: rates, orders, shelves and outcomes simulated; the forecast sees only sales."""

import functools

import numpy as np
import pytest

from flashsale.calibration import HORIZONS
from tests.support.forecast_cases import CASES, PAIRS_OF_A_DECILE, allowed, shop_and_outlook
from tests.support.forecast_demand import RunDown, decile_gaps, run_down


@functools.cache
def future() -> RunDown:
    """Six futures of each pair from its true rate: a decile is then known to about 0.012 (one standard error)."""
    shop, _ = shop_and_outlook()
    return run_down(np.random.default_rng(12), shop.rate, shop.phi, shop.stock, shop.ahead(), HORIZONS, futures=6)


@pytest.mark.parametrize(
    ("row", "compared"), [(0, 40), (1, 80), (2, 60)], ids=[f"{horizon} min" for horizon in HORIZONS]
)
def test_every_decile_of_p_is_kept(row: int, compared: int) -> None:
    """`compared`: deciles that must be found with pairs enough, of all cases together."""
    shop, outlook = shop_and_outlook()
    deciles = 0
    for number, case in enumerate(CASES):
        mine = shop.case == number
        gaps = decile_gaps(outlook.forecast.p[row, mine], future().empty[row, mine], PAIRS_OF_A_DECILE)
        deciles += len(gaps)
        assert gaps.max(initial=0) < allowed(case), f"{case}: {gaps.round(3)}"
    assert deciles >= compared


def test_expected_short_is_the_mean_shortage() -> None:
    shop, outlook = shop_and_outlook()
    for number, case in enumerate(CASES):
        mine = shop.case == number
        stated, seen = outlook.forecast.short[mine].mean(), future().short[mine].mean()
        assert stated == pytest.approx(seen, rel=0.05, abs=0.05), f"{case}: {stated:.3f} stated, {seen:.3f} seen"


def test_expected_short_tells_the_pairs_apart() -> None:
    shop, outlook = shop_and_outlook()
    for number, case in enumerate(CASES):
        mine = shop.case == number
        stated, seen = outlook.forecast.short[mine], future().short[mine]
        for part in np.array_split(np.argsort(stated), 4):
            assert stated[part].mean() == pytest.approx(seen[part].mean(), rel=0.15, abs=0.15), str(case)
