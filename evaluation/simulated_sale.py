"""Simulate a sale in memory, tick by tick, and keep its minutes.

The simulation is the generator's own; nothing is written anywhere, and no order is kept longer than its
minute can change.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from evaluation.cases import SALE_START, Case, sale_of, scenario_of
from evaluation.minute_rollups import MinuteRollup, MinuteRollups
from evaluation.recording import Moments, Recording, Shipments
from flashsale.dimensions import campaign_documents
from flashsale.market import Market, draw_market
from flashsale.scenario import Scenario
from generator.shard_state import ShipmentUpdate, TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import TICKS_PER_MINUTE, World

IntArray = npt.NDArray[np.int64]


def simulate(case: Case) -> Recording:
    """The whole sale of the case; the same case gives the same recording."""
    return simulate_as(case, scenario_of(case))


def simulate_as(case: Case, scenario: Scenario) -> Recording:
    """The same by a scenario that was changed further."""
    sale = sale_of(case, scenario)
    market = draw_market(scenario, case.seed)
    worlds = [World(scenario, market, case.seed, sale.sale_start, shard) for shard in range(scenario.shards)]
    truth = _TruthMinutes(worlds, market, scenario.duration_minutes)
    rollups = MinuteRollups(worlds[0].start_ms, market.stocked.shape)
    kept = _Kept(market, scenario.duration_minutes)
    states = [opening_state(world) for world in worlds]
    for _ in range(scenario.duration_minutes * TICKS_PER_MINUTE):
        totals = Totals.of(state.aggregate for state in states)
        done = [step(world, state, totals) for world, state in zip(worlds, states, strict=True)]
        states, facts = [state for state, _ in done], [fact for _, fact in done]
        truth.add(facts)
        kept.add(rollups.add(facts))
    kept.add(rollups.finish(scenario.duration_minutes))
    product, warehouse = np.nonzero(market.stocked)
    return Recording(
        case=case,
        minutes=scenario.duration_minutes,
        product=product.astype(np.int64),
        warehouse=warehouse.astype(np.int64),
        categories=market.products.categories,
        campaigns=campaign_documents(scenario, SALE_START),
        orders=kept.orders,
        units=kept.units,
        squares=kept.squares,
        value=kept.value,
        available=kept.available,
        in_stock_ms=kept.in_stock_ms,
        lost=truth.lost,
        emptied=truth.moments(truth.emptied),
        filled=truth.moments(truth.filled),
        shipments=truth.shipments(market),
    )


class _Kept:
    """The rollups' columns of the stocked pairs, of people's orders, (M, N)."""

    def __init__(self, market: Market, minutes: int) -> None:
        self._stocked = market.stocked
        shape = minutes, int(market.stocked.sum())
        self.orders, self.units, self.squares, self.available, self.in_stock_ms = (
            np.zeros(shape, np.int32) for _ in range(5)
        )
        self.value = np.zeros(shape, np.int64)

    def add(self, rollups: Iterable[MinuteRollup]) -> None:
        for one in rollups:
            self.orders[one.minute] = (one.orders - one.bot_orders)[self._stocked]
            self.units[one.minute] = (one.units - one.bot_units)[self._stocked]
            self.squares[one.minute] = (one.squares - one.bot_squares)[self._stocked]
            self.value[one.minute] = (one.value - one.bot_value)[self._stocked]
            self.available[one.minute] = one.available[self._stocked]
            self.in_stock_ms[one.minute] = one.in_stock_ms[self._stocked]


class _TruthMinutes:
    """What the shop does not see, of the stocked pairs."""

    def __init__(self, worlds: list[World], market: Market, minutes: int) -> None:
        self._worlds, width = worlds, market.stocked.shape[1]
        number = np.full(market.stocked.shape, -1, dtype=np.int64)
        number[market.stocked] = np.arange(int(market.stocked.sum()))
        self._number, self._width = number, width
        # Pair of each key of each shard.
        self._pairs = [number[world.product_id - 1].ravel() for world in worlds]
        self.lost = np.zeros((minutes, int(market.stocked.sum())), dtype=np.int32)
        self.emptied: list[tuple[IntArray, IntArray]] = []
        self.filled: list[tuple[IntArray, IntArray]] = []
        self._received: dict[int, tuple[int, int]] = {}

    def add(self, facts: list[TickFacts]) -> None:
        start = self._worlds[0].start_ms
        for pairs, one in zip(self._pairs, facts, strict=True):
            lost, truth = one.truth.lost, one.truth
            self.lost[one.tick // TICKS_PER_MINUTE, pairs[lost.key]] += lost.units.astype(np.int32)
            if len(truth.emptied.key):
                self.emptied.append((pairs[truth.emptied.key], truth.emptied.ts - start))
            if len(truth.filled.key):
                # What makes a pair available arrives with the tick.
                self.filled.append((pairs[truth.filled.key], np.full(len(truth.filled.key), one.tick * 1000)))
            for update in one.shipments:
                self._note(update, one.tick)

    def moments(self, found: list[tuple[IntArray, IntArray]]) -> Moments:
        if not found:
            return Moments(np.empty(0, np.int64), np.empty(0, np.int64))
        pair, ms = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((pair, ms))
        return Moments(pair[order], ms[order])

    def shipments(self, market: Market) -> Shipments:
        drawn = market.shipments
        received = [self._received.get(number + 1, (-1, -1)) for number in range(len(drawn.qty))]
        tick, qty = (
            np.array(column, dtype=np.int64) for column in (zip(*received, strict=True) if received else ((), ()))
        )
        return Shipments(
            pair=self._number[drawn.product, drawn.warehouse],
            due=drawn.due_minute,
            qty=drawn.qty,
            received_ms=np.where(tick >= 0, tick * 1000, -1),
            received_qty=qty,
        )

    def _note(self, update: ShipmentUpdate, tick: int) -> None:
        if update.received_qty is not None:
            self._received[update.shipment_id] = tick, update.received_qty
