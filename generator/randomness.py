"""Random numbers by (seed, shard, tick): a tick that is done again draws the same ones."""

import numpy as np


def tick_rng(seed: int, shard: int, tick: int) -> np.random.Generator:
    """Generator of one shard's tick (Philox, counter-based); independent of every other tick's."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, shard, tick))))
