"""What is drawn for one test sale: facts by fate, and the pen that writes them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from bson.int64 import Int64

Document = dict[str, Any]
Pair = tuple[int, int]

CITIES = 3
LATENESS_MS, AHEAD_MS = 120_000, 30_000


@dataclass
class DrawnSale:
    """Stored documents by fate; `orders` and `inventory` are what the database accepts.

    `again` repeats ids of those, `refused` breaks the validator, `malformed` gets past it; `shipments` are announced.
    """

    opens: datetime
    minutes: int
    rng: np.random.Generator
    orders: list[Document] = field(default_factory=list)
    inventory: list[Document] = field(default_factory=list)
    again: tuple[list[Document], list[Document]] = field(default_factory=lambda: ([], []))
    refused: tuple[list[Document], list[Document]] = field(default_factory=lambda: ([], []))
    malformed: tuple[list[Document], list[Document]] = field(default_factory=lambda: ([], []))
    shipments: list[Document] = field(default_factory=list)

    @property
    def first_order_ts(self) -> datetime:
        times: list[datetime] = [order["order_ts"] for order in self.orders]
        return min(moment for moment in times if moment >= self.opens)

    def order(
        self, ms: int, pair: Pair, quantity: int, arrived_ms: int | None = None, city: int = 0, seller: int = 1
    ) -> Document:
        """An order `ms` after the opening; it arrives in time or, one in twelve, late, unless told when."""
        document = {
            "product_id": pair[0],
            "seller_id": seller,
            "warehouse_id": pair[1],
            "city_id": city or self.number(1, CITIES),
            "order_qty": quantity,
            "order_value": Int64(quantity * self.number(501, 1500)),
            "order_ts": self.after(ms),
            "arrived_at": self.after(self._arrival(ms) if arrived_ms is None else arrived_ms),
        }
        self.orders.append(document)
        return document

    def stock(self, ms: int, pair: Pair, units: int, delay: float | None = None, *, in_time: bool = True) -> Document:
        """An event that leaves `units` available; of none, more may be promised than there are."""
        reserved = self.number(0, 5)
        document = {
            "product_id": pair[0],
            "warehouse_id": pair[1],
            "inventory_on_hand": units + reserved,
            "reserved_stock": reserved + (self.number(0, 3) if units == 0 else 0),
            "fulfillment_delay": float(self.rng.uniform(0, 25)) if delay is None else delay,
            "inventory_ts": self.after(ms),
            "arrived_at": self.after(ms if in_time else self._arrival(ms)),
        }
        self.inventory.append(document)
        return document

    def shipment(self, due_ms: int, pair: Pair, units: int, received_ms: int | None = None, status: str = "") -> None:
        """One due `due_ms` after the opening, and received then or never."""
        self.shipments.append(
            {
                "_id": len(self.shipments) + 1,
                "product_id": pair[0],
                "warehouse_id": pair[1],
                "qty": units,
                "due_at": self.after(due_ms),
                "status": status or ("in_transit" if received_ms is None else "received"),
                "received_at": None if received_ms is None else self.after(received_ms),
                "received_qty": None if received_ms is None else units,
            }
        )

    def number(self, low: int, high: int) -> int:
        """A whole number, both bounds included."""
        return int(self.rng.integers(low, high + 1))

    def after(self, ms: int) -> datetime:
        return self.opens + timedelta(milliseconds=ms)

    def _arrival(self, ms: int) -> int:
        final = (ms // 60_000 + 1) * 60_000 + LATENESS_MS
        if self.rng.random() < 1 / 12:
            return self.number(final, final + 300_000)
        return self.number(max(0, ms - AHEAD_MS), final - 1)
