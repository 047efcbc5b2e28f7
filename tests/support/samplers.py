"""Deliberately wrong pieces of the sale model, each close enough to the right one to pass at first sight.

`Wrong.put_in` has the model use one of them; the test of the law it breaks must then fail.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from generator import demand
from generator.ordering import Wishes, wishes_of_people
from generator.randomness import tick_rng
from generator.shelves import Shelves
from generator.world import _sellers

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Wrong:
    """A wrong `piece` and the place in the model it takes."""

    place: str
    piece: Callable[..., Any]

    def put_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the model use it until the test ends."""
        monkeypatch.setattr(self.place, self.piece)

    def __str__(self) -> str:
        return self.piece.__name__


def _over_dispersed(rng: Rng, rate: float, city_weight: FloatArray) -> IntArray:
    return np.asarray(rng.poisson(rate * city_weight * rng.gamma(50, 1 / 50)))


def _too_even(rng: Rng, rate: float, city_weight: FloatArray) -> IntArray:
    return np.floor(rate * city_weight + rng.random(len(city_weight))).astype(np.int64)


def _too_many(rng: Rng, rate: float, city_weight: FloatArray) -> IntArray:
    return np.asarray(rng.poisson(1.03 * rate * city_weight))


def _plan_for_truth(_hidden: Any, minute: int, planned: Callable[[int], FloatArray]) -> FloatArray:
    return planned(minute)


def _bunched(*arguments: Any) -> Wishes:
    wishes = wishes_of_people(*arguments)
    return replace(wishes, offset=wishes.offset // 2)


DISPERSION = [Wrong("generator.demand.arrivals", one) for one in (_over_dispersed, _too_even)]
RATE = [
    Wrong("generator.demand.arrivals", _too_many),
    Wrong("generator.intensity.HiddenDemand.actual", _plan_for_truth),
    Wrong("generator.simulation.wishes_of_people", _bunched),
]


def _nobody_gives_up(served_share: FloatArray, *_congestion: Any) -> FloatArray:
    return np.asarray(served_share.sum(axis=1))


def _nobody_follows(smoothed: FloatArray, _branching: float) -> FloatArray:
    return np.ones(smoothed.shape[1])


COUPLED_RATE = [
    Wrong("generator.demand.city_pressure", _nobody_gives_up),
    Wrong("generator.demand.excitation_multiplier", _nobody_follows),
]

_choose, _route, _quantities = demand.choose, demand.route, demand.quantities


def _next_product(rng: Rng, weights: FloatArray, count: int) -> IntArray:
    return np.asarray((_choose(rng, weights, count) + 1) % len(weights))


def _flattened_product(rng: Rng, weights: FloatArray, count: int) -> IntArray:
    return _choose(rng, weights**0.95, count)


def _next_warehouse(rng: Rng, gravity: FloatArray, *others: Any) -> IntArray:
    return np.asarray((_route(rng, gravity, *others) + 1) % gravity.shape[1])


def _any_warehouse(rng: Rng, gravity: FloatArray, *others: Any) -> IntArray:
    return _route(rng, gravity**0.9, *others)


def _one_more_unit(rng: Rng, probabilities: FloatArray, count: int) -> IntArray:
    return np.minimum(_quantities(rng, probabilities, count) + (rng.random(count) < 0.02), len(probabilities))


def _cities_alike(rng: Rng, rate: float, city_weight: FloatArray) -> IntArray:
    return np.asarray(rng.poisson(rate * (0.95 * city_weight + 0.05 * city_weight.mean())))


def _sellers_alike(*arguments: Any) -> tuple[IntArray, FloatArray]:
    ids, cumulative = _sellers(*arguments)
    shares = np.diff(cumulative, axis=0, prepend=0)
    blurred = np.cumsum(0.8 * shares + 0.2 * (shares > 0) / (shares > 0).sum(axis=0), axis=0)
    return ids, blurred


CHOICES = {
    "product": [Wrong("generator.demand.choose", one) for one in (_next_product, _flattened_product)],
    "city": [Wrong("generator.demand.arrivals", _cities_alike)],
    "warehouse": [Wrong("generator.demand.route", one) for one in (_next_warehouse, _any_warehouse)],
    "quantity": [Wrong("generator.demand.quantities", _one_more_unit)],
    "seller": [Wrong("generator.world._sellers", _sellers_alike)],
}


def _wider(rng: Rng, mean: FloatArray, sigma: FloatArray) -> FloatArray:
    return np.asarray(mean * np.exp(1.04 * sigma * rng.standard_normal(len(mean)) - sigma**2 / 2))


def _median_for_mean(rng: Rng, mean: FloatArray, sigma: FloatArray) -> FloatArray:
    return np.asarray(mean * np.exp(sigma * rng.standard_normal(len(mean))))


def _heavy_tails(rng: Rng, mean: FloatArray, sigma: FloatArray) -> FloatArray:
    return np.asarray(mean * np.exp(sigma * rng.standard_t(8, len(mean)) * np.sqrt(6 / 8) - sigma**2 / 2))


PRICES = [Wrong("generator.demand.unit_prices", one) for one in (_wider, _median_for_mean, _heavy_tails)]


def _one_stream_for_all(seed: int, _shard: int, tick: int, *purpose: int) -> Rng:
    return tick_rng(seed, 0, tick, *purpose)


def _neighbours_stream_a_tick_later(seed: int, shard: int, tick: int, *purpose: int) -> Rng:
    return tick_rng(seed, 0, tick + shard, *purpose)


SHARDS = [Wrong("generator.simulation.tick_rng", one) for one in (_one_stream_for_all, _neighbours_stream_a_tick_later)]

_pick, _receive, _reserve, _write_off = Shelves._pick, Shelves.receive, Shelves.reserve, Shelves._write_off


def _one_unit_falls_off(shelves: Any, warehouse: int, leaving: IntArray) -> None:
    _pick(shelves, warehouse, leaving)
    if shelves.on_hand[0, warehouse] > 0:
        shelves.on_hand[0, warehouse] -= 1


def _one_unit_too_many_unpacked(shelves: Any) -> Any:
    updates = _receive(shelves)
    arrived = shelves._world.shipments.arriving(shelves._tick)
    if len(arrived):
        row = arrived[0]
        shelves.on_hand[shelves._world.shipments.product[row], shelves._world.shipments.warehouse[row]] += 1
    return updates


def _order_never_booked(shelves: Any, key: IntArray, units: IntArray, delay: FloatArray) -> None:
    forgotten = slice(1, None) if shelves._tick == 50 else slice(None)
    _reserve(shelves, key[forgotten], units[forgotten], delay)


STOCK = [
    Wrong("generator.shelves.Shelves._pick", _one_unit_falls_off),
    Wrong("generator.shelves.Shelves.receive", _one_unit_too_many_unpacked),
    Wrong("generator.shelves.Shelves.reserve", _order_never_booked),
]
