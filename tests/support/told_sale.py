"""A sale as the forecast's reference is told of it: what was planned and announced, and what people did when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flashsale.calibration import Calibration
from flashsale.minutes import MINUTE
from tests.support.scaled_demand import Shipment

Document = Mapping[str, Any]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """What people did in a minute with a pair: `in_stock` share of it; `available` at its end, None: unknown."""

    units: int
    squares: int
    orders: int
    in_stock: float
    available: int | None


@dataclass(frozen=True)
class Sale:
    """Dimension documents and what was announced; minutes count from `start`, units short `short_minutes` ahead."""

    start: datetime
    minutes: int
    products: Sequence[Document]
    campaigns: Sequence[Document]
    shipments: Sequence[Document]
    calibration: Calibration
    short_minutes: int = 30

    @cached_property
    def category(self) -> dict[int, str]:
        """Of each product."""
        return {product["_id"]: str(product["category"]) for product in self.products}

    @cached_property
    def _plan(self) -> dict[int, list[float]]:
        return {product: [self._intensity(product, m) for m in range(self.minutes)] for product in self.category}

    def intensity(self, product_id: int, minute: int) -> float:
        """Planned intensity of a minute, 0 outside the sale."""
        return self._plan[product_id][minute] if 0 <= minute < self.minutes else 0.0

    def _intensity(self, product_id: int, minute: int) -> float:
        moment, lift, discounts = self.start + minute * MINUTE, 1.0, [0.0]
        for campaign in self.campaigns:
            named = campaign["categories"] or campaign["products"]
            covered = self.category[product_id] in campaign["categories"] or product_id in campaign["products"]
            if (covered or not named) and campaign["starts_at"] <= moment < campaign["ends_at"]:
                lift *= campaign["planned_intensity"][(moment - campaign["starts_at"]) // MINUTE] / 1000
                discounts.append(campaign["discount_pct"] / 100)
        return float(lift * (1 - max(discounts)) ** -self.calibration.discount_elasticity)

    def planned(self, product_id: int, minute: int, minutes: float) -> float:
        """Planned minutes in the next `minutes` from the start of `minute`."""
        whole = int(minutes)
        full = sum(self.intensity(product_id, minute + k) for k in range(whole))
        return full + (minutes - whole) * self.intensity(product_id, minute + whole)

    def expected(self, pair: Pair, now: datetime) -> list[Shipment]:
        """What is still to come to a pair, by announced time: minutes from now and units."""
        mine = [
            shipment
            for shipment in self.shipments
            if (shipment["product_id"], shipment["warehouse_id"]) == pair
            and shipment["status"] != "cancelled"
            and (shipment["received_at"] is None or shipment["received_at"] >= now)
        ]
        delay, part = self.calibration.shipment_delay_minutes, self.calibration.shipment_share
        return [
            Shipment(max((shipment["due_at"] - now) / MINUTE, 0.0) + delay, shipment["qty"] * part)
            for shipment in sorted(mine, key=lambda shipment: (shipment["due_at"], shipment["qty"]))
        ]
