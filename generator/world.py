"""One shard's part of the market: the products with product_id % shards == shard."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from flashsale.campaigns import CampaignPlan
from flashsale.dimensions import campaign_documents
from flashsale.market import Market, draw_market, quantity_probabilities
from flashsale.minutes import epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario
from generator.demand import discount_multiplier
from generator.happenings import Happenings, PhantomStock, ShardShipments
from generator.intensity import HiddenDemand

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TICKS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class MinuteEffects:
    """What plan, chance and campaigns do in one minute.

    `rate` (G,) is the rate of orders in the whole sale by category, per second, in an
    uncongested shop; `appeal` (P,) of the shard's products is popularity × actual
    intensity × discount multiplier × burst; `price` (P,) the mean price, minor units.
    """

    minute: int
    rate: FloatArray
    appeal: FloatArray
    price: FloatArray


class World:
    """What does not change during a sale, as seen by one shard.

    P products of this shard, C cities, W warehouses, G categories, S sellers of a product
    at most; `gravity` is (C, W); a key is product index × W + warehouse index.
    """

    def __init__(self, scenario: Scenario, market: Market, seed: int, sale_start: datetime, shard: int) -> None:
        self.scenario, self.seed, self.shard = scenario, seed, shard
        self.start_ms = epoch_ms(sale_start)
        self.end_tick = scenario.duration_minutes * TICKS_PER_MINUTE
        ids = np.arange(1, scenario.products.count + 1)
        own = np.flatnonzero(ids % scenario.shards == shard)
        self.product_id: IntArray = ids[own]
        self.stocked: BoolArray = market.stocked[own]
        self.opening: IntArray = market.opening[own]
        self.gravity = market.gravity
        self.served_share = market.gravity / market.gravity.sum(axis=1, keepdims=True)
        self.city_weight = market.city_weight
        self.capacity = np.array([w.capacity_units_per_minute for w in scenario.warehouses], dtype=np.int64)
        # Warehouses send their waves at different seconds, so that no second carries them all.
        self.wave_offset: IntArray = np.arange(len(self.capacity)) * 7
        self.price_sigma: FloatArray = market.products.price_sigma[own]
        self.quantity_probabilities = quantity_probabilities(scenario.demand)
        self.sellers, self.seller_cumulative = _sellers(scenario, seed, self.product_id)
        names = [c.name for c in scenario.products.categories]
        self._category_of_all = np.array([names.index(c) for c in market.products.categories], dtype=np.int64)
        self.category: IntArray = self._category_of_all[own]
        self.categories = len(names)
        self.happenings = Happenings(scenario, own)
        self.shipments = ShardShipments.of(market, own, self.happenings)
        self.phantom = PhantomStock.drawn(scenario, seed, self.product_id, self.opening, self.happenings)
        self._own = own
        self._popularity = market.products.popularity
        self._base_price = market.products.base_price[own]
        self._bursts = [(b, _covered(b.categories, b.products, market, ids)) for b in scenario.bursts]
        plan = CampaignPlan(
            campaign_documents(scenario, sale_start), sale_start, ids.tolist(), market.products.categories
        )
        # Every category asks for two minutes, each shifted by its own amount.
        self._planned = lru_cache(maxsize=2 * self.categories + 2)(plan.at)
        self.hidden = HiddenDemand(
            scenario.uncertainty, seed, self._category_of_all, self.categories, scenario.duration_minutes
        )
        self._effects: MinuteEffects | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(products of this shard, warehouses)."""
        return len(self.product_id), len(self.capacity)

    def planned(self, minute: int) -> FloatArray:
        """Planned intensity of every product of the sale in `minute`, 1 = base demand."""
        return self._planned(minute)[0]

    def effects(self, tick: int) -> MinuteEffects:
        """The effects in the minute of `tick`."""
        minute = tick // TICKS_PER_MINUTE
        if self._effects is None or self._effects.minute != minute:
            demand = self.scenario.demand
            discount = self._planned(minute)[1]
            pull = self._popularity * self.hidden.actual(minute, self.planned)
            pull *= discount_multiplier(discount, demand.discount_elasticity)
            for burst, covered in self._bursts:
                if 0 <= minute - burst.starts_at_minute < burst.duration_minutes:
                    pull[covered] *= burst.multiplier
            by_category = np.bincount(self._category_of_all, pull, self.categories).astype(np.float64)
            self._effects = MinuteEffects(
                minute,
                rate=demand.orders_per_second * by_category,
                appeal=pull[self._own],
                price=self._base_price * (1 - discount[self._own]),
            )
        return self._effects


def open_worlds(scenario: Scenario, sale: SaleRun) -> list[World]:
    """The world of every shard of `sale`."""
    market = draw_market(scenario, sale.seed)
    return [World(scenario, market, sale.seed, sale.sale_start, shard) for shard in range(scenario.shards)]


def _covered(categories: tuple[str, ...], products: tuple[int, ...], market: Market, ids: IntArray) -> BoolArray:
    if not categories and not products:
        return np.ones(len(ids), dtype=np.bool_)
    covered: BoolArray = np.isin(market.products.categories, categories) | np.isin(ids, products)
    return covered


def _sellers(scenario: Scenario, seed: int, product_id: IntArray) -> tuple[IntArray, FloatArray]:
    """(seller ids (P, S), cumulative shares (S, P)): the first seller of a product sells most."""
    rules = scenario.products
    most = min(rules.sellers_per_product_max, rules.sellers)
    ids = np.empty((len(product_id), most), dtype=np.int64)
    weight = np.zeros(ids.shape)
    for row, product in enumerate(product_id):
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 0x5E11E4, int(product)))))
        ids[row] = rng.integers(1, rules.sellers + 1, most)
        count = rng.integers(1, most + 1)
        weight[row, :count] = 1 / np.arange(1, count + 1)
    cumulative = np.cumsum(weight, axis=1)
    return ids, np.ascontiguousarray((cumulative / cumulative[:, -1:]).T)
