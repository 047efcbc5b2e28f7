"""The line that says why: never more certain, and never more time, than there is."""

import math

import pytest

from flashsale.decisions.reasons import Facts, reason


def line(eta: float, p15: float) -> str:
    return reason("monitor", 0, Facts(False, eta, p15, None, "", 0.0))


@pytest.mark.parametrize(
    ("eta", "p15", "told"),
    [
        (6.9, 0.9, "sells out in ~6 min (90 % within 15); no action pays"),
        (1.0, 0.999, "sells out in ~1 min (99 % within 15); no action pays"),
        (0.4, 1.0, "sells out within a minute (100 % within 15); no action pays"),
        (math.nan, 0.3, "may sell out (30 % within 15); no action pays"),
        (12.0, math.nan, "sells out in ~12 min; no action pays"),
    ],
)
def test_minutes_are_rounded_down_and_chance_never_up_to_certainty(eta: float, p15: float, told: str) -> None:
    assert line(eta, p15) == told


def test_sold_out_is_said_as_such() -> None:
    assert reason("monitor", 0, Facts(True, 0.0, 1.0, 13.6, "", 0.0)) == "sold out; the next shipment is due in 14 min"
