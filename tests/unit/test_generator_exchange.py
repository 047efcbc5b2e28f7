"""What the shards tell each other."""

import numpy as np

from generator.running.exchange import totals_of
from generator.shard_state import Aggregate


def _aggregate(appeal: float, units: int) -> Aggregate:
    return Aggregate(np.array([appeal]), np.array([units]), np.array([units, 0]))


def test_totals_do_not_depend_on_who_answered_first() -> None:
    """In floating point 0.1 + 0.2 + 0.3 is another number than 0.3 + 0.2 + 0.1."""
    parts = {0: _aggregate(0.1, 1), 1: _aggregate(0.2, 2), 2: _aggregate(0.3, 4)}
    totals = [totals_of({shard: parts[shard] for shard in order}) for order in ((0, 1, 2), (2, 1, 0), (2, 0, 1))]
    assert {float(one.appeal[0]) for one in totals} == {0.1 + 0.2 + 0.3}
    assert {tuple(one.backlog.tolist()) for one in totals} == {(7, 0)}
    assert 0.3 + 0.2 + 0.1 != 0.1 + 0.2 + 0.3
