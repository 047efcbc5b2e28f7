"""Random but repeatable facts of a small shop: stock runs out, some facts are late."""

from datetime import timedelta
from typing import Any

import numpy as np
from bson.int64 import Int64

from tests.support.shop import at

Facts = tuple[list[dict[str, Any]], list[dict[str, Any]]]
PRODUCTS, WAREHOUSES, CITIES = 4, 3, 2
OPENING_STOCK = 60


def draw(seed: int, start: str, minutes: int, orders_per_minute: int = 12, late_share: float = 0.1) -> Facts:
    """Orders and inventory events over `minutes` from `start`; a late fact arrives 2.5 to 6 minutes after its time."""
    rng = np.random.default_rng(seed)
    opening = at(start)
    left = {(p, w): OPENING_STOCK for p in range(1, PRODUCTS + 1) for w in range(1, WAREHOUSES + 1)}
    orders: list[dict[str, Any]] = []
    inventory = [_event(i, pair, units, opening, opening) for i, (pair, units) in enumerate(left.items())]
    moments = sorted(int(ms) for ms in rng.integers(1_000, minutes * 60_000, orders_per_minute * minutes))
    for number, offset in enumerate(moments):
        pair = (int(rng.integers(1, PRODUCTS + 1)), int(rng.integers(1, WAREHOUSES + 1)))
        quantity = min(int(rng.integers(1, 4)), left[pair])
        if quantity == 0:
            continue
        moment = opening + timedelta(milliseconds=offset)
        # Within lateness up to 100 s, or clearly too late.
        delay = rng.uniform(150, 360) if rng.random() < late_share else rng.uniform(0, 100)
        arrived = moment + timedelta(seconds=int(delay))
        left[pair] -= quantity
        orders.append(
            {
                "_id": Int64(1_000 + number),
                "product_id": pair[0],
                "seller_id": 1,
                "warehouse_id": pair[1],
                "city_id": int(rng.integers(1, CITIES + 1)),
                "order_qty": quantity,
                "order_value": Int64(quantity * int(rng.integers(500, 1500))),
                "order_ts": moment,
                "arrived_at": arrived,
            }
        )
        inventory.append(_event(1_000 + number, pair, left[pair], moment, arrived, float(rng.uniform(0, 45))))
    return orders, inventory


def arrived_before(facts: Facts, clock: str) -> Facts:
    """What a writer would have sent by then."""
    orders, inventory = facts
    return [o for o in orders if o["arrived_at"] < at(clock)], [e for e in inventory if e["arrived_at"] < at(clock)]


def _event(
    number: int, pair: tuple[int, int], units: int, moment: Any, arrived: Any, delay: float = 1.0
) -> dict[str, Any]:
    return {
        "_id": Int64(number),
        "product_id": pair[0],
        "warehouse_id": pair[1],
        "inventory_on_hand": units,
        "reserved_stock": 0,
        "fulfillment_delay": delay,
        "inventory_ts": moment,
        "arrived_at": arrived,
    }
