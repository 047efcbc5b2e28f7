"""The plan as the forecast reads it: planned-intensity minutes ahead of any minute, by product.

Products that the same campaigns cover share a plan; there are far fewer plans than products.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.campaigns import CampaignPlan

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlanAhead:
    """Seen from one minute: `cumulative` (M + 1, G) planned minutes within the next k minutes, until the sale ends."""

    cumulative: FloatArray

    @property
    def minutes(self) -> int:
        """Whole minutes to the end of the sale."""
        return len(self.cumulative) - 1

    def planned(self, minutes: float, group: IntArray) -> FloatArray:
        """Planned minutes within the next `minutes`, for the plan of each pair (N,); nothing after the end."""
        at = min(max(minutes, 0.0), float(self.minutes))
        low = int(at)
        high = min(low + 1, self.minutes)
        row = self.cumulative[low] + (at - low) * (self.cumulative[high] - self.cumulative[low])
        planned: FloatArray = row[group]
        return planned

    def planned_each(self, minutes: FloatArray, group: IntArray) -> FloatArray:
        """The same with minutes (N,) of each pair's own."""
        at = np.clip(minutes, 0, self.minutes)
        low = at.astype(np.int64)
        high = np.minimum(low + 1, self.minutes)
        below, above = self.cumulative[low, group], self.cumulative[high, group]
        planned: FloatArray = below + (at - low) * (above - below)
        return planned


class SalePlan:
    """Planned intensity of a whole sale, 1 = base demand."""

    def __init__(
        self,
        campaigns: Iterable[Any],
        sale_start: datetime,
        minutes: int,
        product_ids: Sequence[int],
        categories: Sequence[str],
        elasticity: float = 0.0,
    ) -> None:
        """`elasticity`: a discount d lifts the plan by (1 − d)^−elasticity, see `Calibration`."""
        plan = CampaignPlan(campaigns, sale_start, product_ids, categories)
        # A product's plan is that of the first product which the same campaigns cover.
        covered = np.vstack([plan.covered(), np.zeros((1, len(product_ids)), dtype=np.bool_)])
        _, first, group = np.unique(covered, axis=1, return_index=True, return_inverse=True)
        self.group: IntArray = np.asarray(group, dtype=np.int64).reshape(-1)
        """Number of each product's plan, (P,), in the order of `product_ids`."""
        table = np.ones((minutes, len(first)))
        for minute in range(minutes):
            intensity, discount = plan.at(minute)
            table[minute] = intensity[first] * (1 - discount[first]) ** -elasticity
        self._table = table
        self._cumulative = np.concatenate([np.zeros((1, len(first))), np.cumsum(table, axis=0)])

    def at(self, minute: float) -> FloatArray:
        """Planned minutes of the clock's minute that begins `minute` minutes after the sale's start, (G,).

        For a whole number that minute's intensity; before the start and after the end nothing is planned.
        """
        if minute == int(minute):
            inside = 0 <= minute < len(self._table)
            row: FloatArray = self._table[int(minute)] if inside else np.zeros(self._table.shape[1])
            return row
        return self._until(minute + 1) - self._until(minute)

    def ahead(self, minute: float) -> PlanAhead:
        """As seen `minute` minutes after the start; a last minute that is begun counts as one."""
        start = min(max(minute, 0.0), float(len(self._table)))
        if start == int(start):
            return PlanAhead(self._cumulative[int(start) :] - self._cumulative[int(start)])
        steps = np.minimum(start + np.arange(len(self._table) - int(start) + 1), len(self._table))
        return PlanAhead(np.stack([self._until(step) for step in steps.tolist()]) - self._until(start))

    def _until(self, minute: float) -> FloatArray:
        """Planned minutes from the start, (G,), linear within a minute."""
        at = min(max(minute, 0.0), float(len(self._table)))
        low = min(int(at), len(self._table) - 1)
        until: FloatArray = self._cumulative[low] + (at - low) * self._table[low]
        return until
