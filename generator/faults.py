"""What happens to facts on their way, at the scenario's rates: late, out of order, twice, skewed, malformed.

Each fact meets one fault at most.  The opening stock is spared: without it nothing that
follows could be checked.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.scenario_trouble import Faults
from flashsale.schema import INVENTORY, ORDERS
from generator.delayed import AGAIN, FIRST, OTHERWISE, Delayed, DelayedRows
from generator.facts import (
    InventoryColumns,
    OrderColumns,
    inventory_documents,
    order_documents,
    tick_time_ms,
)
from generator.randomness import FAULTS, tick_rng
from generator.world import World

IntArray = npt.NDArray[np.int64]

_LATE_TICKS = 180
"""A fact that arrives so much later is past its minute's end and the allowed lateness wherever in it it lay."""
_RESENT_TICKS = 30
_UNKNOWN_ID = 2_000_000_000
"""A product or warehouse that no shop has, yet a number the validator accepts."""

Columns = OrderColumns | InventoryColumns


def disturb(
    world: World, tick: int, orders: OrderColumns, inventory: InventoryColumns, delayed: Delayed
) -> tuple[OrderColumns, InventoryColumns, dict[str, list[Any]], Delayed]:
    """(orders, inventory, strays, delayed) of `tick` after the scenario's faults.

    Rows are what arrives well-formed for the first time in this tick, also from earlier
    ticks; strays are documents as a faulty sender sends them.
    """
    rules = world.scenario.faults
    if not rules.any:
        return orders, inventory, {}, delayed
    rng = tick_rng(world.seed, world.shard, tick, FAULTS)
    order_rows, order_strays, late_orders = _disturb_table(world, tick, rng, rules, orders, delayed.orders)
    event_rows, event_strays, late_events = _disturb_table(world, tick, rng, rules, inventory, delayed.inventory)
    assert isinstance(order_rows, OrderColumns)
    assert isinstance(event_rows, InventoryColumns)
    strays = {ORDERS.name: order_strays, INVENTORY.name: event_strays}
    return order_rows, event_rows, {k: v for k, v in strays.items() if v}, Delayed(late_orders, late_events)


def _disturb_table(
    world: World, tick: int, rng: np.random.Generator, rules: Faults, rows: Columns, waiting: DelayedRows
) -> tuple[Columns, list[Any], DelayedRows]:
    arrived_ms = tick_time_ms(world.start_ms, tick)
    count = len(rows.ts)
    fate = _fates(rng.random(count), rules) if tick else np.zeros(count, dtype=np.int64)
    delay = np.zeros(count, dtype=np.int64)
    late, disordered, same, conflicting, skewed, malformed = (np.flatnonzero(fate == kind) for kind in range(1, 7))
    delay[late] = rng.integers(_LATE_TICKS, int(60 * rules.late_minutes_max) + 1, len(late))
    delay[disordered] = rng.integers(1, rules.out_of_order_seconds_max + 1, len(disordered))
    again = np.concatenate([same, conflicting])
    delay[again] = rng.integers(1, _RESENT_TICKS + 1, len(again))
    kind = np.full(count, FIRST, dtype=np.int64)
    kind[same], kind[conflicting] = AGAIN, OTHERWISE
    later = np.flatnonzero(delay)
    # What the last second does not bring never comes: the sender is gone.
    due_tick = np.minimum(tick + delay[later], world.end_tick - 1)
    sent = DelayedRows(due_tick, kind[later], np.full(len(later), arrived_ms), rows.take(later))
    due, waiting = waiting.joined(sent).parted(tick)

    strays = _skewed(world, rng, rules, rows.take(skewed), arrived_ms)
    strays += _malformed(rng, rows.take(malformed), arrived_ms)
    strays += _documents(due, AGAIN) + [_contradict(document) for document in _documents(due, OTHERWISE)]
    arriving = rows.take(np.flatnonzero(~np.isin(fate, (1, 2, 5, 6))))
    return due.rows.take(np.flatnonzero(due.kind == FIRST)).joined(arriving), strays, waiting


def _fates(drawn: npt.NDArray[np.float64], rules: Faults) -> IntArray:
    """0: nothing happens; 1 … 6: late, out of order, twice, twice and different, skewed, malformed."""
    shares = (
        rules.late_share,
        rules.out_of_order_share,
        rules.duplicate_share,
        rules.conflict_share,
        rules.skewed_share,
        rules.malformed_share,
    )
    fate = np.searchsorted(np.cumsum(shares), drawn, side="right") + 1
    return np.where(fate <= len(shares), fate, 0)


def documents(rows: Columns, arrived_ms: int) -> list[dict[str, Any]]:
    """`rows` in stored form."""
    if isinstance(rows, OrderColumns):
        return order_documents(rows, arrived_ms)
    return inventory_documents(rows, arrived_ms)


def _documents(due: DelayedRows, kind: int) -> list[dict[str, Any]]:
    """Documents of what is sent again, each with its first arrival."""
    found: list[dict[str, Any]] = []
    for row in np.flatnonzero(due.kind == kind).tolist():
        found += documents(due.rows.take(np.array([row])), int(due.arrived[row]))
    return found


def _contradict(document: dict[str, Any]) -> dict[str, Any]:
    name = "order_qty" if "order_qty" in document else "inventory_on_hand"
    return {**document, name: document[name] + 1}


def _skewed(world: World, rng: np.random.Generator, rules: Faults, rows: Columns, arrived_ms: int) -> list[Any]:
    """Documents with the event time of a sender whose clock is off, by less than the sale is long."""
    most = 1000 * rules.skew_seconds_max
    ts = rows.ts + rng.integers(-most, most + 1, len(rows.ts))
    np.clip(ts, world.start_ms, world.start_ms + world.end_tick * 1000 - 1, out=rows.ts)
    return documents(rows, arrived_ms)


def _malformed(rng: np.random.Generator, rows: Columns, arrived_ms: int) -> list[Any]:
    """Documents, each broken in one of six ways: five the door must refuse, one only a join can find."""
    broken: list[Any] = []
    ways = rng.integers(0, 6, len(rows.ts)).tolist()
    for document, way in zip(documents(rows, arrived_ms), ways, strict=True):
        amount = "order_qty" if "order_qty" in document else "inventory_on_hand"
        moment = "order_ts" if "order_ts" in document else "inventory_ts"
        if way == 0:
            document[amount] = -1
        elif way == 1:
            document[amount] = str(document[amount])
        elif way == 2:
            del document["warehouse_id"]
        elif way == 3:
            document["coupon"] = "1111"
        elif way == 4:
            document[moment] = document[moment].isoformat()
        else:
            document["product_id"] = _UNKNOWN_ID
        broken.append(document)
    return broken
