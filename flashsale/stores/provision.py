"""What the owner sets up: validators, indexes, users and their rights; and the check of it.

Every step can be repeated: on a store that is already right it changes nothing.
"""

from typing import Any

from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from flashsale.errors import StoreNotReadyError
from flashsale.rendering import mongo_validator
from flashsale.sale_run import SaleRun
from flashsale.schema import (
    ALERT_EVENTS,
    ARCHIVE_BATCHES,
    CHECKPOINTS,
    DIMENSIONS,
    FACTS,
    FORECAST_SCORES,
    INBOUND_SHIPMENTS,
    INGEST_LEDGER,
    KPI_HISTORY,
    KPI_STATE,
    QUARANTINE_OF,
    REGISTRY_DATABASE,
    ROLLUP_PW,
    ROLLUP_PWC,
    SALES,
    SETTLED_INDEX,
    STATE_COLLECTIONS,
    TABLES,
)
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, Document

_WRITE = ["insert", "update", "remove"]
_ALREADY_EXISTS = 51003  # user
_ROLE_EXISTS = 51002

SERVICE_USERS = ("generator", "jobs", "notifier")


def provision_registry(client: Client, settings: Settings) -> None:
    """Create the registry's indexes and the service users (without rights on any sale yet)."""
    sales = client[REGISTRY_DATABASE][SALES]
    sales.create_index("active", unique=True, partialFilterExpression={"active": True})
    registry_rights = {
        "generator": ["find", "update"],
        "jobs": ["find"],
        "notifier": ["find"],
    }
    for user in SERVICE_USERS:
        role = f"flashsale_{user}"
        _put_role(client, role, [_privilege(REGISTRY_DATABASE, SALES, registry_rights[user])])
        _put_user(client, user, settings.secret(f"mongo_{user}"), role)


def provision_sale(client: Client, sale: SaleRun) -> None:
    """Create the sale's collections with validators and indexes, and grant the users their rights."""
    database = client[sale.database]
    for table in TABLES:
        _put_collection(database, table.name, mongo_validator(table))
        if table.event_time:
            database[table.name].create_index(table.event_time)
    for name in STATE_COLLECTIONS:
        _put_collection(database, name, {})
    database[KPI_STATE].create_index(SETTLED_INDEX)
    for user, privileges in _sale_privileges(sale.database).items():
        role = f"{user}_{sale.sale_id}"
        _put_role(client, role, privileges)
        client.admin.command("grantRolesToUser", user, roles=[{"role": role, "db": "admin"}])


def check_sale(client: Client, sale: SaleRun) -> None:
    """Raise StoreNotReadyError when a validator or an index of the sale is missing or differs."""
    database = client[sale.database]
    options = {c["name"]: c.get("options", {}) for c in database.list_collections()}
    for table in TABLES:
        found = options.get(table.name)
        if found is None:
            raise StoreNotReadyError(f"{sale.database}.{table.name} does not exist; {_WAY_OUT}")
        if found.get("validator") != mongo_validator(table) or found.get("validationAction", "error") != "error":
            raise StoreNotReadyError(
                f"{sale.database}.{table.name} has another validator than this version; {_WAY_OUT}"
            )
        if table.event_time and f"{table.event_time}_1" not in database[table.name].index_information():
            raise StoreNotReadyError(f"{sale.database}.{table.name} has no index on {table.event_time}; {_WAY_OUT}")


_WAY_OUT = "open the sale again with `flashsale-sale open`"


def _sale_privileges(database: str) -> dict[str, list[Document]]:
    def on(names: list[str], actions: list[str]) -> list[Document]:
        return [_privilege(database, name, actions) for name in names]

    facts = [table.name for table in FACTS]
    dimensions = [table.name for table in DIMENSIONS]
    quarantines = list(QUARANTINE_OF.values())
    inspect = [_privilege(database, "", ["listCollections", "listIndexes", "collStats", "dbStats"])]
    return {
        "generator": [
            *inspect,
            *on([*facts, *quarantines], ["find", "insert"]),
            *on(dimensions, ["find"]),
            *on([INGEST_LEDGER, CHECKPOINTS], ["find", "insert", "update"]),
            *on([INBOUND_SHIPMENTS.name], ["find", "update"]),
        ],
        "jobs": [
            *inspect,
            _privilege(database, "", ["find"]),
            *on([*dimensions, INBOUND_SHIPMENTS.name, *quarantines], ["insert", "update"]),
            *on([ROLLUP_PW, ROLLUP_PWC, KPI_STATE, KPI_HISTORY], _WRITE),
            *on([ARCHIVE_BATCHES, ALERT_EVENTS, FORECAST_SCORES], _WRITE),
            *on(facts, ["remove"]),
        ],
        "notifier": [*inspect, *on([ALERT_EVENTS], ["find"])],
    }


def _privilege(database: str, collection: str, actions: list[str]) -> Document:
    return {"resource": {"db": database, "collection": collection}, "actions": actions}


def _put_collection(database: Database[Document], name: str, validator: dict[str, Any]) -> None:
    options: dict[str, Any] = {}
    if validator:
        options = {"validator": validator, "validationLevel": "strict", "validationAction": "error"}
    try:
        database.create_collection(name, **options)
    except CollectionInvalid:
        if options:
            database.command("collMod", name, **options)


def _put_role(client: Client, role: str, privileges: list[Document]) -> None:
    try:
        client.admin.command("createRole", role, privileges=privileges, roles=[])
    except OperationFailure as error:
        if error.code != _ROLE_EXISTS:
            raise
        client.admin.command("updateRole", role, privileges=privileges)


def _put_user(client: Client, user: str, password: str, role: str) -> None:
    try:
        client.admin.command("createUser", user, pwd=password, roles=[role])
    except OperationFailure as error:
        if error.code != _ALREADY_EXISTS:
            raise
        client.admin.command("updateUser", user, pwd=password)
