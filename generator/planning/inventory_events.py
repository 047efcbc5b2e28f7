"""How many inventory events to expect: a key speaks at most once per second, when it changed or is due to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.scenario import Fulfilment

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EventRates:
    """Events per second: `now` when units are ordered, or nothing happened for long; `later` (W,) when they leave."""

    now: float
    later: FloatArray


def expected_events(orders: FloatArray, stocked: BoolArray, rules: Fulfilment) -> EventRates:
    """Of keys that sell `orders` (P, W) per second, each a Poisson stream; `stocked` (P, W).

    A key changes in a second with probability 1 − exp(−λ) by an order, and with
    (1 − exp(−λ·s)) ÷ s by a wave, where s is the seconds between two waves; a heartbeat
    of period h comes in 1 ÷ h of the seconds without either.
    """
    quiet = np.exp(-orders)
    wave = -np.expm1(-orders * rules.wave_seconds) / rules.wave_seconds
    heartbeats = (quiet * (1 - wave))[stocked].sum() / rules.heartbeat_seconds
    return EventRates(float((1 - quiet).sum() + heartbeats), (quiet * wave).sum(axis=0))
