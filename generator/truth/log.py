"""Latent demand, stockouts and totals, gathered tick by tick from what the simulation knows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generator.facts import TICK_MS
from generator.shard_state import TickFacts, Units
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class LatentMinute:
    """One UTC minute: N pairs of which anything was sold, lost or cancelled, ascending by product, then warehouse.

    Units, (N,): `sold` to people and machines together, `bot` to machines; `cancelled`: sold,
    but not on the shelf; `lost`: wanted by people and not available.  `lost_value`: those at
    the mean price of the moment, minor units.
    """

    start_ms: int
    product_id: IntArray
    warehouse_id: IntArray
    sold: IntArray
    bot: IntArray
    cancelled: IntArray
    lost: IntArray
    lost_value: IntArray


@dataclass(frozen=True, slots=True)
class Stockout:
    """A pair had nothing left to sell from `sold_out_ms` to `available_again_ms`, epoch ms; None: to the end."""

    product_id: int
    warehouse_id: int
    sold_out_ms: int
    available_again_ms: int | None


@dataclass(slots=True)
class TruthTotals:
    """Sums over all ticks; units, and money in minor units.  `lost_value` as in `LatentMinute`."""

    orders: int = 0
    units: int = 0
    value: int = 0
    bot_units: int = 0
    lost_units: int = 0
    lost_value: int = 0
    cancelled_units: int = 0
    written_off_units: int = 0

    @property
    def lost_share(self) -> float:
        """Of the units people wanted."""
        wanted = self.lost_units + self.units - self.bot_units
        return self.lost_units / wanted if wanted else 0.0


class TruthLog:
    """Add all ticks of a sale in order, each with the facts of all shards, as sold: before any fault befell them."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self._shards = [_ShardMinute(world) for world in worlds]
        self._start_ms = worlds[0].start_ms
        self._minute_ms: int | None = None
        self._sold_out: dict[tuple[int, int], int] = {}
        self._stockouts: list[Stockout] = []
        self.totals = TruthTotals()

    def add(self, tick: Sequence[TickFacts]) -> LatentMinute | None:
        """Take in one tick; the minute that ended before it, if one did."""
        start_ms = self._start_ms + tick[0].tick * TICK_MS
        minute_ms = start_ms // _MINUTE_MS * _MINUTE_MS
        ended = self.finish() if self._minute_ms not in (None, minute_ms) else None
        self._minute_ms = minute_ms
        for shard, facts in zip(self._shards, tick, strict=True):
            shard.add(facts)
            self._count(facts)
            self._note_stockouts(shard.world, facts, start_ms)
        return ended

    def finish(self) -> LatentMinute | None:
        """The minute at hand as far as it came; None when nothing happened in it."""
        if self._minute_ms is None:
            return None
        product, warehouse, *columns = (np.concatenate(c) for c in zip(*(s.take() for s in self._shards), strict=True))
        order = np.lexsort((warehouse, product))
        minute = LatentMinute(self._minute_ms, product[order], warehouse[order], *(column[order] for column in columns))
        self._minute_ms = None
        self.totals.lost_value += int(minute.lost_value.sum())
        return minute

    def stockouts(self) -> list[Stockout]:
        """All so far, by time; those that last have no end."""
        lasting = [Stockout(*pair, since, None) for pair, since in self._sold_out.items()]
        found = [*self._stockouts, *lasting]
        return sorted(found, key=lambda one: (one.sold_out_ms, one.product_id, one.warehouse_id))

    @property
    def sold_out_pairs(self) -> int:
        """How many have nothing left now."""
        return len(self._sold_out)

    def _count(self, facts: TickFacts) -> None:
        totals, truth = self.totals, facts.truth
        totals.orders += len(facts.orders.ts)
        totals.units += int(facts.orders.qty.sum())
        totals.value += int(facts.orders.value.sum())
        totals.bot_units += truth.bots.total()
        totals.lost_units += truth.lost.total()
        totals.cancelled_units += truth.cancelled.total()
        totals.written_off_units += truth.written_off.total()

    def _note_stockouts(self, world: World, facts: TickFacts, start_ms: int) -> None:
        width = world.shape[1]
        for key in facts.truth.filled.key.tolist():
            # What makes a pair available arrives with the tick; its first new order comes later.
            pair = int(world.product_id[key // width]), key % width + 1
            self._stockouts.append(Stockout(*pair, self._sold_out.pop(pair), start_ms))
        emptied = facts.truth.emptied
        for key, ts in zip(emptied.key.tolist(), emptied.ts.tolist(), strict=True):
            self._sold_out[int(world.product_id[key // width]), key % width + 1] = ts


class _ShardMinute:
    """Units of one shard's keys in the minute at hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._clear()

    def _clear(self) -> None:
        size = self.world.shape[0] * self.world.shape[1]
        self._sold, self._bot, self._cancelled, self._lost = (np.zeros(size, dtype=np.int64) for _ in range(4))
        self._lost_value: FloatArray = np.zeros(size)

    def add(self, facts: TickFacts) -> None:
        orders, truth, width = facts.orders, facts.truth, self.world.shape[1]
        key = np.searchsorted(self.world.product_id, orders.product_id) * width + orders.warehouse_id - 1
        np.add.at(self._sold, key, orders.qty)
        for units, column in ((truth.bots, self._bot), (truth.cancelled, self._cancelled), (truth.lost, self._lost)):
            _add(column, units)
        if len(truth.lost.key):
            price = self.world.effects(facts.tick).price
            self._lost_value[truth.lost.key] += truth.lost.units * price[truth.lost.key // width]

    def take(self) -> tuple[IntArray, ...]:
        """(product_id, warehouse_id, and the columns of `LatentMinute`) of the keys with any units; begin anew."""
        columns = (self._sold, self._bot, self._cancelled, self._lost, np.rint(self._lost_value).astype(np.int64))
        key = np.flatnonzero((self._sold > 0) | (self._cancelled > 0) | (self._lost > 0))
        product, warehouse = np.divmod(key, self.world.shape[1])
        taken = (self.world.product_id[product], warehouse + 1, *(column[key] for column in columns))
        self._clear()
        return taken


def _add(column: IntArray, units: Units) -> None:
    """Keys of `units` are unique."""
    column[units.key] += units.units
