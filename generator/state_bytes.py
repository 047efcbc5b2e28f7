"""A shard's state as bytes for its checkpoint: a compressed `.npz` archive, readable by numpy alone."""

import io

import numpy as np
import numpy.typing as npt

from flashsale.errors import FlashsaleError
from generator.shard_state import Aggregate, ShardState
from generator.world import World

IntArray = npt.NDArray[np.int64]


def to_bytes(state: ShardState) -> bytes:
    """`state` without loss."""
    numbers = sorted(state.waves)
    waves = np.array([state.waves[number] for number in numbers], dtype=np.int64)
    archive = io.BytesIO()
    np.savez_compressed(
        archive,
        tick=np.int64(state.tick),
        on_hand=state.on_hand,
        reserved=state.reserved,
        wave_number=np.array(numbers, dtype=np.int64),
        waves=_smallest(waves.reshape(len(numbers), *state.on_hand.shape)),
        appeal=np.array([state.aggregate.appeal, state.previous.appeal]),
        backlog=np.array([state.aggregate.backlog, state.previous.backlog]),
    )
    return archive.getvalue()


def from_bytes(data: bytes, world: World) -> ShardState:
    """Inverse of `to_bytes`; raises FlashsaleError when the state is not one of this world."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        on_hand: IntArray = archive["on_hand"]
        if on_hand.shape != world.shape:
            raise FlashsaleError(
                f"checkpoint of shard {world.shard} holds {on_hand.shape} stocks, the scenario has {world.shape}; "
                "another version of the generator wrote it: open a new sale"
            )
        waves: IntArray = archive["waves"].astype(np.int64)
        appeal, backlog = archive["appeal"], archive["backlog"]
        return ShardState(
            tick=int(archive["tick"]),
            on_hand=on_hand,
            reserved=archive["reserved"],
            waves={int(number): waves[i] for i, number in enumerate(archive["wave_number"])},
            aggregate=Aggregate(float(appeal[0]), backlog[0]),
            previous=Aggregate(float(appeal[1]), backlog[1]),
        )


def _smallest(units: IntArray) -> npt.NDArray[np.int32] | IntArray:
    """As int32 where that holds them: half the bytes to compress, every second."""
    if units.size and units.max() > np.iinfo(np.int32).max:
        return units
    return units.astype(np.int32)
