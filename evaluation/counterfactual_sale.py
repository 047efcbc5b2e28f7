"""One simulated sale, with people who act on their screen or with nobody who does.

The same case is the same sale: market, shipments and how late they are, the hidden course of demand, outages
and machines are common to all its runs, and so are the random numbers of every second.  What people do changes
stock and so how many come (the last units draw more, queues draw fewer): from the first action on, a second's
numbers are put to other uses, and the runs share the sale but not each single order.
"""

from collections import deque

import numpy as np
import numpy.typing as npt

from evaluation.cases import Case, sale_of, scenario_of
from evaluation.counterfactual_books import Books, Course
from evaluation.interventions import NOWHERE, Interventions, Parcel, Van
from evaluation.interventions_dock import TICKS_PER_MINUTE
from evaluation.interventions_shard import ShardInterventions
from evaluation.minute_rollups import MinuteRollups
from evaluation.policy import LEAST_REACTION, POLICIES, Hands, InProgress, Move
from evaluation.policy_screen import Coming, Screen, Seen
from flashsale.actions import ACTIONABLE
from flashsale.market import Market, draw_market
from generator.shard_state import TickFacts, Totals
from generator.simulation import opening_state, step
from generator.world import World

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

WAITING = "waiting"


def run_sale(case: Case, policy: str, hands: Hands) -> Course:
    """The sale of `case` under `policy`: one of `POLICIES`, or `WAITING`; the same arguments, the same course."""
    scenario = scenario_of(case)
    sale = sale_of(case, scenario)
    market = draw_market(scenario, case.seed)
    worlds = [World(scenario, market, case.seed, sale.sale_start, shard) for shard in range(scenario.shards)]
    supply = hands.supply_share * float((market.opening.sum(axis=1) * market.products.unit_cost).sum())
    measures = Interventions.none(scenario, case.seed, hands.rules, market.products.unit_cost, supply)
    desk = None if policy == WAITING else _Desk(case, market, worlds, policy, hands, measures)
    hooks = [None if desk is None else ShardInterventions(world, measures) for world in worlds]
    books = Books(worlds, market, scenario.duration_minutes)
    states = [opening_state(world) for world in worlds]
    for tick in range(scenario.duration_minutes * TICKS_PER_MINUTE):
        totals = Totals.of(state.aggregate for state in states)
        away = measures.kept_away
        done = [step(world, state, totals, hook) for world, state, hook in zip(worlds, states, hooks, strict=True)]
        states, facts = [state for state, _ in done], [fact for _, fact in done]
        books.add(facts, measures.kept_away.less(away))
        if desk is not None:
            desk.work(tick, facts)
    return books.closed(policy, worlds, states, measures)


class _Desk:
    """People at their screen."""

    def __init__(
        self, case: Case, market: Market, worlds: list[World], policy: str, hands: Hands, measures: Interventions
    ) -> None:
        self._screen = Screen(case, market.stocked, hands.calibration)
        self._rollups = MinuteRollups(worlds[0].start_ms, market.stocked.shape)
        self._policy, self._hands, self._measures = POLICIES[policy], hands, measures
        self._received: dict[int, int] = {}
        self._good = np.zeros(len(self._screen.product), dtype=np.int64)
        self._later: deque[tuple[int, list[Move]]] = deque()

    def work(self, tick: int, facts: list[TickFacts]) -> None:
        """After `tick`: look at the minutes that are settled now, and take what actions are due."""
        for one in facts:
            self._received |= {s.shipment_id: tick for s in one.shipments if s.received_qty is not None}
        for rollup in self._rollups.add(facts):
            begin = (rollup.minute + 1) * TICKS_PER_MINUTE
            seen = self._screen.see(rollup, self._coming(begin), self._sent(begin))
            self._lift(seen)
            moves = self._policy(seen, self._in_progress(seen), self._hands.rules)
            extra = (self._hands.reaction_minutes - LEAST_REACTION) * TICKS_PER_MINUTE
            self._later.append((tick + extra, moves))
        while self._later and self._later[0][0] <= tick:
            self._take(tick + 1, self._later.popleft()[1])

    def _coming(self, begin: int) -> Coming:
        """What was on its way at tick `begin`, and what has been ordered since."""
        rows = [
            (pair, due, qty)
            for shipment, (pair, due, qty) in self._screen.announced.items()
            if self._received.get(shipment, begin) >= begin
        ]
        rows += [
            (self._pair(p), p.due / TICKS_PER_MINUTE, p.units if p.done_tick is not None else p.left)
            for p in self._measures.parcels
            if p.open_at(begin)
        ]
        return Coming.of(rows)

    def _sent(self, begin: int) -> IntArray:
        sent = np.zeros(len(self._screen.product), dtype=np.int64)
        for one in self._measures.departures:
            if one.tick >= begin:
                sent[self._screen.number[one.product, one.donor]] += one.units
        return sent

    def _pair(self, parcel: Parcel) -> int:
        return int(self._screen.number[parcel.product, parcel.warehouse])

    def _lift(self, seen: Seen) -> None:
        """End a measure when its pair was neither at risk nor sold out for some minutes."""
        bad = np.isin(seen.situation.status, ACTIONABLE)
        self._good = np.where(bad, 0, self._good + 1)
        over = self._good == self._hands.rules.alerts.resolve_after
        in_force = self._measures.in_force[self._screen.product, self._screen.warehouse]
        for pair in np.flatnonzero(over & in_force).tolist():
            self._measures.end(int(self._screen.product[pair]), int(self._screen.warehouse[pair]))

    def _in_progress(self, seen: Seen) -> InProgress:
        delivery: BoolArray = np.zeros(len(self._screen.product), dtype=np.bool_)
        delivery[[self._pair(parcel) for parcel in self._measures.on_way]] = True
        for _, moves in self._later:
            delivery[[move.pair for move in moves[: self._hands.attention]]] = True
        product, warehouse = self._screen.product, self._screen.warehouse
        to = self._measures.reroute_to[product, warehouse]
        helper = self._screen.number[product, to]
        helps = (to != NOWHERE) & (helper >= 0) & (seen.situation.available[helper] > 0)
        return InProgress(delivery, helps | self._measures.paused[product, warehouse])

    def _take(self, tick: int, moves: list[Move]) -> None:
        taken = 0
        for move in moves:
            if taken == self._hands.attention:
                return
            product, warehouse = int(self._screen.product[move.pair]), int(self._screen.warehouse[move.pair])
            if move.kind == "restock":
                taken += self._measures.restock(tick, product, warehouse, move.qty) > 0
                continue
            if move.kind == "transfer":
                self._measures.send(Van(product, move.source, warehouse, move.qty, move.lead))
            elif move.kind == "reroute":
                self._measures.reroute(product, warehouse, move.source)
            else:
                self._measures.pause_ads(product, warehouse)
            taken += 1
