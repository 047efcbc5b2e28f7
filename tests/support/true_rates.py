"""The true rate of orders, written down once more from the model's definition.

Everything here is known before the tick it is said of; `world` is right whatever made the run.
"""

import numpy as np
import numpy.typing as npt

from generator.demand import MOST_EXCITEMENT
from generator.world import World
from tests.support.simulated import Run

FloatArray = npt.NDArray[np.float64]


def rates_by_category(run: Run, world: World) -> FloatArray:
    """Orders per second of each tick and category in an uncongested shop, (T, G): plan, chance, excitement.

    The excitement weighs each past second by exp(-age / memory), the expected and the wanted orders alike.
    """
    rules = world.scenario.excitation
    keep = np.exp(-1 / rules.memory_seconds)
    uncoupled = np.array([world.effects(tick).rate for tick in range(len(run.totals))])
    rates = np.zeros_like(uncoupled)
    wanted = expected = uncoupled[0]
    for tick, totals in enumerate(run.totals):
        if tick > 1:
            wanted = keep * wanted + (1 - keep) * totals.arrivals
            expected = keep * expected + (1 - keep) * uncoupled[tick - 1]
        if tick > 0:
            lift = np.minimum(1 + rules.branching * (wanted / expected - 1), MOST_EXCITEMENT)
            rates[tick] = lift * uncoupled[tick]
    return rates


def patience(run: Run, world: World) -> FloatArray:
    """Share of a warehouse's customers who bear its delay in each tick, (T, W)."""
    rules = world.scenario.fulfilment
    backlog = np.array([totals.backlog for totals in run.totals])
    delay = np.maximum(backlog / world.capacity, rules.base_delay_minutes)
    return np.asarray(np.exp(-rules.impatience_per_hour * (delay - rules.base_delay_minutes) / 60))


def true_rates(run: Run, world: World) -> FloatArray:
    """Orders per second of each tick and city, (T, C)."""
    share = world.gravity / world.gravity.sum(axis=1, keepdims=True)
    staying = patience(run, world) @ share.T
    return np.asarray(rates_by_category(run, world).sum(axis=1)[:, None] * staying * world.city_weight)
