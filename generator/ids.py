"""Ids of facts: what a repeated tick writes again carries the same id, so the repeat is a no-op."""

import numpy as np
import numpy.typing as npt

from flashsale.errors import FlashsaleError

SHARD_BITS = 8
SEQUENCE_BITS = 20
TICK_BITS = 24
"""24 + 8 + 20 bits = 52: below 2^53.  2^24 ticks are 194 days."""


def fact_ids(shard: int, tick: int, count: int) -> npt.NDArray[np.int64]:
    """Ids of the `count` facts of one kind in (shard, tick), ascending in time and sequence.

    Orders and inventory events are numbered apart: they live in different collections.
    Raises FlashsaleError when a part does not fit its bits.
    """
    if not (0 <= shard < 1 << SHARD_BITS and 0 <= tick < 1 << TICK_BITS and count <= 1 << SEQUENCE_BITS):
        raise FlashsaleError(
            f"no ids for shard {shard}, tick {tick}, {count} facts: at most {1 << SHARD_BITS} shards, "
            f"{1 << TICK_BITS} ticks, {1 << SEQUENCE_BITS} facts a tick; raise `shards` in the scenario"
        )
    first = (tick << (SHARD_BITS + SEQUENCE_BITS)) | (shard << SEQUENCE_BITS)
    return first + np.arange(count, dtype=np.int64)
