"""``python -m containers.init_mongo``: make MongoDB a replica set with users; repeating it changes nothing.

Runs in the network namespace of MongoDB's container: without login only a client on the server's
own machine may initiate the set and make the first user, and only as long as there is none.
"""

import sys

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from containers.waiting import until_done
from flashsale.errors import ServiceUnavailableError, exit_with_one_line
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.mongo_setup import create_owner, initiate_replica_set
from flashsale.stores.provision import provision_registry

WAIT_SECONDS = 90.0
_TIMEOUT_MS = 3_000
_AUTHENTICATION_FAILED = 18


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_set_up)


def _set_up() -> int:
    settings = load_settings()
    not_yet = (PyMongoError, ServiceUnavailableError)
    until_done(lambda: _first_steps(settings), not_yet, "MongoDB was not ready", WAIT_SECONDS)
    with mongo_errors("set up users"), mongo_client(settings, "owner") as client:
        provision_registry(client, settings)
    sys.stdout.write(f"MongoDB is replica set {settings.mongo_replica_set} with its users\n")
    return 0


def _first_steps(settings: Settings) -> None:
    """Owner and replica set, whatever of them is missing."""
    host = f"{settings.mongo_host}:{settings.mongo_port}"
    try:
        with _here(settings, login=True) as client:
            initiate_replica_set(client, settings, host)
    except OperationFailure as error:
        if error.code != _AUTHENTICATION_FAILED:
            raise
        with _here(settings, login=False) as client:
            initiate_replica_set(client, settings, host)
            create_owner(client, settings)


def _here(settings: Settings, login: bool) -> Client:
    """The node itself, by loopback."""
    return MongoClient(
        "127.0.0.1",
        settings.mongo_port,
        directConnection=True,
        serverSelectionTimeoutMS=_TIMEOUT_MS,
        connectTimeoutMS=_TIMEOUT_MS,
        username="owner" if login else None,
        password=settings.secret("mongo_owner") if login else None,
    )


if __name__ == "__main__":
    sys.exit(main())
