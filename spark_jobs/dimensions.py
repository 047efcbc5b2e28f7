"""Dimensions as the KPI job uses them: prices at a moment, capacities, places."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bson
import pyarrow as pa
from pymongo.database import Database

from flashsale.errors import StoreNotReadyError
from flashsale.schema import CAMPAIGNS, CITIES, PRODUCTS, WAREHOUSES
from flashsale.stores.mongo import Document
from spark_jobs.sweep import KnownIds


@dataclass(frozen=True)
class SaleDimensions:
    """The documents of each dimension, sorted by id."""

    products: list[Document]
    warehouses: list[Document]
    cities: list[Document]
    campaigns: list[Document]

    @classmethod
    def read(cls, database: Database[Document]) -> "SaleDimensions":
        """Raises StoreNotReadyError when a dimension is empty: nothing could be priced or placed."""
        tables = (PRODUCTS, WAREHOUSES, CITIES, CAMPAIGNS)
        read = [list(database[table.name].find().sort("_id", 1)) for table in tables]
        for table, documents in zip(tables[:3], read, strict=False):
            if not documents:
                raise StoreNotReadyError(
                    f"{database.name}.{table.name} is empty; "
                    "run the DAG seed_dimensions or `python -m spark_jobs.seed_dimensions`"
                )
        return cls(*read)

    def digest(self) -> str:
        """SHA-256 (hex): part of what a minute's KPIs are a function of."""
        sha = hashlib.sha256()
        for documents in (self.products, self.warehouses, self.cities, self.campaigns):
            for document in documents:
                sha.update(bson.encode(document))
        return sha.hexdigest()

    def known_ids(self) -> KnownIds:
        def ids(documents: list[Document]) -> frozenset[int]:
            return frozenset(document["_id"] for document in documents)

        return KnownIds(ids(self.products), ids(self.warehouses), ids(self.cities))

    def warehouse_names(self) -> dict[int, str]:
        return {warehouse["_id"]: warehouse["name"] for warehouse in self.warehouses}

    def prices_at(self, moment: datetime) -> pa.Table:
        """product_id, discounted_price (minor units, halves up) at `moment`.

        Of several campaigns on a product the deepest discount holds.
        """
        running = [c for c in self.campaigns if c["starts_at"] <= moment < c["ends_at"]]
        rows = [(p["_id"], _discounted(p, running)) for p in self.products]
        return pa.table(
            {
                "product_id": pa.array([row[0] for row in rows], pa.int64()),
                "discounted_price": pa.array([row[1] for row in rows], pa.int64()),
            }
        )

    def capacities(self) -> pa.Table:
        """warehouse_id, capacity_units_per_minute."""
        return pa.table(
            {
                "warehouse_id": pa.array([w["_id"] for w in self.warehouses], pa.int64()),
                "capacity_units_per_minute": pa.array(
                    [w["capacity_units_per_minute"] for w in self.warehouses], pa.int64()
                ),
            }
        )


def _discounted(product: dict[str, Any], running: list[Document]) -> int:
    percents = [c["discount_pct"] for c in running if _covers(c, product)]
    price = int(product["base_price"])
    return int(price * (100 - max(percents, default=0.0)) / 100 + 0.5)


def _covers(campaign: Document, product: dict[str, Any]) -> bool:
    if not campaign["categories"] and not campaign["products"]:
        return True
    return product["category"] in campaign["categories"] or product["_id"] in campaign["products"]
