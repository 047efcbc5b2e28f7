"""What a shard is between two ticks, what it tells the others, and what a tick produced."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generator.facts import InventoryColumns, OrderColumns

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a shard tells the others after a tick: its appeal in the next tick, and units
    reserved per warehouse, (W,)."""

    appeal: float
    backlog: IntArray


@dataclass(frozen=True, slots=True)
class Totals:
    """Sum of the shards' aggregates at the end of one tick."""

    appeal: float
    backlog: IntArray

    @classmethod
    def of(cls, aggregates: Iterable[Aggregate]) -> "Totals":
        """Summed in the order given; give shards in ascending order, for floats do not commute."""
        parts = list(aggregates)
        backlog: IntArray = np.sum([part.backlog for part in parts], axis=0)
        return cls(sum(part.appeal for part in parts), backlog)


@dataclass(frozen=True, slots=True)
class ShardState:
    """A shard after `tick` (−1: before the first).

    `on_hand`, `reserved`: units, (P, W).  `waves`: wave number -> units to leave, (P, W).
    `aggregate` belongs to `tick`, `previous` to the tick before: a shard that is one tick
    behind after a crash still needs it.
    """

    tick: int
    on_hand: IntArray
    reserved: IntArray
    waves: dict[int, IntArray]
    aggregate: Aggregate
    previous: Aggregate


@dataclass(frozen=True, slots=True)
class ShipmentUpdate:
    """A shipment that set out (`received_qty` None) or arrived in this tick."""

    shipment_id: int
    received_qty: int | None


@dataclass(frozen=True, slots=True)
class TickFacts:
    """What one tick of one shard produced; `lost` are units wanted beyond the stock, (P, W)."""

    tick: int
    orders: OrderColumns
    inventory: InventoryColumns
    shipments: list[ShipmentUpdate]
    lost: IntArray
