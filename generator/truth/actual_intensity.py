"""Planned and actual intensity of each category: what the plan said, and what demand did."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generator.truth.again import Replay

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IntensityMinute:
    """A minute of the sale, counted from 0; all (G,) by category.

    `planned`, `actual`: intensity, 1 is base demand, mean over the category's products by
    their popularity; `factor`: the hidden deviation, of which `actual` is the product with the
    plan `shift_minutes` ago; `orders_per_second`: expected, discounts and bursts included,
    before scarcity, excitation and congestion.
    """

    minute: int
    planned: FloatArray
    actual: FloatArray
    factor: FloatArray
    shift_minutes: FloatArray
    orders_per_second: FloatArray


def intensity_minutes(replay: Replay, count: int) -> list[IntensityMinute]:
    """The first `count` minutes of the sale."""
    world, products = replay.worlds[0], replay.market.products
    names = [one.name for one in replay.scenario.products.categories]
    category = np.array([names.index(name) for name in products.categories], dtype=np.int64)
    weight = np.bincount(category, products.popularity, len(names))
    share = products.popularity / weight[category]

    def mean(intensity: FloatArray) -> FloatArray:
        return np.bincount(category, share * intensity, len(names)).astype(np.float64)

    return [
        IntensityMinute(
            minute,
            planned=mean(world.planned(minute)),
            actual=mean(world.hidden.actual(minute, world.planned)),
            factor=world.hidden.factor[:, minute],
            shift_minutes=world.hidden.shift,
            orders_per_second=world.effects(60 * minute).rate,
        )
        for minute in range(count)
    ]
