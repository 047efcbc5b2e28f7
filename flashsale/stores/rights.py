"""Who may do what in MongoDB: the service users, their roles, and the fence of an upgrade."""

from pymongo.errors import OperationFailure

from flashsale.sale_run import SaleRun
from flashsale.schema import (
    ALERT_EVENTS,
    ARCHIVE_BATCHES,
    ARCHIVE_COMPACTIONS,
    CHECKPOINTS,
    DIMENSIONS,
    FACTS,
    FORECAST_SCORES,
    INBOUND_SHIPMENTS,
    INGEST_LEDGER,
    KPI_HISTORY,
    KPI_STATE,
    OUTBOX,
    QUARANTINE_OF,
    REGISTRY_DATABASE,
    ROLLUP_PW,
    ROLLUP_PWC,
    SALES,
    restored_name,
)
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, Document

SERVICE_USERS = ("generator", "jobs", "notifier")

_WRITE = ["insert", "update", "remove"]
_RESTORE = ["createCollection", "insert", "update"]
_ALREADY_EXISTS = 51003  # user
_ROLE_EXISTS = 51002


def grant_registry_rights(client: Client, settings: Settings) -> None:
    """Create the service users, with their rights on the registry (and on no sale yet)."""
    for user, privileges in _registry_privileges().items():
        role = f"flashsale_{user}"
        _put_role(client, role, privileges)
        _put_user(client, user, settings.secret(f"mongo_{user}"), role)


def grant_sale_rights(client: Client, sale: SaleRun) -> None:
    """Give the service users their rights on the sale."""
    for user, privileges in _sale_privileges(sale.database).items():
        role = f"{user}_{sale.sale_id}"
        _put_role(client, role, privileges)
        client.admin.command("grantRolesToUser", user, roles=[{"role": role, "db": "admin"}])


def withdraw_writing(client: Client, sale: SaleRun | None) -> None:
    """Leave the service users reading rights alone, on the registry and on `sale`.

    MongoDB refuses whatever they try to write from now on, also on open connections.
    `grant_registry_rights` and `grant_sale_rights` give the rights back.
    """
    for user, privileges in _registry_privileges().items():
        _put_role(client, f"flashsale_{user}", _reading(privileges))
    if sale is not None:
        for user, privileges in _sale_privileges(sale.database).items():
            _put_role(client, f"{user}_{sale.sale_id}", _reading(privileges))


def _reading(privileges: list[Document]) -> list[Document]:
    kept = [{**one, "actions": [a for a in one["actions"] if a not in (*_WRITE, *_RESTORE)]} for one in privileges]
    return [one for one in kept if one["actions"]]


def _registry_privileges() -> dict[str, list[Document]]:
    rights = {"generator": ["find", "update"], "jobs": ["find"], "notifier": ["find"]}
    privileges = {user: [_privilege(REGISTRY_DATABASE, SALES, actions)] for user, actions in rights.items()}
    privileges["notifier"].append(_privilege(REGISTRY_DATABASE, OUTBOX, ["find", *_WRITE]))
    return privileges


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
            *on([ARCHIVE_BATCHES, ARCHIVE_COMPACTIONS, ALERT_EVENTS, FORECAST_SCORES], _WRITE),
            *on([*facts, *quarantines], ["remove"]),
            *on([restored_name(name) for name in (*facts, *quarantines, ROLLUP_PW, KPI_HISTORY)], _RESTORE),
        ],
        "notifier": [*inspect, *on([ALERT_EVENTS, *dimensions], ["find"])],
    }


def _privilege(database: str, collection: str, actions: list[str]) -> Document:
    return {"resource": {"db": database, "collection": collection}, "actions": actions}


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
