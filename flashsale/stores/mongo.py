"""The one MongoDB client factory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.settings import Settings

Document = dict[str, Any]
Client = MongoClient[Document]

SERVER_SELECTION_MS = 5_000


def mongo_client(settings: Settings, user: str) -> Client:
    """A client of the replica set, or of a mongos where its name is empty, as `user` (secret ``mongo_<user>``).

    Writes are acknowledged by the majority and journaled; times come back as aware UTC.
    """
    return MongoClient(
        settings.mongo_host,
        settings.mongo_port,
        replicaSet=settings.mongo_replica_set or None,
        username=user,
        password=settings.secret(f"mongo_{user}"),
        authSource="admin",
        w="majority",
        journal=True,
        tz_aware=True,
        serverSelectionTimeoutMS=SERVER_SELECTION_MS,
        connectTimeoutMS=SERVER_SELECTION_MS,
        appname=f"flashsale-{user}",
    )


def mongo_uri(settings: Settings, user: str) -> str:
    """The address of the replica set with `user`'s login in it, for programs that take nothing else: a secret."""
    password = settings.secret(f"mongo_{user}")
    replica_set = f"&replicaSet={settings.mongo_replica_set}" if settings.mongo_replica_set else ""
    return f"mongodb://{user}:{password}@{settings.mongo_host}:{settings.mongo_port}/?authSource=admin{replica_set}"


@contextmanager
def mongo_errors(doing: str) -> Iterator[None]:
    """Turn driver errors raised while `doing` something into one-line errors."""
    try:
        yield
    except ConnectionFailure as error:
        raise ServiceUnavailableError(f"{doing}: MongoDB does not answer ({one_line(error)[:120]})") from error
    except OperationFailure as error:
        message = error.details.get("errmsg", error) if error.details else error
        raise FlashsaleError(f"{doing}: MongoDB refused ({one_line(Exception(message))[:200]})") from error
    except PyMongoError as error:
        raise FlashsaleError(f"{doing}: {one_line(error)[:200]}") from error
