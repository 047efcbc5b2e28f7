"""The queue of units between order and shipment, as a fluid, by warehouse."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class Departures:
    """Units join after the delay they were told, leave as far as the capacity goes, the rest waits on.

    A wave leaves every `wave_seconds`, so that a unit waits half of that longer on average.
    """

    def __init__(self, capacity: IntArray, wave_seconds: int, step_seconds: int) -> None:
        """`capacity` (W,) in units per minute."""
        self._per_step = capacity * step_seconds / 60
        self._wait, self._step_seconds = wave_seconds / 2, step_seconds
        self._ready: FloatArray = np.zeros(len(capacity))
        self._due: dict[int, FloatArray] = {}
        self._now = 0
        self.backlog: FloatArray = np.zeros(len(capacity))
        """Units ordered that have not left, (W,)."""

    def step(self, units: FloatArray, delay: FloatArray) -> FloatArray:
        """`units` (W,) are ordered in this step, to leave after `delay` (W,) minutes; what leaves in it, (W,)."""
        steps = (60 * delay + self._wait) / self._step_seconds
        whole = np.floor(steps).astype(np.int64)
        # Between two steps the units part, so that the mean wait is kept.
        later = units * (steps - whole)
        for offset, joining in ((0, units - later), (1, later)):
            for target in np.unique(whole):
                here = whole == target
                due = self._due.setdefault(self._now + int(target) + offset, np.zeros(len(units)))
                due[here] += joining[here]
        self._ready = self._ready + self._due.pop(self._now, 0.0)
        leaving: FloatArray = np.minimum(self._ready, self._per_step)
        self._ready = self._ready - leaving
        self.backlog = self.backlog + units - leaving
        self._now += 1
        return leaving
