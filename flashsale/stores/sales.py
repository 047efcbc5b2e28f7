"""The registry of sale runs: which there are, and which one is live."""

from datetime import datetime

from flashsale.errors import StoreNotReadyError
from flashsale.sale_run import Phase, SaleRun
from flashsale.schema import REGISTRY_DATABASE, SALES
from flashsale.stores.mongo import Client


def active_sale(client: Client) -> SaleRun:
    """The live sale; raises StoreNotReadyError when none was opened."""
    document = client[REGISTRY_DATABASE][SALES].find_one({"active": True})
    if document is None:
        raise StoreNotReadyError("no sale is open; open one with `flashsale-sale open` or start the stack")
    return SaleRun.from_document(document)


def find_sale(client: Client, sale_id: str) -> SaleRun:
    """The sale called `sale_id`; raises StoreNotReadyError."""
    document = client[REGISTRY_DATABASE][SALES].find_one({"_id": sale_id})
    if document is None:
        raise StoreNotReadyError(f"no sale is called {sale_id}; `flashsale-sale list` shows them")
    return SaleRun.from_document(document)


def list_sales(client: Client) -> list[SaleRun]:
    """All sales, newest start first."""
    cursor = client[REGISTRY_DATABASE][SALES].find().sort("sale_start", -1)
    return [SaleRun.from_document(document) for document in cursor]


def activate(client: Client, sale: SaleRun) -> None:
    """Register `sale` and make it the live one, in one transaction; repeating it changes nothing.

    The sale that was live until now is marked ended.
    """
    sales = client[REGISTRY_DATABASE][SALES]
    with client.start_session() as session, session.start_transaction():
        sales.update_many(
            {"active": True, "_id": {"$ne": sale.sale_id}},
            {"$set": {"active": False, "phase": "ended"}},
            session=session,
        )
        sales.update_one(
            {"_id": sale.sale_id},
            {"$setOnInsert": {k: v for k, v in sale.to_document().items() if k != "_id"}},
            upsert=True,
            session=session,
        )
        sales.update_one({"_id": sale.sale_id}, {"$set": {"active": True}}, session=session)


def set_phase(client: Client, sale_id: str, phase: Phase) -> None:
    client[REGISTRY_DATABASE][SALES].update_one({"_id": sale_id}, {"$set": {"phase": phase}})


def set_first_order(client: Client, sale_id: str, first_order_ts: datetime) -> None:
    """Store the first order's time once; velocities of the first minutes divide by it."""
    client[REGISTRY_DATABASE][SALES].update_one(
        {"_id": sale_id, "first_order_ts": None}, {"$set": {"first_order_ts": first_order_ts}}
    )
