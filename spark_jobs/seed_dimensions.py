"""Write the sale's dimensions to MongoDB and their names to Redis; repeating it changes nothing."""

import sys
from dataclasses import dataclass

from pymongo.database import Database

from flashsale.dimensions import draw_dimensions, planned_intensity
from flashsale.errors import ReadBackError, exit_with_one_line
from flashsale.imported_sale import is_imported
from flashsale.scenario import parse_scenario
from flashsale.schema import CAMPAIGNS, CITIES, INBOUND_SHIPMENTS, PRODUCTS, WAREHOUSES, Table
from flashsale.settings import Settings, load_settings
from flashsale.stores.context import write_dimensions, write_sale
from flashsale.stores.dimension_tables import dimensions_view, put_dimension_tables, read_dimension_tables
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
    """Seed the live sale from the scenario it was opened with, or from what an import has put there.

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
        database = mongo[sale.database]
        if is_imported(sale):
            # They came from a file; nobody can draw them anew.
            dimensions = read_dimension_tables(database)
        else:
            scenario = parse_scenario(sale.scenario_toml, f"of sale {sale.sale_id}")
            dimensions = draw_dimensions(scenario, sale.seed, sale.sale_start)
            put_dimension_tables(database, dimensions)
        counts = {
            PRODUCTS.name: len(dimensions.products),
            WAREHOUSES.name: len(dimensions.warehouses),
            CITIES.name: len(dimensions.cities),
            CAMPAIGNS.name: len(dimensions.campaigns),
            INBOUND_SHIPMENTS.name: _insert_missing(database, INBOUND_SHIPMENTS, dimensions.shipments),
        }
        write_dimensions(redis, sale.sale_id, dimensions_view(dimensions))
        write_sale(redis, sale, planned_intensity(dimensions.campaigns, sale.sale_start, sale.minutes))
        return SeedReport(sale.sale_id, counts)


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
