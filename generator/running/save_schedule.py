"""After which ticks the shards' states are saved."""

from generator.running.options import LONGEST_SAVE_TICKS

LARGE_STATE_BYTES = 1 << 20
"""A state of this size is written often enough; larger ones are saved less often."""


class SaveSchedule:
    """Every `interval` ticks, the same ticks for all shards; a large state every 2, 4, … intervals.

    Shards that share their ticks resume without simulating much again; at most
    `LONGEST_SAVE_TICKS` lie between two saved states.
    """

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._step = interval

    def is_due(self, tick: int) -> bool:
        """Whether the state after `tick` is to be saved."""
        return (tick + 1) % self._step == 0

    def saved(self, size: int) -> None:
        """Note the bytes of a saved state."""
        self._step = self._interval
        while size > LARGE_STATE_BYTES and 2 * self._step <= LONGEST_SAVE_TICKS:
            size //= 2
            self._step *= 2
