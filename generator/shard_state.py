"""What a shard is between two ticks, what it tells the others, and what a tick produced."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.errors import FlashsaleError
from generator.delayed import Delayed
from generator.facts import InventoryColumns, OrderColumns

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

RECENT_TICKS = 256
"""Aggregates a shard remembers: so far may the shards' saved states lie apart."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a shard tells the others after a tick.

    `appeal` (G,): sum over its products of their appeal in the next tick; `arrivals` (G,):
    orders wanted in this tick; `backlog` (W,): units reserved.
    """

    appeal: FloatArray
    arrivals: IntArray
    backlog: IntArray


@dataclass(frozen=True, slots=True)
class Totals:
    """Sum of the shards' aggregates at the end of one tick."""

    appeal: FloatArray
    arrivals: IntArray
    backlog: IntArray

    @classmethod
    def of(cls, aggregates: Iterable[Aggregate]) -> "Totals":
        """Summed in the order given; give shards in ascending order, for floats do not commute."""
        parts = list(aggregates)
        return cls(
            appeal=np.sum([part.appeal for part in parts], axis=0),
            arrivals=np.sum([part.arrivals for part in parts], axis=0),
            backlog=np.sum([part.backlog for part in parts], axis=0),
        )


@dataclass(frozen=True, slots=True)
class ShardState:
    """A shard after `tick` (−1: before the first).

    `on_hand`, `reserved`: units on record, (P, W); `missing`: units on record that the
    shelf does not have, (P, W).  `waves`: wave number -> units to leave, (P, W).
    `excitement` (2, G): smoothed orders wanted and expected per second.  `delayed`: facts
    on their way.  `recent`: aggregates of the last ticks, newest last.  `appeal` (P,) is
    each product's in the next tick: it follows from the rest.
    """

    tick: int
    on_hand: IntArray
    reserved: IntArray
    missing: IntArray
    waves: dict[int, npt.NDArray[np.int32]]
    excitement: FloatArray
    delayed: Delayed
    recent: tuple[Aggregate, ...]
    appeal: FloatArray

    @property
    def aggregate(self) -> Aggregate:
        """That of `tick`."""
        return self.recent[-1]

    def aggregate_at(self, tick: int) -> Aggregate:
        """That of an earlier tick; raises FlashsaleError for one that is forgotten, or to come."""
        back = self.tick - tick
        if not 0 <= back < len(self.recent):
            raise FlashsaleError(
                f"no aggregate of tick {tick}: the shard stands at tick {self.tick} and remembers {len(self.recent)}"
            )
        return self.recent[-1 - back]


@dataclass(frozen=True, slots=True)
class ShipmentUpdate:
    """A shipment that set out (`received_qty` None) or arrived in this tick."""

    shipment_id: int
    received_qty: int | None


@dataclass(frozen=True, slots=True)
class Units:
    """Units by key (product index × W + warehouse index); keys are unique and ascending."""

    key: IntArray
    units: IntArray

    @classmethod
    def of(cls, key: IntArray, units: IntArray) -> "Units":
        """Summed by key; keys without units are left out."""
        unique, inverse = np.unique(key, return_inverse=True)
        summed = np.bincount(inverse, weights=units, minlength=len(unique)).astype(np.int64)
        return cls(unique[summed > 0], summed[summed > 0])

    def total(self) -> int:
        """Sum over the keys."""
        return int(self.units.sum())


NO_UNITS = Units(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Moments:
    """Keys and the time at which something happened to them, epoch ms."""

    key: IntArray
    ts: IntArray


@dataclass(frozen=True, slots=True)
class Truth:
    """What the shop does not see: for evaluation alone.

    `lost`: units people wanted and did not get; `bots`: units machines bought; `shipped`:
    units that left; `written_off`: units on record that were found missing; `cancelled`:
    units ordered that the shelf did not have; `emptied`, `filled`: when a key could be
    sold no longer, and again.
    """

    lost: Units
    bots: Units
    shipped: Units
    written_off: Units
    cancelled: Units
    emptied: Moments
    filled: Moments


@dataclass(frozen=True, slots=True)
class TickFacts:
    """What one tick of one shard sends; `strays` are sent as they are, table name -> documents."""

    tick: int
    orders: OrderColumns
    inventory: InventoryColumns
    shipments: list[ShipmentUpdate]
    truth: Truth
    strays: dict[str, list[Any]] = field(default_factory=dict)
