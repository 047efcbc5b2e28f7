"""The registry of sale runs: which there are, and which one is live."""

from datetime import datetime

from pymongo.client_session import ClientSession

from flashsale import CONTRACT_VERSION
from flashsale.errors import StoreNotReadyError
from flashsale.minutes import utc_now
from flashsale.sale_run import Phase, SaleRun
from flashsale.schema import REGISTRY_DATABASE, SALES
from flashsale.stores.mongo import Client

_CONTRACT = "contract"
"""Collection of the registry: {_id: "registry", version}; contract 1 did not write it."""


def active_sale(client: Client) -> SaleRun:
    """The live sale; raises StoreNotReadyError when none was opened."""
    sale = find_active_sale(client)
    if sale is None:
        raise StoreNotReadyError("no sale is open; open one with `flashsale-sale open` or start the stack")
    return sale


def find_active_sale(client: Client) -> SaleRun | None:
    """The live sale, None before the first was opened; raises StoreNotReadyError when a newer version wrote it."""
    document = client[REGISTRY_DATABASE][SALES].find_one({"active": True})
    return None if document is None else SaleRun.from_document(document)


def is_registered(client: Client, sale_id: str) -> bool:
    return client[REGISTRY_DATABASE][SALES].find_one({"_id": sale_id}, {"_id": 1}) is not None


def find_sale(client: Client, sale_id: str) -> SaleRun:
    """The sale called `sale_id`; raises StoreNotReadyError."""
    document = client[REGISTRY_DATABASE][SALES].find_one({"_id": sale_id})
    if document is None:
        raise StoreNotReadyError(f"no sale is called {sale_id}; `flashsale-sale list` shows them")
    return SaleRun.from_document(document)


def list_sales(client: Client) -> list[SaleRun]:
    """All sales, newest start first."""
    cursor = client[REGISTRY_DATABASE][SALES].find().sort([("sale_start", -1), ("_id", -1)])
    return [SaleRun.from_document(document) for document in cursor]


def require_contract(sale: SaleRun) -> None:
    """Raise StoreNotReadyError when the sale is not in the layout of this version."""
    if sale.contract_version != CONTRACT_VERSION:
        raise StoreNotReadyError(
            f"sale {sale.sale_id} is of contract {sale.contract_version}, this version reads {CONTRACT_VERSION}; "
            f"`flashsale-sale upgrade --sale {sale.sale_id}` brings it over"
        )


def activate(client: Client, sale: SaleRun, *, new: bool = False) -> None:
    """Register `sale` and make it the live one, in one transaction; repeating it changes nothing.

    The sale that was live until now is marked ended, and its end is set to when its generator
    has left it at the latest.  With `new` the id must be free: raises pymongo's DuplicateKeyError.
    """
    sales = client[REGISTRY_DATABASE][SALES]
    document = sale.to_document()

    def change_over(session: ClientSession) -> None:
        for other in sales.find({"active": True, "_id": {"$ne": sale.sale_id}}, session=session):
            end = SaleRun.from_document(other).ending(utc_now())
            change = {"active": False, "phase": "ended", "sale_end": end}
            sales.update_one({"_id": other["_id"]}, {"$set": change}, session=session)
        if new:
            sales.insert_one({**document, "active": True}, session=session)
        else:
            fields = {name: value for name, value in document.items() if name != "_id"}
            change = {"$setOnInsert": fields, "$set": {"active": True}}
            sales.update_one({"_id": sale.sale_id}, change, upsert=True, session=session)

    with client.start_session() as session:
        session.with_transaction(change_over)


def register(client: Client, sale: SaleRun) -> None:
    """Register `sale` beside the live one.  Raises pymongo's DuplicateKeyError when the id is taken."""
    client[REGISTRY_DATABASE][SALES].insert_one({**sale.to_document(), "active": False})


def end_sale(client: Client, sale_id: str, end: datetime) -> None:
    """Set an earlier end; a sale that ends with its start is over at once.  A later end changes nothing."""
    sales = client[REGISTRY_DATABASE][SALES]
    sales.update_one({"_id": sale_id, "sale_end": {"$gt": end}}, {"$set": {"sale_end": end}})
    sales.update_one({"_id": sale_id, "sale_start": end}, {"$set": {"phase": "ended"}})


def set_phase(client: Client, sale_id: str, phase: Phase) -> None:
    client[REGISTRY_DATABASE][SALES].update_one({"_id": sale_id}, {"$set": {"phase": phase}})


def set_first_order(client: Client, sale_id: str, first_order_ts: datetime) -> None:
    """Store the first order's time, the earliest that is told; velocities of the first minutes divide by it."""
    later = [{"first_order_ts": None}, {"first_order_ts": {"$gt": first_order_ts}}]
    client[REGISTRY_DATABASE][SALES].update_one(
        {"_id": sale_id, "$or": later}, {"$set": {"first_order_ts": first_order_ts}}
    )


def registry_version(client: Client) -> int | None:
    """Contract of the registry's layout, None while it is empty; raises StoreNotReadyError for a newer one."""
    marked = client[REGISTRY_DATABASE][_CONTRACT].find_one({"_id": "registry"})
    if marked is None:
        return None if client[REGISTRY_DATABASE][SALES].find_one({}, {"_id": 1}) is None else 1
    version = int(marked["version"])
    if version > CONTRACT_VERSION:
        raise StoreNotReadyError(
            f"{REGISTRY_DATABASE} was written by a newer version (contract {version}, "
            f"this one knows {CONTRACT_VERSION}); start that one"
        )
    return version


def mark_registry(client: Client, version: int) -> None:
    """Say that the registry is in the layout of contract `version`."""
    client[REGISTRY_DATABASE][_CONTRACT].update_one({"_id": "registry"}, {"$set": {"version": version}}, upsert=True)


def mark_sale(client: Client, sale_id: str, version: int) -> None:
    """Say that the sale is in the layout of contract `version`."""
    client[REGISTRY_DATABASE][SALES].update_one({"_id": sale_id}, {"$set": {"contract_version": version}})
