"""What the owner sets up: collections, validators, indexes, users and their rights; and the check of it.

Every step can be repeated: on a store that is already right it changes nothing.
"""

from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from flashsale import CONTRACT_VERSION
from flashsale.archived_tables import QUARANTINES
from flashsale.errors import StoreNotReadyError
from flashsale.rendering import mongo_validator
from flashsale.sale_run import SaleRun
from flashsale.schema import (
    ALERT_EVENTS,
    CHECKPOINTS,
    KPI_STATE,
    NEWEST_EPISODE,
    OUTBOX,
    OUTBOX_INDEXES,
    OUTBOX_OPEN,
    REGISTRY_DATABASE,
    SALES,
    SETTLED_INDEX,
    STATE_COLLECTIONS,
    TABLES,
    Table,
)
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, Document
from flashsale.stores.rights import SERVICE_USERS as SERVICE_USERS
from flashsale.stores.rights import grant_registry_rights, grant_sale_rights
from flashsale.stores.sales import mark_registry, registry_version, require_contract


def provision_registry(client: Client, settings: Settings) -> None:
    """Create the service users (without rights on any sale yet) and the registry.

    A registry of an older contract keeps its layout until `flashsale-sale open` upgrades it.
    Raises StoreNotReadyError when a newer version wrote it.
    """
    version = registry_version(client)
    if version is None or version == CONTRACT_VERSION:
        lay_out_registry(client)
        mark_registry(client, CONTRACT_VERSION)
    grant_registry_rights(client, settings)


def provision_sale(client: Client, sale: SaleRun) -> None:
    """Create the sale's collections with validators and indexes, and grant the users their rights."""
    lay_out_sale(client, sale)
    grant_sale_rights(client, sale)


def lay_out_registry(client: Client) -> None:
    """The registry's validator, its indexes and those of the outbox, as this version has them."""
    _put_collection(client[REGISTRY_DATABASE], SALES, _registry_validator())
    client[REGISTRY_DATABASE][SALES].create_index("active", unique=True, partialFilterExpression={"active": True})
    outbox = client[REGISTRY_DATABASE][OUTBOX]
    for name in OUTBOX_INDEXES:
        outbox.create_index(name)
    only_open = {OUTBOX_OPEN: {"$exists": True}}
    outbox.create_index(OUTBOX_OPEN, unique=True, partialFilterExpression=only_open)


def lay_out_sale(client: Client, sale: SaleRun) -> None:
    """The sale's collections, validators and indexes, as this version has them."""
    database = client[sale.database]
    for name, validator in _validators().items():
        _put_collection(database, name, validator)
    for table in TABLES:
        if table.event_time:
            database[table.name].create_index(table.event_time)
    for quarantine in QUARANTINES:
        database[quarantine.name].create_index(quarantine.event_time or "")
    database[KPI_STATE].create_index(SETTLED_INDEX)
    # A run reads the newest episode of each pair; one of an older version lacks the mark and is found as null.
    database[ALERT_EVENTS].create_index(NEWEST_EPISODE)


def check_sale(client: Client, sale: SaleRun) -> None:
    """Raise StoreNotReadyError when contract, a validator or an index of the sale is missing or differs."""
    require_contract(sale)
    database = client[sale.database]
    options = {c["name"]: c.get("options", {}) for c in database.list_collections()}
    for name, validator in _validators().items():
        found = options.get(name)
        if found is None:
            raise StoreNotReadyError(f"{sale.database}.{name} does not exist; {_WAY_OUT}")
        if found.get("validator", {}) != validator or found.get("validationAction", "error") != "error":
            raise StoreNotReadyError(f"{sale.database}.{name} has another validator than this version; {_WAY_OUT}")
    for table in TABLES:
        if table.event_time and f"{table.event_time}_1" not in database[table.name].index_information():
            raise StoreNotReadyError(f"{sale.database}.{table.name} has no index on {table.event_time}; {_WAY_OUT}")


_NAMESPACE_EXISTS = 48
_WAY_OUT = "open it again with `flashsale-sale open`, a past sale with `flashsale-sale upgrade --sale ID`"


def _validators() -> dict[str, Document]:
    """Collection of a sale -> its validator, empty for state that its module alone writes."""
    return {
        **{name: {} for name in STATE_COLLECTIONS},
        CHECKPOINTS: _checkpoint_validator(),
        **{table.name: _stamped(table) for table in TABLES},
    }


def _stamped(table: Table) -> Document:
    """The table's validator with the contract in it: another version's check of the sale fails by it."""
    rules: Document = mongo_validator(table)["$jsonSchema"]
    return {"$jsonSchema": {**rules, "description": f"contract {CONTRACT_VERSION}"}}


def _checkpoint_validator() -> Document:
    return {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["acked_through", "tick", "state", "contract_version"],
            "properties": {
                "acked_through": {"bsonType": "date"},
                "tick": {"bsonType": ["int", "long"]},
                "contract_version": {"enum": [CONTRACT_VERSION]},
            },
        }
    }


def _registry_validator() -> Document:
    types: dict[str, Any] = {
        "scenario": {"bsonType": "string"},
        "scenario_toml": {"bsonType": "string"},
        "seed": {"bsonType": ["int", "long"]},
        "sale_start": {"bsonType": "date"},
        "sale_end": {"bsonType": "date"},
        "planned_end": {"bsonType": "date"},
        "phase": {"enum": ["planned", "live", "ended"]},
        "first_order_ts": {"bsonType": ["date", "null"]},
        "contract_version": {"bsonType": ["int", "long"]},
        "active": {"bsonType": "bool"},
    }
    return {
        "$jsonSchema": {"bsonType": "object", "required": list(types), "properties": types},
        "$expr": {"$and": [{"$lte": ["$sale_start", "$sale_end"]}, {"$lte": ["$sale_end", "$planned_end"]}]},
    }


def _put_collection(database: Database[Document], name: str, validator: Document) -> None:
    options: Document = {}
    if validator:
        options = {"validator": validator, "validationLevel": "strict", "validationAction": "error"}
    try:
        # Asking first, as the driver does by itself, would not help against another that creates it now.
        database.create_collection(name, check_exists=False, **options)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
        if options:
            database.command("collMod", name, **options)
