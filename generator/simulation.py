"""One tick of one shard: state and the others' last aggregates in, new state and facts out.

`step` is pure: it draws its random numbers from (seed, shard, tick) and returns a new
state, so a tick done again after a crash gives the same facts.  Shards know of each
other only what `Totals` carries, the aggregates at the end of the previous tick.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from generator import demand
from generator.facts import TICK_MS, InventoryColumns, OrderColumns
from generator.ids import fact_ids
from generator.randomness import tick_rng
from generator.shard_state import Aggregate, ShardState, ShipmentUpdate, TickFacts, Totals
from generator.stock import cut_to_stock, departing_wave, fulfilment_delay, wave_of
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def opening_state(world: World) -> ShardState:
    """The shard before its first tick."""
    nothing = np.zeros(world.shape, dtype=np.int64)
    aggregate = _aggregate(world, -1, world.opening, nothing)
    return ShardState(-1, world.opening, nothing, {}, aggregate, aggregate)


def step(world: World, state: ShardState, totals: Totals) -> tuple[ShardState, TickFacts]:
    """Tick `state.tick` + 1; `totals` are those at the end of `state.tick`."""
    tick = state.tick + 1
    rng = tick_rng(world.seed, world.shard, tick)
    on_hand, shipments = _receive(world, tick, state.on_hand)
    on_hand, reserved, waves = _depart(world, tick, on_hand, state)
    delay = fulfilment_delay(totals.backlog, world.capacity, world.scenario.fulfilment.base_delay_minutes)
    # The appeal announced at the end of the previous tick, so that the shards' shares add up.
    appeal = _appeal(world, tick, state.on_hand - state.reserved)
    orders, key, lost = _order(world, tick, rng, on_hand - reserved, appeal, totals.appeal)
    units = np.bincount(key, weights=orders.qty, minlength=on_hand.size).astype(np.int64).reshape(world.shape)
    reserved = reserved + units
    waves = _plan_waves(world, tick, delay, waves, units)
    changed = (on_hand != state.on_hand) | (reserved != state.reserved) | _heartbeat(world, tick)
    inventory = _inventory(world, tick, changed, on_hand, reserved, delay, key, orders.ts)
    after = replace(
        state,
        tick=tick,
        on_hand=on_hand,
        reserved=reserved,
        waves=waves,
        aggregate=_aggregate(world, tick, on_hand, reserved),
        previous=state.aggregate,
    )
    return after, TickFacts(tick, orders, inventory, shipments, lost)


def _appeal(world: World, tick: int, available: IntArray) -> FloatArray:
    """Weight with which each product is chosen in `tick`, (P,)."""
    rules = world.scenario.demand
    scarcity = demand.scarcity_multiplier(available.sum(axis=1), rules.scarcity_boost, rules.scarcity_units)
    return world.effects(tick).appeal * scarcity


def _aggregate(world: World, tick: int, on_hand: IntArray, reserved: IntArray) -> Aggregate:
    appeal = _appeal(world, tick + 1, on_hand - reserved)
    return Aggregate(float(appeal.sum()), reserved.sum(axis=0))


def _receive(world: World, tick: int, on_hand: IntArray) -> tuple[IntArray, list[ShipmentUpdate]]:
    """Stock after the shipments that arrive in this tick; those and the ones that set out."""
    shipments = world.shipments
    arrived = np.flatnonzero(shipments.arrival_tick == tick)
    departed = np.flatnonzero((shipments.departure_tick == tick) & (shipments.arrival_tick > tick))
    updates = [ShipmentUpdate(int(shipments.shipment_id[i]), None) for i in departed]
    if len(arrived):
        on_hand = on_hand.copy()
        np.add.at(on_hand, (shipments.product[arrived], shipments.warehouse[arrived]), shipments.arrival_qty[arrived])
        updates += [ShipmentUpdate(int(shipments.shipment_id[i]), int(shipments.arrival_qty[i])) for i in arrived]
    return on_hand, updates


def _depart(
    world: World, tick: int, on_hand: IntArray, state: ShardState
) -> tuple[IntArray, IntArray, dict[int, IntArray]]:
    """(on_hand, reserved, waves) after the waves that leave in this tick."""
    due, number = departing_wave(tick, world.scenario.fulfilment.wave_seconds, world.wave_offset)
    reserved, waves = state.reserved, state.waves
    if not due.any():
        return on_hand, reserved, waves
    on_hand, reserved, waves = on_hand.copy(), reserved.copy(), dict(waves)
    for warehouse in np.flatnonzero(due):
        wave = int(number[warehouse])
        if wave not in waves:
            continue
        leaving = waves[wave][:, warehouse]
        on_hand[:, warehouse] -= leaving
        reserved[:, warehouse] -= leaving
        rest = waves[wave].copy()
        rest[:, warehouse] = 0
        waves[wave] = rest
        if not rest.any():
            del waves[wave]
    return on_hand, reserved, waves


def _order(
    world: World,
    tick: int,
    rng: np.random.Generator,
    available: IntArray,
    appeal: FloatArray,
    total_appeal: float,
) -> tuple[OrderColumns, IntArray, IntArray]:
    """Orders of the tick, their keys (N,), and the units wanted in vain, (P, W)."""
    effects = world.effects(tick)
    # The first second tells the opening stock, whole: an order in it would be cut from it unseen.
    open_for_orders = tick > 0 and total_appeal > 0
    rate = effects.sale_rate * float(appeal.sum()) / total_appeal if open_for_orders else 0.0
    by_city = demand.arrivals(rng, rate, world.city_weight)
    count = int(by_city.sum())
    offset = np.sort(rng.integers(0, TICK_MS, count))
    city = rng.permutation(np.repeat(np.arange(len(by_city)), by_city))
    product = demand.choose(rng, appeal, count) if count else np.empty(0, dtype=np.int64)
    warehouse = demand.route(
        rng,
        world.gravity[city],
        world.stocked[product],
        available[product],
        world.scenario.routing.sold_out_weight,
    )
    wanted = demand.quantities(rng, world.quantity_probabilities, count)
    price = demand.unit_prices(rng, effects.price[product], world.price_sigma[product])
    seller = world.sellers[product, demand.choose_in_rows(rng, world.seller_weight[product])]

    key = product * world.shape[1] + warehouse
    granted = cut_to_stock(key, wanted, available.ravel())
    lost = np.bincount(key, weights=wanted - granted, minlength=available.size).astype(np.int64)
    sold = granted > 0
    qty = granted[sold]
    orders = OrderColumns(
        order_id=fact_ids(world.shard, tick, int(sold.sum())),
        product_id=world.product_id[product[sold]],
        seller_id=seller[sold],
        warehouse_id=warehouse[sold] + 1,
        city_id=city[sold] + 1,
        qty=qty,
        value=np.maximum(np.rint(price[sold] * qty), 1).astype(np.int64),
        ts=world.start_ms + tick * TICK_MS + offset[sold],
    )
    return orders, key[sold], lost.reshape(available.shape)


def _plan_waves(
    world: World, tick: int, delay: FloatArray, waves: dict[int, IntArray], units: IntArray
) -> dict[int, IntArray]:
    """`waves` with this tick's `units` (P, W) added to the wave each warehouse can make."""
    number = wave_of(tick, delay, world.scenario.fulfilment.wave_seconds, world.wave_offset)
    waves = dict(waves)
    for wave in np.unique(number):
        joining = np.where(number == wave, units, 0)
        if joining.any():
            waves[int(wave)] = waves.get(int(wave), 0) + joining
    return waves


def _heartbeat(world: World, tick: int) -> npt.NDArray[np.bool_]:
    """Stocked keys that report although nothing changed, (P, W): all at the opening, then spread over time."""
    if tick == 0:
        return world.stocked
    period = world.scenario.fulfilment.heartbeat_seconds
    keys = np.arange(world.stocked.size).reshape(world.shape)
    beat: npt.NDArray[np.bool_] = world.stocked & ((keys + tick) % period == 0)
    return beat


def _inventory(
    world: World,
    tick: int,
    changed: npt.NDArray[np.bool_],
    on_hand: IntArray,
    reserved: IntArray,
    delay: FloatArray,
    order_key: IntArray,
    order_ts: IntArray,
) -> InventoryColumns:
    """One event per changed key, at the time of its last order in the tick, else at the tick's start."""
    last = np.full(on_hand.size, world.start_ms + tick * TICK_MS, dtype=np.int64)
    np.maximum.at(last, order_key, order_ts)
    key = np.flatnonzero(changed)
    product, warehouse = np.divmod(key, world.shape[1])
    return InventoryColumns(
        event_id=fact_ids(world.shard, tick, len(key)),
        product_id=world.product_id[product],
        warehouse_id=warehouse + 1,
        on_hand=on_hand.ravel()[key],
        reserved=reserved.ravel()[key],
        delay=delay[warehouse],
        ts=last[key],
    )
