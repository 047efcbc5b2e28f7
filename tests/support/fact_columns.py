"""Columns of facts for tests: right in every value but those that are given."""

from typing import Any

import numpy as np

from flashsale.minutes import epoch_ms
from generator.facts import InventoryColumns, OrderColumns
from tests.support.facts import TICK

TICK_MS = epoch_ms(TICK)


def order_columns(count: int, **changes: Any) -> OrderColumns:
    """Orders with the ids 1 ... `count`, half a second before `TICK`."""
    columns: dict[str, Any] = {
        "order_id": np.arange(1, count + 1),
        **{name: np.full(count, 1) for name in ("product_id", "seller_id", "warehouse_id", "city_id")},
        "qty": np.full(count, 2),
        "value": np.full(count, 250_000),
        "ts": np.full(count, TICK_MS - 500),
    }
    return OrderColumns(**{**columns, **changes})


def event_columns(count: int, **changes: Any) -> InventoryColumns:
    """Inventory events with the ids 1 ... `count`, half a second before `TICK`."""
    columns: dict[str, Any] = {
        "event_id": np.arange(1, count + 1),
        **{name: np.full(count, 1) for name in ("product_id", "warehouse_id")},
        "on_hand": np.full(count, 100),
        "reserved": np.full(count, 3),
        "delay": np.full(count, 6.0),
        "ts": np.full(count, TICK_MS - 500),
    }
    return InventoryColumns(**{**columns, **changes})
