"""A sale's dimensions in MongoDB, and the names in them as the page reads them."""

from pymongo import ReplaceOne
from pymongo.database import Database

from flashsale.dimensions import Dimensions
from flashsale.errors import ReadBackError
from flashsale.schema import CAMPAIGNS, CITIES, INBOUND_SHIPMENTS, PRODUCTS, WAREHOUSES, Table
from flashsale.stores.context import DimensionsView
from flashsale.stores.mongo import Document

_BATCH = 10_000


def put_dimension_tables(database: Database[Document], dimensions: Dimensions) -> None:
    """Write products, warehouses, cities and campaigns; repeating it changes nothing.

    Raises ReadBackError when not all of them stand there afterwards.
    """
    for table, documents in _tables(dimensions):
        collection = database[table.name]
        for start in range(0, len(documents), _BATCH):
            part = documents[start : start + _BATCH]
            collection.bulk_write([ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in part], ordered=False)
        found = collection.count_documents({})
        if found != len(documents):
            raise ReadBackError(f"{database.name}.{table.name}: wrote {len(documents)} documents, found {found}")


def read_dimension_tables(database: Database[Document]) -> Dimensions:
    """What stands in MongoDB, in order of id."""

    def documents(table: Table) -> list[Document]:
        return list(database[table.name].find().sort("_id", 1))

    return Dimensions(
        products=documents(PRODUCTS),
        warehouses=documents(WAREHOUSES),
        cities=documents(CITIES),
        campaigns=documents(CAMPAIGNS),
        shipments=documents(INBOUND_SHIPMENTS),
    )


def dimensions_view(dimensions: Dimensions) -> DimensionsView:
    """Names by id, for the page."""
    return {
        "products": {str(d["_id"]): {"name": d["name"], "category": d["category"]} for d in dimensions.products},
        "product_count": len(dimensions.products),
        "categories": sorted({d["category"] for d in dimensions.products}),
        "warehouses": {str(d["_id"]): {"name": d["name"], "city_id": d["city_id"]} for d in dimensions.warehouses},
        "cities": {str(d["_id"]): {"city": d["city"], "province": d["province"]} for d in dimensions.cities},
    }


def _tables(dimensions: Dimensions) -> tuple[tuple[Table, list[Document]], ...]:
    return (
        (PRODUCTS, dimensions.products),
        (WAREHOUSES, dimensions.warehouses),
        (CITIES, dimensions.cities),
        (CAMPAIGNS, dimensions.campaigns),
    )
