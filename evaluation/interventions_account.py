"""What is booked while people act on a simulated sale: what actions cost, and what was not sold."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

Kind = Literal["restock", "transfer", "reroute", "pause_ads"]
KINDS: tuple[Kind, ...] = ("restock", "transfer", "reroute", "pause_ads")


@dataclass(slots=True)
class Spent:
    """Of one kind of action: how often, units it moved, and what it cost."""

    times: int = 0
    units: int = 0
    cost: float = 0.0

    def add(self, units: int, cost: float, times: int = 1) -> None:
        self.times, self.units, self.cost = self.times + times, self.units + units, self.cost + cost


@dataclass(frozen=True, slots=True)
class Missed:
    """Units not sold, at the price of the moment, and the margin of those that would have earned any."""

    units: int = 0
    value: float = 0.0
    margin: float = 0.0

    @classmethod
    def of(cls, units: IntArray, price: FloatArray, cost: IntArray) -> "Missed":
        """Sums over rows; price and cost per unit."""
        margin = np.maximum(price - cost, 0)
        return cls(int(units.sum()), float((units * price).sum()), float((units * margin).sum()))

    def plus(self, other: "Missed") -> "Missed":
        return Missed(self.units + other.units, self.value + other.value, self.margin + other.margin)

    def less(self, other: "Missed") -> "Missed":
        return Missed(self.units - other.units, self.value - other.value, self.margin - other.margin)
