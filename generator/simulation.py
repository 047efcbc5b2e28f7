"""One tick of one shard: state and the others' last aggregates in, new state and facts out.

`step` is pure: it draws its random numbers from (seed, shard, tick) and returns a new
state, so a tick done again after a crash gives the same facts.  Shards know of each
other only what `Totals` carries, the aggregates at the end of the previous tick.
"""

import numpy as np
import numpy.typing as npt

from generator import demand
from generator.delayed import nothing_delayed
from generator.facts import TICK_MS, InventoryColumns
from generator.faults import disturb
from generator.ids import fact_ids
from generator.intervening import Intervention
from generator.ordering import Sales, sell, wishes_of_people, with_bots
from generator.randomness import tick_rng
from generator.shard_state import RECENT_TICKS, Aggregate, Moments, ShardState, TickFacts, Totals, Truth
from generator.shelves import Shelves, sellable
from generator.stock import fulfilment_delay
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LEAST_PATIENCE = 1e-9


def opening_state(world: World) -> ShardState:
    """The shard before its first tick."""
    nothing = np.zeros(world.shape, dtype=np.int64)
    rate = world.effects(0).rate
    appeal = appeal_of(world, 0, world.opening, nothing)
    return ShardState(
        tick=-1,
        on_hand=world.opening,
        reserved=nothing,
        missing=world.phantom.missing,
        waves={},
        excitement=np.stack([rate, rate]),
        delayed=nothing_delayed(),
        recent=(_aggregate(world, appeal, np.zeros(world.categories, dtype=np.int64), nothing),),
        appeal=appeal,
    )


def step(
    world: World, state: ShardState, totals: Totals, intervention: Intervention | None = None
) -> tuple[ShardState, TickFacts]:
    """Tick `state.tick` + 1; `totals` are those at the end of `state.tick`.

    With an `intervention` the tick is only as repeatable as that is.
    """
    tick = state.tick + 1
    rng = tick_rng(world.seed, world.shard, tick)
    shelves = Shelves(world, state, tick)
    shipments = shelves.receive()
    shelves.depart(state.aggregate.backlog, totals.backlog)
    shelves.count()
    rules = world.scenario.fulfilment
    delay = fulfilment_delay(totals.backlog, world.capacity, rules.base_delay_minutes)
    excitement = _excitement(world, state, totals)
    if intervention is not None:
        intervention.move(tick, shelves, delay)
    sales, arrivals = _sell(world, tick, rng, state, totals, excitement, delay, shelves, intervention)
    shelves.reserve(sales.key, sales.units, delay)
    inventory, emptied, filled = _report(world, state, shelves, sales, delay)
    truth = Truth(sales.lost, sales.bots, shelves.shipped, shelves.written_off, shelves.cancelled, emptied, filled)
    orders, inventory, strays, delayed = disturb(world, tick, sales.orders, inventory, state.delayed)
    # The appeal announced at the end of this tick is the one of the next, so that the shards' shares add up.
    appeal = appeal_of(world, tick + 1, shelves.on_hand, shelves.reserved)
    after = ShardState(
        tick=tick,
        on_hand=shelves.on_hand,
        reserved=shelves.reserved,
        missing=shelves.missing,
        waves=shelves.waves,
        excitement=excitement,
        delayed=delayed,
        recent=(*state.recent[1 - RECENT_TICKS :], _aggregate(world, appeal, arrivals, shelves.reserved)),
        appeal=appeal,
    )
    return after, TickFacts(tick, orders, inventory, shipments, truth, strays)


def appeal_of(world: World, tick: int, on_hand: IntArray, reserved: IntArray) -> FloatArray:
    """Weight with which each product is chosen in `tick`, (P,)."""
    rules = world.scenario.demand
    left = sellable(on_hand, reserved, world.happenings.down(tick))
    by_product = np.einsum("pw->p", left)  # several times faster than a sum over short rows
    return world.effects(tick).appeal * demand.scarcity_multiplier(
        by_product, rules.scarcity_boost, rules.scarcity_units
    )


def _aggregate(world: World, appeal: FloatArray, arrivals: IntArray, reserved: IntArray) -> Aggregate:
    by_category = np.bincount(world.category, appeal, world.categories).astype(np.float64)
    return Aggregate(by_category, arrivals, np.einsum("pw->w", reserved))


def _excitement(world: World, state: ShardState, totals: Totals) -> FloatArray:
    """`ShardState.excitement` with the orders of `state.tick` taken in: the same in every shard."""
    # The first tick, in which nobody may order, is no lull.
    if state.tick < 1:
        return state.excitement
    expected = world.effects(state.tick).rate
    return demand.excitement(state.excitement, totals.arrivals, expected, world.scenario.excitation.memory_seconds)


def _sell(
    world: World,
    tick: int,
    rng: np.random.Generator,
    state: ShardState,
    totals: Totals,
    excitement: FloatArray,
    delay: FloatArray,
    shelves: Shelves,
    intervention: Intervention | None,
) -> tuple[Sales, IntArray]:
    """(what is sold in the tick, orders people wanted by category (G,))."""
    fulfilment = world.scenario.fulfilment
    lift = demand.excitation_multiplier(excitement, world.scenario.excitation.branching)
    pull, total = float(lift @ state.aggregate.appeal), float(lift @ totals.appeal)
    # The first second tells the opening stock, whole: an order in it would be cut from it unseen.
    rate = float(lift @ world.effects(tick).rate) * pull / total if tick > 0 and total > 0 else 0.0
    pressure = demand.city_pressure(
        world.served_share, delay, fulfilment.base_delay_minutes, fulfilment.impatience_per_hour
    )
    # Those who give up are customers of the congested: who stays is routed past them.  Nobody is left without a way.
    patience = demand.patience(delay, fulfilment.base_delay_minutes, fulfilment.impatience_per_hour)
    gravity = world.gravity * np.maximum(patience, _LEAST_PATIENCE)
    left = shelves.sellable()
    appeal = state.appeal * lift[world.category]
    wishes = wishes_of_people(world, tick, rng, appeal, rate * pressure * world.city_weight, gravity, left)
    if intervention is not None:
        wishes = intervention.redirect(tick, wishes, left)
    arrivals = np.bincount(world.category[wishes.product], minlength=world.categories)
    bots = world.happenings.bot_orders(tick) if tick > 0 else None
    if bots is not None:
        wishes = with_bots(world, tick, rng, wishes, bots, gravity, left)
    return sell(world, tick, wishes, left), arrivals


def _report(
    world: World, state: ShardState, shelves: Shelves, sales: Sales, delay: FloatArray
) -> tuple[InventoryColumns, Moments, Moments]:
    """(inventory events, keys that sold out, keys that can be sold again) of the tick.

    One event per changed key, at the time of its last order in the tick, else at the
    tick's start; keys that did not change report every heartbeat; a warehouse that is down is silent.
    """
    tick, width = state.tick + 1, world.shape[1]
    begin = world.start_ms + tick * TICK_MS
    # Dense over all keys: marking and scanning them is faster than sorting the few that changed.
    mark = np.zeros(shelves.on_hand.size, dtype=np.bool_)
    for key in shelves.touched:
        mark[key] = True
    changed = np.flatnonzero(mark)
    on_hand, reserved = shelves.on_hand.ravel(), shelves.reserved.ravel()
    hand_before, reserved_before = state.on_hand.ravel()[changed], state.reserved.ravel()[changed]
    differs = (on_hand[changed] != hand_before) | (reserved[changed] != reserved_before)
    last = np.full(len(mark), begin, dtype=np.int64)
    last[sales.key] = sales.last
    ts = last[changed]
    before, after = hand_before - reserved_before, on_hand[changed] - reserved[changed]
    emptied, filled = (before > 0) & (after <= 0), (before <= 0) & (after > 0)
    if tick == 0:
        # A key that opens empty is sold out from the start.
        everything = np.flatnonzero(world.stocked)
        empty = everything[on_hand[everything] <= 0]
        moments = Moments(empty, np.full(len(empty), begin)), Moments(empty[:0], empty[:0])
    else:
        moments = Moments(changed[emptied], ts[emptied]), Moments(changed[filled], ts[filled])

    mark[changed[~differs]] = False
    mark[_heartbeat(world, tick)] = True
    if shelves.down is not None:
        mark.reshape(world.shape)[:, shelves.down] = False
    key = np.flatnonzero(mark)
    product, warehouse = np.divmod(key, width)
    events = InventoryColumns(
        event_id=fact_ids(world.shard, tick, len(key)),
        product_id=world.product_id[product],
        warehouse_id=warehouse + 1,
        on_hand=on_hand[key],
        reserved=reserved[key],
        delay=delay[warehouse],
        ts=last[key],
    )
    return events, *moments


def _heartbeat(world: World, tick: int) -> IntArray:
    """Stocked keys that report even if nothing changed: all at the opening, then spread over the period."""
    if tick == 0:
        return np.flatnonzero(world.stocked)
    period = world.scenario.fulfilment.heartbeat_seconds
    keys = np.arange(-tick % period, world.stocked.size, period)
    return keys[world.stocked.ravel()[keys]]
