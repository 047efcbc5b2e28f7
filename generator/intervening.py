"""What people may do to a sale while it runs: the seam through which a what-if study acts on the simulation.

A sale that is generated has none.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from generator.ordering import Wishes
from generator.shelves import Shelves


class Intervention(Protocol):
    """On one shard; both are called once a tick, `move` first."""

    def move(self, tick: int, shelves: Shelves, delay: npt.NDArray[np.float64]) -> None:
        """Move units, before anything is sold in the tick; `delay` (W,) minutes an order waits at a warehouse."""

    def redirect(self, tick: int, wishes: Wishes, sellable: npt.NDArray[np.int64]) -> Wishes:
        """What people want now that there are measures; `sellable` (P, W) units at the start of the tick."""
