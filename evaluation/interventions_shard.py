"""How measures change one shard of a simulated sale, second by second: `generator.intervening.Intervention`."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evaluation.interventions import NOWHERE, Interventions, Van
from evaluation.interventions_account import Missed
from flashsale.decisions.rules import MINOR_PER_MAJOR
from generator.ordering import Wishes
from generator.randomness import INTERVENTIONS, tick_rng
from generator.shelves import Shelves
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class ShardInterventions:
    """The part of `Interventions` that concerns the products of one shard."""

    def __init__(self, world: World, measures: Interventions) -> None:
        self._world, self._measures = world, measures
        self._product: IntArray = world.product_id - 1
        self._row = {product: row for row, product in enumerate(self._product.tolist())}

    def move(self, tick: int, shelves: Shelves, delay: FloatArray) -> None:
        """Load the vans, then shelve what arrives and fits through the dock."""
        waiting = [van for van in self._measures.vans if van.product in self._row]
        for van in waiting:
            self._measures.vans.remove(van)
            self._load(tick, van, shelves, delay)
        self._receive(tick, shelves)

    def redirect(self, tick: int, wishes: Wishes, sellable: IntArray) -> Wishes:
        """People whom paused ads keep away are gone; of those who meet an empty shelf some accept another one.

        Whose shelf empties within the tick is not asked.
        """
        measures, count = self._measures, len(wishes.product)
        product = self._product[wishes.product]
        to, paused = measures.reroute_to[product, wishes.warehouse], measures.paused[product, wishes.warehouse]
        if not ((to != NOWHERE) | paused).any():
            return wishes
        chance = tick_rng(self._world.seed, self._world.shard, tick, INTERVENTIONS).random((2, count))
        empty = sellable[wishes.product, wishes.warehouse] <= 0
        served = (to != NOWHERE) & empty & (sellable[wishes.product, to] > 0)
        served &= chance[0] < measures.rules.reroute.accept_share
        away = paused & (chance[1] < measures.rules.pause_ads.demand_share)
        self._account(wishes, served & ~away, away)
        moved = replace(wishes, warehouse=np.where(served, to, wishes.warehouse))
        return _of(moved, np.flatnonzero(~away)) if away.any() else moved

    def _account(self, wishes: Wishes, served: npt.NDArray[np.bool_], away: npt.NDArray[np.bool_]) -> None:
        """Extra delivery is paid for all that is rerouted, even where the other shelf has less."""
        measures = self._measures
        units = int(wishes.qty[served].sum())
        measures.spent["reroute"].add(units, measures.rules.reroute.unit_cost * MINOR_PER_MAJOR * units, times=0)
        cost = measures.unit_cost[self._product[wishes.product[away]]]
        missed = Missed.of(wishes.qty[away], wishes.price[away], cost)
        measures.spent["pause_ads"].add(missed.units, 0.0, times=0)
        measures.kept_away = measures.kept_away.plus(missed)

    def _load(self, tick: int, van: Van, shelves: Shelves, delay: FloatArray) -> None:
        """Reserve the van's units: they queue for the donor's capacity like an order.

        Who picks them takes only what lies there and is promised to nobody; for too few no van leaves.
        """
        row = self._row[van.product]
        there = int(shelves.sellable()[row, van.donor])
        shelf = int((shelves.on_hand - shelves.missing - shelves.reserved)[row, van.donor])
        units = min(van.units, there, shelf)
        if units < self._measures.rules.transfer.min_qty:
            return
        key = np.array([row * self._world.shape[1] + van.donor])
        shelves.reserve(key, np.array([units]), delay)
        wait = float(delay[van.donor]) - self._world.scenario.fulfilment.base_delay_minutes
        self._measures.leave(tick, van, units, max(wait, 0.0))

    def _receive(self, tick: int, shelves: Shelves) -> None:
        due = [p for p in self._measures.on_way if p.due <= tick and p.product in self._row]
        for parcel in sorted(due, key=lambda p: p.due):
            if shelves.down is not None and shelves.down[parcel.warehouse]:
                continue
            units = self._measures.dock.take(tick, parcel.warehouse, parcel.left)
            if not units:
                continue
            key = self._row[parcel.product] * self._world.shape[1] + parcel.warehouse
            shelves.shelve(np.array([key]), np.array([units]))
            parcel.left -= units
            if not parcel.left:
                parcel.done_tick = tick
                self._measures.on_way.remove(parcel)
                self._measures.arrived.append(parcel)


def _of(wishes: Wishes, rows: IntArray) -> Wishes:
    """Some of them, in the same order."""
    return Wishes(
        product=wishes.product[rows],
        warehouse=wishes.warehouse[rows],
        city=wishes.city[rows],
        seller=wishes.seller[rows],
        qty=wishes.qty[rows],
        price=wishes.price[rows],
        offset=wishes.offset[rows],
        bot=None if wishes.bot is None else wishes.bot[rows],
    )
