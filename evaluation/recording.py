"""What is kept of a simulated sale: the minutes' rollups of its N stocked pairs, and what really happened to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.cases import Case

IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Moments:
    """E things that happened: to which `pair`, and when, `ms` from the sale's start; both (E,), by time."""

    pair: IntArray
    ms: IntArray


@dataclass(frozen=True, slots=True)
class Shipments:
    """K announced shipments, (K,): `pair`, `due` (minute of the sale), `qty`; `received_ms` from the sale's start
    and `received_qty`, −1 where it did not come before the sale's end."""

    pair: IntArray
    due: IntArray
    qty: IntArray
    received_ms: IntArray
    received_qty: IntArray


@dataclass(frozen=True, slots=True)
class Recording:
    """One sale of M minutes; `product`, `warehouse` (N,) number each pair's from 0.

    What the shop sees, (M, N): `orders`, `units`, `squares`, `value` of people's orders, `available` at the
    minute's end and `in_stock_ms`, −1 unknown.  What it does not: `lost` units (M, N), `emptied` and `filled`.
    """

    case: Case
    minutes: int
    product: IntArray
    warehouse: IntArray
    categories: tuple[str, ...]
    campaigns: list[dict[str, Any]]
    orders: CountArray
    units: CountArray
    squares: CountArray
    value: IntArray
    available: CountArray
    in_stock_ms: CountArray
    lost: CountArray
    emptied: Moments
    filled: Moments
    shipments: Shipments

    @property
    def pairs(self) -> int:
        return len(self.product)

    @property
    def category(self) -> IntArray:
        """Number of each pair's category, (N,)."""
        names = sorted(set(self.categories))
        of_product = np.array([names.index(name) for name in self.categories], dtype=np.int64)
        numbers: IntArray = of_product[self.product]
        return numbers
