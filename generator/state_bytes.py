"""A shard's state as bytes for its checkpoint: a compressed `.npz` archive, readable by numpy alone."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.errors import FlashsaleError, one_line
from generator.delayed import Delayed, DelayedRows, nothing_delayed
from generator.facts import InventoryColumns, OrderColumns
from generator.shard_state import Aggregate, ShardState
from generator.simulation import appeal_of, opening_state
from generator.world import World

IntArray = npt.NDArray[np.int64]
Arrays = dict[str, npt.NDArray[Any]]

_LEVEL = 1
"""zlib's fastest: states are mostly zeros, and are saved every few seconds."""
_COLUMNS: dict[str, type[OrderColumns] | type[InventoryColumns]] = {
    "orders": OrderColumns,
    "inventory": InventoryColumns,
}


def to_bytes(state: ShardState) -> bytes:
    """`state` without loss."""
    numbers = sorted(state.waves)
    waves = np.array([state.waves[number] for number in numbers], dtype=np.int32)
    arrays: Arrays = {
        "tick": np.array(state.tick),
        "on_hand": _smallest(state.on_hand),
        "reserved": _smallest(state.reserved),
        "missing": _smallest(state.missing),
        "wave_number": np.array(numbers, dtype=np.int64),
        "waves": waves.reshape(len(numbers), *state.on_hand.shape),
        "excitement": state.excitement,
        "recent_appeal": np.array([one.appeal for one in state.recent]),
        "recent_arrivals": np.array([one.arrivals for one in state.recent]),
        "recent_backlog": np.array([one.backlog for one in state.recent]),
        **_delayed_arrays(state.delayed),
    }
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, **arrays)
    return zlib.compress(archive.getvalue(), _LEVEL)


def from_bytes(data: bytes, world: World) -> ShardState:
    """Inverse of `to_bytes`, also for states of the first layout (zip archives, which knew no faults or phantoms).

    Raises FlashsaleError when the state is not one of this world, or not readable at all.
    """
    try:
        plain = data if data.startswith(b"PK") else zlib.decompress(data)
        with np.load(io.BytesIO(plain), allow_pickle=False) as opened:
            archive = dict(opened)
        return _state(archive, world)
    except (zlib.error, zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise FlashsaleError(
            f"checkpoint of shard {world.shard} cannot be read ({one_line(error)[:100]}): open a new sale"
        ) from error


def _state(archive: Mapping[str, npt.NDArray[Any]], world: World) -> ShardState:
    on_hand: IntArray = archive["on_hand"].astype(np.int64)
    if on_hand.shape != world.shape:
        raise FlashsaleError(
            f"checkpoint of shard {world.shard} holds {on_hand.shape} stocks, the scenario has {world.shape}; "
            "another version of the generator wrote it: open a new sale"
        )
    tick, reserved = int(archive["tick"]), archive["reserved"].astype(np.int64)
    waves, numbers = archive["waves"].astype(np.int32), archive["wave_number"].tolist()
    if "missing" in archive:
        missing, excitement = archive["missing"].astype(np.int64), archive["excitement"]
        recent = tuple(
            Aggregate(*parts)
            for parts in zip(
                archive["recent_appeal"], archive["recent_arrivals"], archive["recent_backlog"], strict=True
            )
        )
        delayed = Delayed(_delayed(archive, "orders"), _delayed(archive, "inventory"))
    else:
        missing, excitement, recent, delayed = _first_layout(archive, world)
    return ShardState(
        tick=tick,
        on_hand=on_hand,
        reserved=reserved,
        missing=missing,
        waves={number: waves[i] for i, number in enumerate(numbers)},
        excitement=excitement,
        delayed=delayed,
        recent=recent,
        appeal=appeal_of(world, tick + 1, on_hand, reserved),
    )


def _first_layout(archive: Mapping[str, npt.NDArray[Any]], world: World) -> tuple[Any, ...]:
    """(missing, excitement, recent, delayed) of a state that held the appeal as one number.

    The appeal is shared among the categories as at the opening: exact again after one tick.
    """
    opening = opening_state(world)
    share = opening.aggregate.appeal / max(float(opening.aggregate.appeal.sum()), 1e-300)
    appeal, backlog = archive["appeal"], archive["backlog"]
    nothing = np.zeros(world.categories, dtype=np.int64)
    recent = tuple(Aggregate(share * float(appeal[i]), nothing, backlog[i]) for i in (1, 0))
    return np.zeros(world.shape, dtype=np.int64), opening.excitement, recent, nothing_delayed()


def _delayed_arrays(delayed: Delayed) -> Arrays:
    arrays: Arrays = {}
    for name, part in (("orders", delayed.orders), ("inventory", delayed.inventory)):
        arrays |= {f"{name}_due": part.due, f"{name}_kind": part.kind, f"{name}_arrived": part.arrived}
        arrays |= {f"{name}_{one.name}": getattr(part.rows, one.name) for one in fields(part.rows)}
    return arrays


def _delayed(archive: Mapping[str, npt.NDArray[Any]], name: str) -> DelayedRows:
    kind = _COLUMNS[name]
    rows = kind(*(archive[f"{name}_{one.name}"] for one in fields(kind)))
    return DelayedRows(archive[f"{name}_due"], archive[f"{name}_kind"], archive[f"{name}_arrived"], rows)


def _smallest(units: IntArray) -> npt.NDArray[np.int32] | IntArray:
    """As int32 where that holds them: half the bytes to compress."""
    limits = np.iinfo(np.int32)
    if units.size and not limits.min <= units.min() <= units.max() <= limits.max:
        return units
    return units.astype(np.int32)
