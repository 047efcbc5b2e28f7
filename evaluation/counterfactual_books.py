"""What is counted of a simulated sale with or without people who act: lost sales, and money."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.interventions import Interventions
from evaluation.interventions_account import KINDS, Kind, Missed, Spent
from evaluation.interventions_dock import TICKS_PER_MINUTE
from flashsale.market import Market
from generator.shard_state import ShardState, TickFacts
from generator.world import World

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Course:
    """How a sale of M minutes went; money in minor units.

    By minute, (M,): `turned_away` units people wanted and did not get; `lost_units` those and what people wanted
    whom paused ads keep away, `lost_value` at the price of the moment, and `lost_margin` of those that would have
    earned any.  `spent`: what actions cost; `leftover_cost`: of units from the supplier that are left over;
    `goodwill_lost` with who was turned away.  `revenue` and `cost_of_goods` of all units sold.
    """

    policy: str
    turned_away: FloatArray
    lost_units: FloatArray
    lost_value: FloatArray
    lost_margin: FloatArray
    sold_units: int
    revenue: int
    cost_of_goods: int
    kept_away: int
    spent: dict[Kind, Spent]
    leftover_units: int
    leftover_cost: float
    goodwill_lost: float

    @property
    def action_cost(self) -> float:
        return sum(one.cost for one in self.spent.values())

    @property
    def margin(self) -> float:
        """Revenue less the goods, the actions and what is left over of them."""
        return self.revenue - self.cost_of_goods - self.action_cost - self.leftover_cost

    @property
    def worth(self) -> float:
        """What the table maximises: the margin less the goodwill of those who were turned away."""
        return self.margin - self.goodwill_lost


class Books:
    """What is counted of a run, of people's wishes and all sales."""

    def __init__(self, worlds: list[World], market: Market, minutes: int) -> None:
        self._worlds, self._width = worlds, market.stocked.shape[1]
        self._unit_cost = market.products.unit_cost
        self._turned_away, self._lost = np.zeros(minutes), np.zeros((minutes, 3))
        self._sold = np.zeros(len(self._unit_cost), dtype=np.int64)
        self._revenue = 0

    def add(self, facts: list[TickFacts], away: Missed) -> None:
        """Take in a tick of all shards, and who was kept away in it."""
        minute = facts[0].tick // TICKS_PER_MINUTE
        self._lost[minute] += (away.units, away.value, away.margin)
        for world, one in zip(self._worlds, facts, strict=True):
            lost = one.truth.lost
            if len(lost.key):
                row = lost.key // self._width
                price, cost = world.effects(one.tick).price[row], self._unit_cost[world.product_id[row] - 1]
                missed = Missed.of(lost.units, price, cost)
                self._turned_away[minute] += missed.units
                self._lost[minute] += (missed.units, missed.value, missed.margin)
            np.add.at(self._sold, one.orders.product_id - 1, one.orders.qty)
            self._revenue += int(one.orders.value.sum())

    def closed(self, policy: str, worlds: list[World], states: list[ShardState], measures: Interventions) -> Course:
        """The course; of what the supplier sent to a pair is left over what still lies there, or is on its way."""
        left = np.zeros((len(self._unit_cost), self._width), dtype=np.int64)
        for world, state in zip(worlds, states, strict=True):
            left[world.product_id - 1] = np.maximum(state.on_hand - state.reserved, 0)
        ordered = np.zeros_like(left)
        for parcel in measures.parcels:
            if parcel.kind == "restock":
                ordered[parcel.product, parcel.warehouse] += parcel.units
                left[parcel.product, parcel.warehouse] += parcel.left
        leftover = np.minimum(ordered, left).sum(axis=1)
        turned_away_value = float(self._lost[:, 1].sum()) - measures.kept_away.value
        return Course(
            policy=policy,
            turned_away=self._turned_away,
            lost_units=self._lost[:, 0],
            lost_value=self._lost[:, 1],
            lost_margin=self._lost[:, 2],
            sold_units=int(self._sold.sum()),
            revenue=self._revenue,
            cost_of_goods=int((self._sold * self._unit_cost).sum()),
            kept_away=measures.kept_away.units,
            spent={kind: measures.spent[kind] for kind in KINDS},
            leftover_units=int(leftover.sum()),
            leftover_cost=measures.rules.restock.leftover_share * float((leftover * self._unit_cost).sum()),
            goodwill_lost=measures.rules.shortage.goodwill_share * turned_away_value,
        )
