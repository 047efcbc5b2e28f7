"""Random numbers by (seed, shard, tick, purpose): a tick that is done again draws the same ones."""

import numpy as np

MODEL = 0
FAULTS = 1
"""What happens to facts on their way draws apart: with faults or without, the same people buy the same things."""
INTERVENTIONS = 2
"""So does what customers make of a measure: it takes no number away from the model."""


def tick_rng(seed: int, shard: int, tick: int, purpose: int = MODEL) -> np.random.Generator:
    """Generator of one shard's tick, independent of every other tick's.

    Philox is counter-based (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"):
    the tick stands in the upper half of the counter, so 2^128 numbers lie between two ticks.
    """
    # Half of the key each: what is asked for, and by whom.
    key = np.array([seed, (purpose << 32) | shard], dtype=np.uint64)
    counter = np.array([0, 0, tick, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
