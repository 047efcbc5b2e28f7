"""What the simulation hands over to whoever stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.shard_state import ShipmentUpdate


@dataclass(frozen=True, slots=True)
class Parcel:
    """One tick of one shard, ready to be stored.

    `content` is what the sink that packed it understands, `size` its bytes; `saved` is the
    shard's state after the tick, where one is to be saved.
    """

    tick: int
    orders: int
    events: int
    size: int
    content: Any
    shipments: list[ShipmentUpdate] = field(default_factory=list)
    saved: bytes | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Facts of a shard that are stored: everything up to `tick`.

    `seconds` it took, `waited` of which the writing thread was not working itself.
    """

    shard: int
    tick: int
    orders: int
    events: int
    seconds: float
    waited: float


AckedTicks = Mapping[int, int]
"""Shard -> its last acknowledged tick; -1: none yet."""
