"""Write the sale's dimensions to MongoDB and their names to Redis; repeating it changes nothing."""

import sys
from dataclasses import dataclass

from pymongo import ReplaceOne
from pymongo.database import Database

from flashsale.dimensions import draw_dimensions, planned_intensity
from flashsale.errors import ReadBackError, exit_with_one_line
from flashsale.scenario import parse_scenario
from flashsale.schema import CAMPAIGNS, CITIES, INBOUND_SHIPMENTS, PRODUCTS, WAREHOUSES, Table
from flashsale.settings import Settings, load_settings
from flashsale.stores.context import DimensionsView, write_dimensions, write_sale
from flashsale.stores.mongo import Document, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import active_sale


@dataclass(frozen=True, slots=True)
class SeedReport:
    """Documents that stand in each table now, read back."""

    sale_id: str
    counts: dict[str, int]

    def line(self) -> str:
        return f"sale {self.sale_id}: " + ", ".join(f"{name} {count}" for name, count in self.counts.items())


def seed(settings: Settings) -> SeedReport:
    """Seed the live sale from the scenario it was opened with.

    Shipments are only inserted: their later states belong to the generator.
    """
    with (
        mongo_errors("seed dimensions"),
        redis_errors("seed dimensions"),
        mongo_client(settings, "jobs") as mongo,
        redis_client(settings, "publisher") as redis,
    ):
        sale = active_sale(mongo)
        check_sale(mongo, sale)
        scenario = parse_scenario(sale.scenario_toml, f"of sale {sale.sale_id}")
        drawn = draw_dimensions(scenario, sale.seed, sale.sale_start)
        database = mongo[sale.database]
        counts = {}
        for table, documents in (
            (PRODUCTS, drawn.products),
            (WAREHOUSES, drawn.warehouses),
            (CITIES, drawn.cities),
            (CAMPAIGNS, drawn.campaigns),
        ):
            counts[table.name] = _replace_all(database, table, documents)
        counts[INBOUND_SHIPMENTS.name] = _insert_missing(database, INBOUND_SHIPMENTS, drawn.shipments)
        view: DimensionsView = {
            "products": {str(d["_id"]): {"name": d["name"], "category": d["category"]} for d in drawn.products},
            "warehouses": {str(d["_id"]): {"name": d["name"], "city_id": d["city_id"]} for d in drawn.warehouses},
            "cities": {str(d["_id"]): {"city": d["city"], "province": d["province"]} for d in drawn.cities},
        }
        write_dimensions(redis, sale.sale_id, view)
        write_sale(redis, sale, planned_intensity(drawn.campaigns, sale.sale_start, sale.minutes))
        return SeedReport(sale.sale_id, counts)


def _replace_all(database: Database[Document], table: Table, documents: list[Document]) -> int:
    database[table.name].bulk_write([ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in documents], ordered=False)
    return _read_back(database, table, documents)


def _insert_missing(database: Database[Document], table: Table, documents: list[Document]) -> int:
    known = {d["_id"] for d in database[table.name].find({}, {"_id": 1})}
    missing = [d for d in documents if d["_id"] not in known]
    if missing:
        database[table.name].insert_many(missing, ordered=False)
    return _read_back(database, table, documents)


def _read_back(database: Database[Document], table: Table, documents: list[Document]) -> int:
    found = database[table.name].count_documents({"_id": {"$in": [d["_id"] for d in documents]}})
    if found != len(documents):
        raise ReadBackError(f"{table.name}: wrote {len(documents)} documents, found {found}")
    return found


def main() -> int:
    def seed_and_tell() -> int:
        sys.stdout.write(seed(load_settings()).line() + "\n")
        return 0

    return exit_with_one_line(seed_and_tell)


if __name__ == "__main__":
    sys.exit(main())
