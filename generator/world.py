"""One shard's part of the market: the products with product_id % shards == shard."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from flashsale.campaigns import CampaignPlan
from flashsale.dimensions import campaign_documents
from flashsale.market import Market, draw_market, quantity_probabilities
from flashsale.minutes import epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario
from generator.demand import discount_multiplier

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TICKS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class MinuteEffects:
    """What the campaigns do in one minute; arrays over the shard's products.

    `sale_rate` is the rate of orders in the whole sale, per second; `appeal` is
    popularity × planned intensity × discount multiplier; `price` the mean price, minor units.
    """

    minute: int
    sale_rate: float
    appeal: FloatArray
    price: FloatArray


class World:
    """What does not change during a sale, as seen by one shard.

    P products of this shard, C cities, W warehouses; a key is product index × W + warehouse index.
    """

    def __init__(self, scenario: Scenario, market: Market, seed: int, sale_start: datetime, shard: int) -> None:
        self.scenario, self.seed, self.shard = scenario, seed, shard
        self.start_ms = epoch_ms(sale_start)
        ids = np.arange(1, scenario.products.count + 1)
        own = np.flatnonzero(ids % scenario.shards == shard)
        self.product_id: IntArray = ids[own]
        self.stocked: BoolArray = market.stocked[own]
        self.opening: IntArray = market.opening[own]
        self.gravity = market.gravity
        self.city_weight = market.city_weight
        self.capacity = np.array([w.capacity_units_per_minute for w in scenario.warehouses], dtype=np.int64)
        # Warehouses send their waves at different seconds, so that no second carries them all.
        self.wave_offset: IntArray = np.arange(len(self.capacity)) * 7
        self.price_sigma: FloatArray = market.products.price_sigma[own]
        self.quantity_probabilities = quantity_probabilities(scenario.demand)
        self.sellers, self.seller_weight = _sellers(scenario, seed, self.product_id)
        self.shipments = _ShardShipments.of(market, own)
        self._own = own
        self._popularity = market.products.popularity
        self._base_price = market.products.base_price[own]
        self._plan = CampaignPlan(
            campaign_documents(scenario, sale_start), sale_start, ids.tolist(), market.products.categories
        )
        self._effects: MinuteEffects | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(products of this shard, warehouses)."""
        return len(self.product_id), len(self.capacity)

    def effects(self, tick: int) -> MinuteEffects:
        """The campaigns' effects in the minute of `tick`."""
        minute = tick // TICKS_PER_MINUTE
        if self._effects is None or self._effects.minute != minute:
            demand = self.scenario.demand
            intensity, discount = self._plan.at(minute)
            planned = self._popularity * intensity
            pull = discount_multiplier(discount[self._own], demand.discount_elasticity)
            self._effects = MinuteEffects(
                minute,
                sale_rate=demand.orders_per_second * float(planned.sum()),
                appeal=planned[self._own] * pull,
                price=self._base_price * (1 - discount[self._own]),
            )
        return self._effects


@dataclass(frozen=True, slots=True)
class _ShardShipments:
    """The shard's shipments; `product` indexes its products; times are ticks."""

    shipment_id: IntArray
    product: IntArray
    warehouse: IntArray
    arrival_tick: IntArray
    departure_tick: IntArray
    arrival_qty: IntArray

    @classmethod
    def of(cls, market: Market, own: IntArray) -> "_ShardShipments":
        shipments = market.shipments
        mine = np.flatnonzero(np.isin(shipments.product, own))
        arrival = shipments.arrival_second[mine]
        return cls(
            shipment_id=mine + 1,
            product=np.searchsorted(own, shipments.product[mine]),
            warehouse=shipments.warehouse[mine],
            arrival_tick=arrival,
            departure_tick=np.maximum(arrival - _TRANSIT_SECONDS, 0),
            arrival_qty=shipments.arrival_qty[mine],
        )


_TRANSIT_SECONDS = 20 * 60


def open_worlds(scenario: Scenario, sale: SaleRun) -> list[World]:
    """The world of every shard of `sale`."""
    market = draw_market(scenario, sale.seed)
    return [World(scenario, market, sale.seed, sale.sale_start, shard) for shard in range(scenario.shards)]


def _sellers(scenario: Scenario, seed: int, product_id: IntArray) -> tuple[IntArray, FloatArray]:
    """(seller ids, weights), each (P, most sellers of a product): the first seller sells most."""
    rules = scenario.products
    most = min(rules.sellers_per_product_max, rules.sellers)
    ids = np.empty((len(product_id), most), dtype=np.int64)
    weight = np.zeros(ids.shape)
    for row, product in enumerate(product_id):
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 0x5E11E4, int(product)))))
        ids[row] = rng.integers(1, rules.sellers + 1, most)
        count = rng.integers(1, most + 1)
        weight[row, :count] = 1 / np.arange(1, count + 1)
    return ids, weight
