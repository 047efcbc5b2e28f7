"""Each user of MongoDB and Redis can do what its part of the pipeline needs, and nothing else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from bson.int64 import Int64
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure

from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.schema import OUTBOX, REGISTRY_DATABASE, SALES
from flashsale.settings import Settings
from flashsale.stores.ingest import put_checkpoint
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.redis_client import redis_client
from tests.support.facts import good_order

START = datetime(2026, 11, 11, 9, tzinfo=UTC)
UNAUTHORIZED = 13
Open = Callable[..., SaleRun]
Do = Callable[[Any], Any]


@pytest.fixture(scope="module")
def sale(data_services: Settings, open_test_sale: Open) -> SaleRun:
    return open_test_sale(data_services, sale_start=START, sale_end=START + timedelta(hours=1))


@pytest.fixture(scope="module")
def clients(data_services: Settings) -> Iterator[dict[str, Client]]:
    clients = {user: mongo_client(data_services, user) for user in ("owner", "generator", "jobs", "notifier")}
    yield clients
    for client in clients.values():
        client.close()


def _set(collection: str) -> Do:
    return lambda db: db[collection].update_one({"_id": 1}, {"$set": {"x": 1}}, upsert=True)


def _put(collection: str) -> Do:
    return lambda db: db[collection].insert_one({})


def _read(collection: str) -> Do:
    return lambda db: list(db[collection].find())


def _delete(collection: str) -> Do:
    return lambda db: db[collection].delete_one({"_id": 1})


ALLOWED: list[tuple[str, str, Do]] = [
    ("generator", "insert orders", lambda db: db.orders_fact.insert_one(good_order(77))),
    ("generator", "read facts", _read("orders_fact")),
    ("generator", "read dimensions", _read("products_dim")),
    ("generator", "insert quarantine", _put("orders_quarantine")),
    ("generator", "write ledger", _set("ingest_ledger")),
    ("generator", "write checkpoints", lambda db: put_checkpoint(db, 1, START, 1, None)),
    ("generator", "update shipments", lambda db: db.inbound_shipments.update_one({"_id": 9}, {"$set": {"qty": 1}})),
    ("generator", "see validators", lambda db: list(db.list_collections())),
    ("jobs", "read facts", _read("orders_fact")),
    ("jobs", "read ledger", _read("ingest_ledger")),
    ("jobs", "delete facts", _delete("orders_fact")),
    ("jobs", "insert quarantine", _put("inventory_quarantine")),
    ("jobs", "delete archived quarantine", _delete("inventory_quarantine")),
    ("jobs", "write rollups", _set("kpi_rollup_pw")),
    ("jobs", "drop old rollups", _delete("kpi_rollup_pwc")),
    ("jobs", "write history", _set("kpi_history")),
    ("jobs", "write batches", _set("archive_batches")),
    ("jobs", "write alerts", _set("alert_events")),
    ("jobs", "write scores", _set("forecast_scores")),
    ("notifier", "read alerts", _read("alert_events")),
    ("notifier", "read names", _read("products_dim")),
]

REFUSED: list[tuple[str, str, Do]] = [
    ("generator", "delete facts", _delete("orders_fact")),
    ("generator", "change facts", lambda db: db.orders_fact.update_one({}, {"$set": {"order_qty": 5}})),
    (
        "generator",
        "get past the validator",
        lambda db: db.orders_fact.insert_one({"_id": Int64(5)}, bypass_document_validation=True),
    ),
    ("generator", "write dimensions", _put("products_dim")),
    ("generator", "insert shipments", _put("inbound_shipments")),
    ("generator", "delete quarantine", _delete("orders_quarantine")),
    ("generator", "write rollups", _set("kpi_rollup_pw")),
    ("generator", "read rollups", _read("kpi_rollup_pw")),
    ("generator", "drop a collection", lambda db: db.orders_fact.drop()),
    ("generator", "change a validator", lambda db: db.command("collMod", "orders_fact", validator={})),
    ("jobs", "insert facts", lambda db: db.orders_fact.insert_one(good_order(78))),
    ("jobs", "change facts", lambda db: db.orders_fact.update_one({}, {"$set": {"order_qty": 5}})),
    ("jobs", "write ledger", _set("ingest_ledger")),
    ("jobs", "write checkpoints", _set("generator_checkpoints")),
    ("jobs", "delete dimensions", _delete("products_dim")),
    ("jobs", "drop the database", lambda db: db.client.drop_database(db.name)),
    ("notifier", "read facts", _read("orders_fact")),
    ("notifier", "write alerts", _set("alert_events")),
    ("notifier", "read KPIs", _read("kpi_history")),
    ("notifier", "write dimensions", _put("products_dim")),
    ("notifier", "make a collection of the sale", _put("outbox")),
]


@pytest.mark.parametrize(("user", "what", "do"), ALLOWED, ids=[f"{u}: {w}" for u, w, _ in ALLOWED])
def test_user_can(clients: dict[str, Client], sale: SaleRun, user: str, what: str, do: Do) -> None:
    do(clients[user][sale.database])


@pytest.mark.parametrize(("user", "what", "do"), REFUSED, ids=[f"{u}: {w}" for u, w, _ in REFUSED])
def test_user_cannot(clients: dict[str, Client], sale: SaleRun, user: str, what: str, do: Do) -> None:
    with pytest.raises(OperationFailure) as refused:
        do(clients[user][sale.database])
    assert refused.value.code == UNAUTHORIZED


def test_registry_is_read_by_all_and_changed_by_the_generator_alone(clients: dict[str, Client], sale: SaleRun) -> None:
    for user in ("generator", "jobs", "notifier"):
        assert clients[user][REGISTRY_DATABASE][SALES].find_one({"_id": sale.sale_id})
    change = ({"_id": sale.sale_id}, {"$set": {"first_order_ts": None}})
    clients["generator"][REGISTRY_DATABASE][SALES].update_one(*change)
    for user in ("jobs", "notifier"):
        with pytest.raises(OperationFailure):
            clients[user][REGISTRY_DATABASE][SALES].update_one(*change)
    with pytest.raises(OperationFailure):
        clients["generator"][REGISTRY_DATABASE][SALES].insert_one({"_id": "another"})


def test_outbox_is_the_notifiers_alone(clients: dict[str, Client], sale: SaleRun) -> None:
    outbox = clients["notifier"][REGISTRY_DATABASE][OUTBOX]
    outbox.insert_one({"_id": "rights"})
    outbox.update_one({"_id": "rights"}, {"$set": {"x": 1}})
    assert outbox.find_one({"_id": "rights"}) == {"_id": "rights", "x": 1}
    assert outbox.delete_one({"_id": "rights"}).deleted_count == 1
    with pytest.raises(OperationFailure):
        clients["notifier"][REGISTRY_DATABASE][SALES].delete_one({"_id": sale.sale_id})
    with pytest.raises(OperationFailure):
        outbox.drop()
    for user in ("generator", "jobs"):
        with pytest.raises(OperationFailure):
            clients[user][REGISTRY_DATABASE][OUTBOX].find_one()
        with pytest.raises(OperationFailure):
            clients[user][REGISTRY_DATABASE][OUTBOX].insert_one({"_id": "intruder"})


def test_a_fault_is_open_in_the_outbox_once(clients: dict[str, Client], sale: SaleRun) -> None:
    outbox = clients["notifier"][REGISTRY_DATABASE][OUTBOX]
    outbox.insert_many([{"_id": "first", "open": "fault"}, {"_id": "closed"}, {"_id": "closed too"}])
    with pytest.raises(DuplicateKeyError):
        outbox.insert_one({"_id": "second", "open": "fault"})
    outbox.delete_many({"_id": {"$in": ["first", "closed", "closed too"]}})


def test_no_service_may_make_users_or_read_what_is_not_the_pipelines(clients: dict[str, Client]) -> None:
    for user in ("generator", "jobs", "notifier"):
        with pytest.raises(OperationFailure):
            clients[user].admin.command("createUser", "intruder", pwd="x" * 20, roles=["root"])
        with pytest.raises(OperationFailure):
            clients[user]["another"].things.find_one()


def test_nobody_gets_in_without_login(data_services: Settings, sale: SaleRun) -> None:
    with MongoClient(data_services.mongo_host, data_services.mongo_port, directConnection=True) as stranger:
        with pytest.raises(OperationFailure):
            stranger[sale.database].orders_fact.find_one()
        with pytest.raises(OperationFailure):
            stranger.admin.command("createUser", "intruder", pwd="x" * 20, roles=["root"])


def test_provisioning_again_changes_nothing(data_services: Settings, clients: dict[str, Client], sale: SaleRun) -> None:
    def state() -> list[Any]:
        users = clients["owner"].admin.command("usersInfo", showCredentials=False)["users"]
        roles = clients["owner"].admin.command("rolesInfo", 1, showPrivileges=True)["roles"]
        collections = sorted(clients["owner"][sale.database].list_collections(), key=lambda c: c["name"])
        return [users, roles, collections]

    def names(users: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
        return [(user["user"], sorted(role["role"] for role in user["roles"])) for user in users]

    before = state()
    provision_registry(clients["owner"], data_services)
    provision_sale(clients["owner"], sale)
    after = state()
    assert names(after[0]) == names(before[0])
    assert after[1:] == before[1:]


REDIS_ALLOWED: list[tuple[str, tuple[Any, ...]]] = [
    ("publisher", ("SET", "fs:s:current", "x")),
    ("publisher", ("HSET", "fs:s:snapshot:x:details", "1:1", "x")),
    ("publisher", ("EXPIRE", "fs:s:current", 60)),
    ("publisher", ("PERSIST", "fs:s:current")),
    ("publisher", ("XRANGE", "fs:s:alert_commands", "-", "+")),
    ("publisher", ("XDEL", "fs:s:alert_commands", "1-1")),
    ("publisher", ("SCAN", 0, "MATCH", "fs:s:health:*")),
    ("publisher", ("DEL", "fs:s:current")),
    ("dashboard_read", ("GET", "fs:active_sale")),
    ("dashboard_read", ("MGET", "fs:s:current", "fs:s:sale")),
    ("dashboard_read", ("HGETALL", "fs:s:snapshot:x:details")),
    ("dashboard_read", ("XRANGE", "fs:s:alert_commands", "-", "+")),
    ("dashboard_command", ("XADD", "fs:s:alert_commands", "*", "command", "ack")),
    ("notifier_read", ("GET", "fs:s:current")),
    ("notifier_read", ("MGET", "fs:s:current", "fs:s:sale")),
    ("notifier_read", ("SCAN", 0, "MATCH", "fs:s:health:*")),
    ("notifier_health", ("SET", "fs:s:health:notifier", "x", "EX", 180)),
]
REDIS_REFUSED: list[tuple[str, tuple[Any, ...]]] = [
    ("publisher", ("SET", "other:key", "x")),
    ("publisher", ("FLUSHALL",)),
    ("publisher", ("KEYS", "*")),
    ("publisher", ("CONFIG", "GET", "*")),
    ("publisher", ("ACL", "LIST")),
    ("publisher", ("EVAL", "return 1", 0)),
    ("publisher", ("PUBLISH", "fs:channel", "x")),
    ("dashboard_read", ("SET", "fs:active_sale", "x")),
    ("dashboard_read", ("XADD", "fs:s:alert_commands", "*", "command", "ack")),
    ("dashboard_read", ("GET", "other:key")),
    ("dashboard_read", ("KEYS", "*")),
    ("dashboard_command", ("XADD", "fs:s:current", "*", "command", "ack")),
    ("dashboard_command", ("XRANGE", "fs:s:alert_commands", "-", "+")),
    ("dashboard_command", ("GET", "fs:active_sale")),
    ("dashboard_command", ("DEL", "fs:s:alert_commands")),
    ("notifier_read", ("SET", "fs:s:health:notifier", "x")),
    ("notifier_read", ("XADD", "fs:s:alert_commands", "*", "command", "ack")),
    ("notifier_read", ("GET", "other:key")),
    ("notifier_read", ("KEYS", "*")),
    ("notifier_health", ("SET", "fs:s:health:kpi", "x")),
    ("notifier_health", ("SET", "fs:s:current", "x")),
    ("notifier_health", ("GET", "fs:s:health:notifier")),
    ("notifier_health", ("DEL", "fs:s:health:notifier")),
]


@pytest.mark.parametrize(("user", "command"), REDIS_ALLOWED)
def test_redis_user_can(data_services: Settings, user: str, command: tuple[Any, ...]) -> None:
    with redis_client(data_services, user) as client:
        client.execute_command(*command)


@pytest.mark.parametrize(("user", "command"), REDIS_REFUSED)
def test_redis_user_cannot(data_services: Settings, user: str, command: tuple[Any, ...]) -> None:
    with redis_client(data_services, user) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)


def test_redis_lets_nobody_in_without_login_and_forgets_nothing_by_itself(data_services: Settings) -> None:
    stranger = redis.Redis(port=data_services.redis_port)
    with pytest.raises(redis.AuthenticationError):
        stranger.get(SaleKeys("s").current)
    stranger.close()
    acl = (data_services.home / "redis" / "users.acl").read_text()
    assert not any(data_services.secret(f"redis_{user}") in acl for user in ("publisher", "dashboard_read"))
