"""Facts on their way: sent in one tick, to arrive in a later one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generator.facts import InventoryColumns, OrderColumns

IntArray = npt.NDArray[np.int64]

FIRST, AGAIN, OTHERWISE = 0, 1, 2
"""How a delayed fact arrives: for the first time; the same once more; once more with other content."""


@dataclass(frozen=True, slots=True)
class DelayedRows:
    """N rows of one table: `due` tick, `kind`, and `arrived`, the first arrival of what is sent again, epoch ms."""

    due: IntArray
    kind: IntArray
    arrived: IntArray
    rows: OrderColumns | InventoryColumns

    def parted(self, tick: int) -> tuple["DelayedRows", "DelayedRows"]:
        """(rows due by `tick`, the others)."""
        due = self.due <= tick
        return self.take(np.flatnonzero(due)), self.take(np.flatnonzero(~due))

    def take(self, index: IntArray) -> "DelayedRows":
        """The rows with these indices."""
        return DelayedRows(self.due[index], self.kind[index], self.arrived[index], self.rows.take(index))

    def joined(self, other: "DelayedRows") -> "DelayedRows":
        """These rows, then the others."""
        return DelayedRows(
            np.concatenate([self.due, other.due]),
            np.concatenate([self.kind, other.kind]),
            np.concatenate([self.arrived, other.arrived]),
            self.rows.joined(other.rows),
        )


@dataclass(frozen=True, slots=True)
class Delayed:
    """Delayed rows of both tables."""

    orders: DelayedRows
    inventory: DelayedRows


def nothing_delayed() -> Delayed:
    """Before the first tick."""
    none = np.empty(0, dtype=np.int64)
    return Delayed(
        DelayedRows(none, none, none, OrderColumns.empty()), DelayedRows(none, none, none, InventoryColumns.empty())
    )
