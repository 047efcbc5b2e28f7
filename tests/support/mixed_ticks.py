"""Some seconds of a shard with everything a writer may be given: good facts, bad, late, early, and strays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from bson.int64 import Int64

from flashsale.minutes import from_epoch_ms
from flashsale.schema import INVENTORY, ORDERS
from generator.encoding import encode_inventory, encode_orders
from generator.facts import InventoryColumns, OrderColumns, inventory_documents, order_documents
from generator.tick_write import TickWrite
from tests.support.fact_columns import TICK_MS, event_columns, order_columns

SECONDS = 12
FIRST_MS = TICK_MS + 23_000
"""The minute ends after the sixth of the ticks."""
Documents = list[Any]


@dataclass(frozen=True)
class MixedTick:
    """The facts of one tick as columns, and what strays into it, by table."""

    arrived_ms: int
    orders: OrderColumns
    events: InventoryColumns
    strays: dict[str, Documents]

    @property
    def tick_time(self) -> datetime:
        return from_epoch_ms(self.arrived_ms)

    @property
    def as_blocks(self) -> TickWrite:
        blocks = [encode_orders(self.orders, self.arrived_ms), encode_inventory(self.events, self.arrived_ms)]
        return TickWrite(self.tick_time, blocks, self.strays)

    @property
    def as_documents(self) -> tuple[datetime, Documents, Documents]:
        """What `FactWriter.write_tick` takes."""
        orders = order_documents(self.orders, self.arrived_ms) + self.strays[ORDERS.name]
        return self.tick_time, orders, inventory_documents(self.events, self.arrived_ms) + self.strays[INVENTORY.name]


def mixed_ticks(seed: int) -> list[MixedTick]:
    """`SECONDS` ticks; every tenth fact is wrong, early or late, and strays repeat or contradict others."""
    rng = np.random.default_rng(seed)
    facts = [_facts(rng, second) for second in range(SECONDS)]
    documents = [
        {ORDERS.name: order_documents(orders, at), INVENTORY.name: inventory_documents(events, at)}
        for at, orders, events in facts
    ]
    ticks = []
    for second, (arrived_ms, orders, events) in enumerate(facts):
        strays = {name: _strays(rng, [tick[name] for tick in documents], second) for name in documents[second]}
        ticks.append(MixedTick(arrived_ms, orders, events, strays))
    return ticks


def _facts(rng: np.random.Generator, second: int) -> tuple[int, OrderColumns, InventoryColumns]:
    arrived_ms = FIRST_MS + 1000 * second
    n, m = rng.integers(0, 60, 2).tolist()
    ids = (second << 28) + np.arange(max(n, m))
    qty = rng.choice([1, 2, 3, 0, -5], n, p=[0.4, 0.3, 0.2, 0.05, 0.05])
    delay = rng.choice([6.0, -0.0, np.nan, -1.0], m, p=[0.7, 0.2, 0.05, 0.05])
    orders = order_columns(n, order_id=ids[:n], qty=qty, ts=_times(rng, n, arrived_ms))
    return arrived_ms, orders, event_columns(m, event_id=ids[:m], delay=delay, ts=_times(rng, m, arrived_ms))


def _times(rng: np.random.Generator, count: int, arrived_ms: int) -> Any:
    """Within the tick, mostly; else minutes late, or too far ahead of the clock."""
    odd = rng.choice([0, -200_000, -600_000, 60_000], count, p=[0.85, 0.05, 0.05, 0.05])
    return arrived_ms - rng.integers(0, 1000, count) + odd


def _strays(rng: np.random.Generator, by_tick: list[Documents], second: int) -> Documents:
    """The same and other documents under ids of this tick and of others, and what is none at all."""
    if rng.random() < 0.3:
        return []
    sent: Documents = [document for documents in by_tick[: second + 1] for document in documents]
    to_come: Documents = [document for documents in by_tick[second + 1 :] for document in documents]
    strays: Documents = [None, {"_id": Int64(10**6 + second), "product_id": "seven"}]
    for kind, pool in (("same", sent), ("other", sent), ("other", to_come)):
        for index in rng.integers(0, len(pool), 3).tolist() if pool else []:
            # What contradicts a fact to come arrives now; what contradicts an old one keeps its time.
            arrived_at = from_epoch_ms(FIRST_MS + 1000 * second)
            changed = {} if kind == "same" else {"product_id": int(rng.integers(2, 5)), "arrived_at": arrived_at}
            strays.append({**pool[index], **changed})
    return [strays[index] for index in rng.permutation(len(strays))]
