"""The orders of one shard in one tick: who comes, what they want, and what they get."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generator import demand
from generator.facts import TICK_MS, OrderColumns
from generator.happenings import BotOrders
from generator.ids import fact_ids
from generator.shard_state import Units
from generator.stock import KeyGroups, cut_to_stock
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Wishes:
    """N orders wanted, in order of time; `offset` ms in the tick, `price` per unit in minor units, `bot` by whom."""

    product: IntArray
    warehouse: IntArray
    city: IntArray
    seller: IntArray
    qty: IntArray
    price: FloatArray
    offset: IntArray
    bot: BoolArray | None


@dataclass(frozen=True, slots=True)
class Sales:
    """Orders that got something; `key` (U,) are the keys they came from, ascending, with the `units`
    taken and the time of the `last` order, epoch ms; `lost` and `bots` as in `Truth`."""

    orders: OrderColumns
    key: IntArray
    units: IntArray
    last: IntArray
    lost: Units
    bots: Units


def wishes_of_people(
    world: World,
    tick: int,
    rng: np.random.Generator,
    appeal: FloatArray,
    rate_by_city: FloatArray,
    gravity: FloatArray,
    sellable: IntArray,
) -> Wishes:
    """Orders people want: `appeal` (P,) of each product, `rate_by_city` (C,) orders per second
    of this shard, `gravity` (C, W) the pull of each warehouse."""
    by_city = demand.arrivals(rng, 1.0, rate_by_city)
    count = int(by_city.sum())
    offset = np.sort(rng.integers(0, TICK_MS, count))
    city = rng.permutation(np.repeat(np.arange(len(by_city)), by_city))
    product = demand.choose(rng, appeal, count)
    draws = demand.warehouse_draws(world.stocked, sellable, world.scenario.routing.sold_out_weight)
    # `take` picks rows faster than indexing does, and this is where the time goes.
    warehouse = demand.route(
        rng,
        np.take(gravity, city, axis=0),
        np.take(draws, product, axis=0),
        np.take(world.stocked, product, axis=0),
    )
    qty = demand.quantities(rng, world.quantity_probabilities, count)
    price = demand.unit_prices(rng, world.effects(tick).price.take(product), world.price_sigma.take(product))
    rank = demand.pick_in_columns(rng.random(count), np.take(world.seller_cumulative, product, axis=1))
    seller = world.sellers.take(product * world.sellers.shape[1] + rank)
    return Wishes(product, warehouse, city, seller, qty, price, offset, None)


def with_bots(
    world: World,
    tick: int,
    rng: np.random.Generator,
    people: Wishes,
    bots: BotOrders,
    gravity: FloatArray,
    sellable: IntArray,
) -> Wishes:
    """People's orders and those of machines, which pay the mean price, in order of time."""
    draws = demand.warehouse_draws(
        world.stocked[bots.product], sellable[bots.product], world.scenario.routing.sold_out_weight
    )
    warehouse = demand.route(rng, gravity[bots.city], draws, world.stocked[bots.product])
    price = world.effects(tick).price[bots.product]
    offset = np.concatenate([people.offset, bots.offset])
    order = np.argsort(offset, kind="stable")
    return Wishes(
        product=np.concatenate([people.product, bots.product])[order],
        warehouse=np.concatenate([people.warehouse, warehouse])[order],
        city=np.concatenate([people.city, bots.city])[order],
        seller=np.concatenate([people.seller, bots.seller])[order],
        qty=np.concatenate([people.qty, bots.qty])[order],
        price=np.concatenate([people.price, price])[order],
        offset=offset[order],
        bot=order >= len(people.offset),
    )


def sell(world: World, tick: int, wishes: Wishes, sellable: IntArray) -> Sales:
    """Grant the wishes as far as the stock goes, first come first served."""
    key = wishes.product * world.shape[1] + wishes.warehouse
    groups = KeyGroups.of(key)
    granted = cut_to_stock(groups, wishes.qty, sellable.ravel()[groups.key])
    ts = world.start_ms + tick * TICK_MS + wishes.offset
    wanted, units = groups.sums(wishes.qty), groups.sums(granted)
    short = wanted > units
    lost, bought = Units(groups.key[short], (wanted - units)[short]), Units(groups.key[:0], units[:0])
    if wishes.bot is not None:
        of_people = np.where(wishes.bot, 0, wishes.qty - granted)
        lost, bought = Units.of(key, of_people), Units.of(key, np.where(wishes.bot, granted, 0))
    sold: IntArray | slice = slice(None)
    counts = groups.counts
    if short.any():
        # Those of a key that got something are its first ones.
        got = granted > 0
        sold, counts = np.flatnonzero(got), groups.sums(got.astype(np.int64))
    last = groups.last(ts, counts)
    value = np.maximum(np.rint(wishes.price * granted), 1).astype(np.int64)
    orders = OrderColumns(
        order_id=fact_ids(world.shard, tick, int(counts.sum())),
        product_id=world.product_id[wishes.product[sold]],
        seller_id=wishes.seller[sold],
        warehouse_id=wishes.warehouse[sold] + 1,
        city_id=wishes.city[sold] + 1,
        qty=granted[sold],
        value=value[sold],
        ts=ts[sold],
    )
    some = units > 0
    return Sales(orders, groups.key[some], units[some], last[some], lost, bought)
