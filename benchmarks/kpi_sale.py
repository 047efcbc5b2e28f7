"""A large shop for the KPI benchmarks, whose facts are drawn and written a minute at a time.

5,000 SKUs, 10 warehouses, 50 cities; products and cities are chosen by Zipf's law.  The facts go
through the generator's door: the same documents, validators and indexes.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from bson.int64 import Int64
from pymongo.database import Database

from flashsale.minutes import MINUTE, epoch_ms, from_epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.schema import (
    CAMPAIGNS,
    CITIES,
    KPI_HISTORY,
    KPI_STATE,
    ORDERS,
    PRODUCTS,
    ROLLUP_PW,
    ROLLUP_PWC,
    WAREHOUSES,
)
from flashsale.settings import Settings
from flashsale.stores.ingest import put_checkpoint
from flashsale.stores.mongo import Client, Document
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.sales import activate, set_first_order
from generator.block_insertion import insert_blocks
from generator.encoding import FactBlock, encode_inventory, encode_orders
from generator.facts import TICK_MS, InventoryColumns, OrderColumns, tick_time_ms

SKUS, WAREHOUSE_COUNT, CITY_COUNT, SELLERS = 5_000, 10, 50, 200
PAIRS = SKUS * WAREHOUSE_COUNT
SKU_EXPONENT, CITY_EXPONENT = 0.8, 1.0
MINUTES = 120
_IDS_PER_MINUTE = 100_000_000
_CHUNK = 250_000
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BenchSale:
    """An open sale of the large shop; `owner` and `writer` are logged in as owner and generator."""

    sale: SaleRun
    owner: Client
    writer: Client
    rng: np.random.Generator

    @classmethod
    def open(cls, name: str, start: datetime, settings: Settings, owner: Client, writer: Client) -> "BenchSale":
        """Make the sale, its dimensions and its first order's time; it is then the active one."""
        sale = SaleRun(name, "bench", 'name = "bench"\n', 1, start, start + MINUTES * MINUTE)
        provision_registry(owner, settings)
        provision_sale(owner, sale)
        activate(owner, sale)
        _write_dimensions(owner[sale.database], sale)
        set_first_order(owner, sale.sale_id, start)
        return cls(sale, owner, writer, np.random.default_rng(1))

    @property
    def database(self) -> Database[Document]:
        return self.owner[self.sale.database]

    def end_of(self, minute: int) -> datetime:
        """End of the sale's `minute`, counted from 0."""
        return self.sale.sale_start + (minute + 1) * MINUTE

    def write(self, minute: int, orders: int, events: int) -> None:
        """Store `orders` orders and `events` inventory events (at most one per pair) in `minute`."""
        self.add_orders(minute, orders)
        start_ms = self._start_ms(minute)
        self._insert(self._events((minute + 1) * _IDS_PER_MINUTE, events, start_ms), start_ms)

    def add_orders(self, minute: int, count: int) -> None:
        """Store `count` more orders in `minute`."""
        start_ms = self._start_ms(minute)
        first_id = (minute + 1) * _IDS_PER_MINUTE + self.database[ORDERS.name].count_documents(
            {"order_ts": {"$gte": from_epoch_ms(start_ms), "$lt": from_epoch_ms(start_ms + 60_000)}}
        )
        for done in range(0, count, _CHUNK):
            self._insert(self._orders(first_id + done, min(_CHUNK, count - done), start_ms), start_ms)

    def acked_through(self, minute: int) -> None:
        """Move the watermark to the end of `minute`."""
        put_checkpoint(self.database, 0, self.end_of(minute), 0, None)

    def forget(self, minute: int) -> None:
        """Drop what was computed of `minute` and later: as if its run were still to come."""
        start = self.end_of(minute - 1)
        for name in (ROLLUP_PW, ROLLUP_PWC):
            self.database[name].delete_many({"_id": {"$gte": start}})
        for name in (KPI_STATE, KPI_HISTORY):
            self.database[name].delete_many({"_id": {"$gt": start}})

    def _start_ms(self, minute: int) -> int:
        return epoch_ms(self.sale.sale_start + minute * MINUTE)

    def _orders(self, first_id: int, count: int, start_ms: int) -> OrderColumns:
        quantity = np.minimum(self.rng.geometric(0.7, count), 5)
        return OrderColumns(
            np.arange(first_id, first_id + count),
            self._zipf(SKUS, SKU_EXPONENT, count),
            self.rng.integers(1, SELLERS + 1, count),
            self.rng.integers(1, WAREHOUSE_COUNT + 1, count),
            self._zipf(CITY_COUNT, CITY_EXPONENT, count),
            quantity,
            quantity * self.rng.integers(50_000, 200_000, count),
            start_ms + np.sort(self.rng.integers(0, 60_000, count)),
        )

    def _events(self, first_id: int, count: int, start_ms: int) -> InventoryColumns:
        pairs = self.rng.choice(PAIRS, count, replace=False)
        return InventoryColumns(
            np.arange(first_id, first_id + count),
            pairs // WAREHOUSE_COUNT + 1,
            pairs % WAREHOUSE_COUNT + 1,
            self.rng.integers(0, 2_000, count),
            self.rng.integers(0, 10, count),
            self.rng.uniform(1, 20, count),
            start_ms + np.sort(self.rng.integers(0, 60_000, count)),
        )

    def _zipf(self, kinds: int, exponent: float, count: int) -> Ids:
        weights = np.arange(1, kinds + 1) ** -exponent
        chosen: Ids = np.searchsorted(np.cumsum(weights / weights.sum()), self.rng.random(count)) + 1
        return np.minimum(chosen, kinds)

    def _insert(self, columns: OrderColumns | InventoryColumns, start_ms: int) -> None:
        """Facts reach the store tick by tick, as from the generator."""
        ticks = (columns.ts - start_ms) // TICK_MS
        blocks: list[FactBlock] = []
        for tick in np.unique(ticks).tolist():
            part, arrived_ms = columns.take(np.flatnonzero(ticks == tick)), tick_time_ms(start_ms, tick)
            blocks.append(
                encode_orders(part, arrived_ms)
                if isinstance(part, OrderColumns)
                else encode_inventory(part, arrived_ms)
            )
        insert_blocks(self.writer[self.sale.database], blocks)


def _write_dimensions(database: Database[Document], sale: SaleRun) -> None:
    database[PRODUCTS.name].insert_many(
        {
            "_id": number,
            "name": f"SKU {number}",
            "category": "phones",
            "base_price": Int64(100_000 + number),
            "unit_cost": Int64(50_000),
        }
        for number in range(1, SKUS + 1)
    )
    place = {"latitude": 30.0, "longitude": 70.0}
    database[WAREHOUSES.name].insert_many(
        {"_id": n, "name": f"Warehouse {n}", "city_id": n, "capacity_units_per_minute": 100_000, **place}
        for n in range(1, WAREHOUSE_COUNT + 1)
    )
    database[CITIES.name].insert_many(
        {"_id": n, "city": f"City {n}", "province": f"Province {n % 5}", **place} for n in range(1, CITY_COUNT + 1)
    )
    database[CAMPAIGNS.name].insert_one(
        {
            "_id": 1,
            "name": "Sale",
            "categories": [],
            "products": [],
            "discount_pct": 10.0,
            "starts_at": sale.sale_start,
            "ends_at": sale.sale_end,
            "planned_intensity": [1000] * MINUTES,
        }
    )
