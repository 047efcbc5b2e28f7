"""mongod from its wheel: a one-node replica set with key file and users."""

from importlib.util import find_spec
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from embedded.config import HOST, StackConfig
from embedded.service import NotAnsweringError, PortUse, Service
from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.stores.mongo import Client
from flashsale.stores.mongo_setup import create_owner, initiate_replica_set

TIMEOUT_MS = 3_000
_AUTHENTICATION_FAILED = 18


def mongodb(config: StackConfig) -> Service:
    settings = config.settings
    data = config.home / "mongo"

    def prepare() -> None:
        data.mkdir(parents=True, exist_ok=True)

    return Service(
        name="mongo",
        argv=(
            str(_mongod()),
            *("--dbpath", str(data), "--port", str(settings.mongo_port), "--bind_ip", HOST, "--nounixsocket"),
            # No two lines for each connection: health probes open many.
            "--quiet",
            *("--replSet", settings.mongo_replica_set, "--keyFile", str(config.secrets_dir / "mongo_keyfile")),
            *("--wiredTigerCacheSizeGB", str(config.sizes.mongo_cache / 1024)),
        ),
        prepare=prepare,
        bring_up=lambda: _bring_up(config),
        probe=lambda: _probe(config),
        ports=(PortUse(settings.mongo_port, "FLASHSALE_MONGO_PORT"),),
        address=f"{HOST}:{settings.mongo_port}",
        start_seconds=60,
        stop_seconds=30,
    )


def _mongod() -> Path:
    spec = find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "db" / "bin" / "mongod"
        if path.exists():
            return path
    raise FlashsaleError("mongod is missing from the environment; run `make install`")


def _client(config: StackConfig, owner: bool) -> Client:
    """Straight to the node, whatever the replica set says of itself."""
    return MongoClient(
        HOST,
        config.settings.mongo_port,
        directConnection=True,
        tz_aware=True,
        serverSelectionTimeoutMS=TIMEOUT_MS,
        connectTimeoutMS=TIMEOUT_MS,
        socketTimeoutMS=TIMEOUT_MS,
        username="owner" if owner else None,
        password=config.settings.secret("mongo_owner") if owner else None,
    )


def _bring_up(config: StackConfig) -> None:
    try:
        with _client(config, owner=True) as client:
            try:
                _move_to_this_port(config, client)
            except OperationFailure as error:
                if error.code != _AUTHENTICATION_FAILED:
                    raise
                _first_start(config)
        _probe(config)
    except (PyMongoError, ServiceUnavailableError) as error:
        raise NotAnsweringError(one_line(error)) from error


def _first_start(config: StackConfig) -> None:
    """Initiate the set and create its owner: allowed without login from this machine until there is a user."""
    with _client(config, owner=False) as client:
        initiate_replica_set(client, config.settings, f"{HOST}:{config.settings.mongo_port}")
        create_owner(client, config.settings)


def _move_to_this_port(config: StackConfig, client: Client) -> None:
    """Data made under another port names that one; a set of one node may be told the new one."""
    here = f"{HOST}:{config.settings.mongo_port}"
    known = client.admin.command("replSetGetConfig")["config"]
    if known["members"][0]["host"] != here:
        known["members"][0]["host"] = here
        known["version"] += 1
        client.admin.command("replSetReconfig", known, force=True)


def _probe(config: StackConfig) -> None:
    try:
        with _client(config, owner=True) as client:
            if not client.admin.command("hello")["isWritablePrimary"]:
                raise NotAnsweringError("the replica set has no primary")
            # hello needs no login; this does.
            client.admin.command("connectionStatus")
    except PyMongoError as error:
        raise NotAnsweringError(one_line(error)) from error
