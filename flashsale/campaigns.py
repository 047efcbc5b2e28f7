"""What the business planned: discount and demand per minute, read from `campaigns_dim` documents.

Planned intensities multiply: a sale-wide campaign gives the sale's curve, a campaign of
some categories or products lifts those on top of it.  Discounts do not add up: the
largest one counts.  Where no campaign says anything, intensity is 1 and discount 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.minutes import MINUTE

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
CampaignDocument = Mapping[str, Any]


def planned_intensity(campaigns: Iterable[CampaignDocument], sale_start: datetime, minutes: int) -> list[int]:
    """The sale's plan: permille of base demand for each of `minutes` minutes from `sale_start`.

    Only campaigns that cover everything count; 1000 in a minute without one.
    """
    plan = np.ones(minutes)
    for campaign in campaigns:
        if campaign["categories"] or campaign["products"]:
            continue
        first = (campaign["starts_at"] - sale_start) // MINUTE
        for offset, permille in enumerate(campaign["planned_intensity"]):
            if 0 <= first + offset < minutes:
                plan[first + offset] *= permille / 1000
    return [int(value) for value in np.rint(plan * 1000)]


@dataclass(frozen=True, slots=True)
class _Effect:
    first_minute: int
    permille: FloatArray
    discount: float
    covered: BoolArray


class CampaignPlan:
    """Planned intensity and discount of each product in each minute of the sale."""

    def __init__(
        self,
        campaigns: Iterable[CampaignDocument],
        sale_start: datetime,
        product_ids: Sequence[int],
        categories: Sequence[str],
    ) -> None:
        """`categories[i]` is the category of `product_ids[i]`."""
        self._count = len(product_ids)
        ids, names = np.asarray(product_ids), np.asarray(categories)
        self._effects = []
        for campaign in campaigns:
            everything = not campaign["categories"] and not campaign["products"]
            covered = np.isin(names, campaign["categories"]) | np.isin(ids, campaign["products"]) | everything
            self._effects.append(
                _Effect(
                    (campaign["starts_at"] - sale_start) // MINUTE,
                    np.asarray(campaign["planned_intensity"], dtype=np.float64),
                    campaign["discount_pct"] / 100,
                    covered,
                )
            )

    def at(self, minute: int) -> tuple[FloatArray, FloatArray]:
        """(intensity, 1 = base demand; discount as a share of the price) per product, shape (products,)."""
        intensity, discount = np.ones(self._count), np.zeros(self._count)
        for effect in self._effects:
            offset = minute - effect.first_minute
            if 0 <= offset < len(effect.permille):
                intensity[effect.covered] *= effect.permille[offset] / 1000
                discount[effect.covered] = np.maximum(discount[effect.covered], effect.discount)
        return intensity, discount

    def covered(self) -> BoolArray:
        """Which campaign covers which product, (campaigns, products)."""
        return np.array([effect.covered for effect in self._effects], dtype=np.bool_).reshape(-1, self._count)
