"""The plan of a sale, minute by minute: what to expect if demand keeps to what was planned."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.scenario import Scenario
from generator.planning.fluid import STEP_SECONDS, Crossings, Fluid, Step
from generator.planning.inventory_events import expected_events
from generator.planning.planned_world import planned_world
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

COVER_QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Minutes:
    """M minutes of the sale, all expected values; money in minor units.

    `orders` get something, `units` and `value` are sold; `lost_units`, `lost_value` are wanted
    and not there.  `rate` (M, G): orders per second planned by category, before congestion;
    `warehouse_units` (M, W): sold; `delay` (M, W): minutes from order to shipment, the
    longest; `in_stock` (M,): share of the pairs with stock at the end of the minute;
    `cover` (M, 3): minutes that a pair's stock lasts at its demand of that minute, the
    `COVER_QUANTILES` over the pairs, infinite where nothing is wanted.
    """

    orders: FloatArray
    units: FloatArray
    value: FloatArray
    lost_units: FloatArray
    lost_value: FloatArray
    inventory_events: FloatArray
    rate: FloatArray
    warehouse_units: FloatArray
    delay: FloatArray
    in_stock: FloatArray
    cover: FloatArray

    @classmethod
    def nothing(cls, minutes: int, warehouses: int, categories: int) -> "Minutes":
        """All zero."""
        flat = (minutes,)
        by_warehouse = (minutes, warehouses)
        return cls(
            orders=np.zeros(flat),
            units=np.zeros(flat),
            value=np.zeros(flat),
            lost_units=np.zeros(flat),
            lost_value=np.zeros(flat),
            inventory_events=np.zeros(flat),
            rate=np.zeros((minutes, categories)),
            warehouse_units=np.zeros(by_warehouse),
            delay=np.zeros(by_warehouse),
            in_stock=np.zeros(flat),
            cover=np.zeros((minutes, len(COVER_QUANTILES))),
        )


@dataclass(frozen=True, slots=True)
class Stockouts:
    """N times that a pair runs out, in order of time; minutes of the sale, `again` is NaN when it stays empty."""

    product_id: IntArray
    warehouse_id: IntArray
    at: FloatArray
    again: FloatArray

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Plan:
    """`pairs` are (product, warehouse) with a place in the assortment; `opens_empty` of them have no stock at the
    start, `ends_empty` at the end."""

    scenario: Scenario
    seed: int
    product_names: tuple[str, ...]
    minutes: Minutes
    stockouts: Stockouts
    pairs: int
    opens_empty: int
    ends_empty: int


def plan_sale(
    scenario: Scenario,
    seed: int,
    minutes: int | None = None,
    watch: Callable[[range], Iterable[int]] = lambda minutes: minutes,
) -> Plan:
    """The plan of (scenario, seed), or of its first `minutes`; `watch` is given the minutes and gives them back."""
    world, market = planned_world(scenario, seed)
    length = min(minutes or scenario.duration_minutes, scenario.duration_minutes)
    series = Minutes.nothing(length, world.shape[1], world.categories)
    fluid = Fluid(world, market)
    emptied, filled = [], []
    available = world.opening.astype(np.float64)
    for minute in watch(range(length)):
        series.rate[minute] = world.effects(60 * minute).rate
        wanted = np.zeros(world.shape)
        for _ in range(60 // STEP_SECONDS):
            step = fluid.step()
            _count(series, world, step, fluid.units_per_order)
            wanted += step.wanted
            emptied.append(step.emptied)
            filled.append(step.filled)
            available = step.available
        series.in_stock[minute] = np.mean(available[world.stocked] > 0)
        series.cover[minute] = _cover(available[world.stocked], wanted[world.stocked])
    return Plan(
        scenario=scenario,
        seed=seed,
        product_names=market.products.names,
        minutes=series,
        stockouts=_matched(_joined(emptied), _joined(filled), world.shape[1]),
        pairs=int(world.stocked.sum()),
        opens_empty=int((world.opening[world.stocked] <= 0).sum()),
        ends_empty=int((available[world.stocked] <= 0).sum()),
    )


def _count(series: Minutes, world: World, step: Step, units_per_order: float) -> None:
    """Add `step` to its minute."""
    minute, rules = step.second // 60, world.scenario.fulfilment
    sold, lost = step.sold.sum(axis=1), (step.wanted - step.sold).sum(axis=1)
    series.orders[minute] += sold.sum() / units_per_order
    series.units[minute] += sold.sum()
    series.value[minute] += sold @ step.price
    series.lost_units[minute] += lost.sum()
    series.lost_value[minute] += lost @ step.price
    series.warehouse_units[minute] += step.sold.sum(axis=0)
    series.delay[minute] = np.maximum(series.delay[minute], step.delay)
    if step.second == 0:
        # The opening stock, whole.
        series.inventory_events[0] += world.stocked.sum()
    rates = expected_events(step.sold / (units_per_order * STEP_SECONDS), world.stocked, rules)
    series.inventory_events[minute] += STEP_SECONDS * rates.now
    leaves = ((step.second + 60 * step.delay + rules.wave_seconds / 2) // 60).astype(np.int64)
    seen = leaves < len(series.orders)
    np.add.at(series.inventory_events, leaves[seen], STEP_SECONDS * rates.later[seen])


def _cover(available: FloatArray, wanted: FloatArray) -> FloatArray:
    """Quantiles of available ÷ wanted per minute over the pairs (N,)."""
    cover = np.divide(available, wanted, out=np.full(len(wanted), np.inf), where=wanted > 0)
    cover[available <= 0] = 0
    quantiles: FloatArray = np.quantile(cover, COVER_QUANTILES, method="lower")
    return quantiles


def _joined(parts: list[Crossings]) -> Crossings:
    return Crossings(np.concatenate([one.key for one in parts]), np.concatenate([one.second for one in parts]))


def _matched(emptied: Crossings, filled: Crossings, warehouses: int) -> Stockouts:
    """Each time a key ran out with the next time it came back."""
    again = np.full(len(emptied.key), np.nan)
    # By key, then time: what follows a stockout in this order is its end, if it is of the same key.
    key = np.concatenate([emptied.key, filled.key])
    second = np.concatenate([emptied.second, filled.second])
    order = np.lexsort((second, key))
    for here, following in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if here < len(again) <= following and key[here] == key[following]:
            again[here] = second[following]
    in_time = np.lexsort((emptied.key, emptied.second))
    product, warehouse = np.divmod(emptied.key[in_time], warehouses)
    return Stockouts(product + 1, warehouse + 1, emptied.second[in_time] / 60, again[in_time] / 60)
