"""The sale model as a fluid: every random number replaced by its mean, all products at once.

The formulas are the simulation's own (`generator.demand`, `generator.stock`); what is
drawn there flows here at its expected rate.  Such a limit is exact for large numbers
(Kurtz 1970, "Solutions of ordinary differential equations as limits of pure jump Markov
processes"); the luck of single units is beyond it.

P products, W warehouses, C cities, G categories; a key is product index × W + warehouse index.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.market import Market, mean_quantity
from generator import demand
from generator.planning.departures import Departures
from generator.stock import fulfilment_delay
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_LEAST_PATIENCE = 1e-9
"""As in the simulation: where everybody has given up on every warehouse, the nearest is still the nearest."""

STEP_SECONDS = 10
"""Divides a minute.  Ten seconds and one give the same totals to within 0.01 %."""


@dataclass(frozen=True, slots=True)
class Crossings:
    """Keys (N,) whose stock ran out, or came back, and when: seconds of the sale, (N,)."""

    key: IntArray
    second: FloatArray


@dataclass(frozen=True, slots=True)
class Step:
    """What flows in the `STEP_SECONDS` from `second` on.

    `wanted`, `sold`: units, (P, W); `available`: units left at the end, (P, W); `price`:
    mean price of each product, minor units, (P,); `delay`: minutes from order to shipment, (W,).
    """

    second: int
    wanted: FloatArray
    sold: FloatArray
    available: FloatArray
    price: FloatArray
    delay: FloatArray
    emptied: Crossings
    filled: Crossings


class Fluid:
    """The sale in `world`, which holds all products of `market`, step by step from its start."""

    def __init__(self, world: World, market: Market) -> None:
        self._world = world
        self.units_per_order = mean_quantity(world.scenario.demand)
        self._available: FloatArray = world.opening.astype(np.float64)
        self._departures = Departures(world.capacity, world.scenario.fulfilment.wave_seconds, STEP_SECONDS)
        rate = world.effects(0).rate
        self._excitement: FloatArray = np.stack([rate, rate])
        self._receipts = _receipts(market)
        self._second = 0

    def step(self) -> Step:
        """The next step of the sale."""
        world, second = self._world, self._second
        before, filled = self._available, _NONE
        available = before.copy()
        if (receipts := self._receipts.get(second // STEP_SECONDS)) is not None:
            key, units = receipts
            np.add.at(available.ravel(), key, units)
            filled = np.unique(key[(before.ravel()[key] <= 0) & (units > 0)])
        backlog = np.rint(self._departures.backlog).astype(np.int64)
        delay = fulfilment_delay(backlog, world.capacity, world.scenario.fulfilment.base_delay_minutes)
        wanted = self._wanted(second, available, delay)
        sold = np.minimum(wanted, available)
        left = available - sold
        emptied = np.flatnonzero(((available > 0) & (left <= 0)).ravel())
        self._departures.step(sold.sum(axis=0), delay)
        self._available, self._second = left, second + STEP_SECONDS
        lasted = sold.ravel()[emptied] / wanted.ravel()[emptied]
        return Step(
            second,
            wanted=wanted,
            sold=sold,
            available=left,
            price=world.effects(second).price,
            delay=delay,
            emptied=Crossings(emptied, second + STEP_SECONDS * lasted),
            filled=Crossings(filled, np.full(len(filled), float(second))),
        )

    def _wanted(self, second: int, available: FloatArray, delay: FloatArray) -> FloatArray:
        """Units wanted in the step, (P, W): rate of the sale × share of the product × share of the warehouse."""
        world, rules = self._world, self._world.scenario
        expected = world.effects(second).rate
        lift = demand.excitation_multiplier(self._excitement, rules.excitation.branching)
        usual, impatience = rules.fulfilment.base_delay_minutes, rules.fulfilment.impatience_per_hour
        by_city = demand.city_pressure(world.served_share, delay, usual, impatience) * world.city_weight
        # Who stays is routed past the congested warehouses.
        gravity = world.gravity * np.maximum(demand.patience(delay, usual, impatience), _LEAST_PATIENCE)
        left = np.rint(available.sum(axis=1)).astype(np.int64)
        scarcity = demand.scarcity_multiplier(left, rules.demand.scarcity_boost, rules.demand.scarcity_units)
        appeal = world.effects(second).appeal * scarcity * lift[world.category]
        total = float(appeal.sum())
        orders = appeal * (float(lift @ expected) / total if total > 0 else 0.0)
        wanted = np.bincount(world.category, orders * by_city.sum(), world.categories)
        # `demand.excitement`, a whole step later.
        keep = np.exp(-STEP_SECONDS / rules.excitation.memory_seconds)
        self._excitement = keep * self._excitement + (1 - keep) * np.stack([wanted, expected])
        shares = expected_shares(world.stocked, gravity, by_city, available > 0, rules.routing.sold_out_weight)
        # The simulation's first second has no orders.
        seconds = STEP_SECONDS - (second == 0)
        units: FloatArray = shares * (orders * seconds * self.units_per_order)[:, None]
        return units


def expected_shares(
    stocked: BoolArray, gravity: FloatArray, by_city: FloatArray, sellable: BoolArray, sold_out: float
) -> FloatArray:
    """Share of each product's orders that is sent to each warehouse, (P, W), as `demand.route` sends them.

    `gravity` (C, W); `by_city` (C,) are the shares of the orders from each city, and the rows
    sum to theirs; `stocked`, `sellable` (P, W).
    """
    draws = demand.warehouse_draws(stocked, sellable.astype(np.int64), sold_out)
    # einsum and not @: the matrices are too narrow for BLAS's threads, which would wait for each other.
    reach = np.einsum("pw,cw->pc", draws, gravity)
    nowhere = np.flatnonzero(reach[:, 0] <= 0)
    if len(nowhere):
        draws[nowhere] = stocked[nowhere]
        reach[nowhere] = np.einsum("pw,cw->pc", draws[nowhere], gravity)
    shares: FloatArray = draws * np.einsum("pc,cw->pw", by_city / reach, gravity)
    return shares


_NONE = np.empty(0, dtype=np.int64)


def _receipts(market: Market) -> dict[int, tuple[IntArray, FloatArray]]:
    """Step -> (keys, units) of the shipments as announced: when they are due, and whole."""
    shipments = market.shipments
    step = shipments.due_minute * 60 // STEP_SECONDS
    order = np.argsort(step, kind="stable")
    key = (shipments.product * market.opening.shape[1] + shipments.warehouse)[order]
    units = shipments.qty[order].astype(np.float64)
    steps, starts = np.unique(step[order], return_index=True)
    parts = zip(np.split(key, starts[1:]), np.split(units, starts[1:]), strict=True)
    return dict(zip(steps.tolist(), parts, strict=True)) if len(steps) else {}
