"""What warehouses can take in."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
TICKS_PER_MINUTE = 60


class Dock:
    """What each warehouse can still take in during a tick."""

    def __init__(self, capacity: IntArray) -> None:
        """`capacity` (W,) units per minute."""
        self._capacity, self._tick = capacity, -1
        self._left = np.zeros_like(capacity)

    def take(self, tick: int, warehouse: int, units: int) -> int:
        """How many of `units` get in; over a minute the takings of its ticks add up to at most the capacity."""
        if tick != self._tick:
            second = tick % TICKS_PER_MINUTE
            self._left = self._capacity * (second + 1) // TICKS_PER_MINUTE - self._capacity * second // TICKS_PER_MINUTE
            self._tick = tick
        taken = min(units, int(self._left[warehouse]))
        self._left[warehouse] -= taken
        return taken
