"""One archive run at a time for each sale: a lease in MongoDB that its holder keeps renewing.

A run that was killed leaves a lease that ends by itself.  A run that slept through its own lease (a paused
machine) finds out before it seals anything: sealing happens in one transaction with the lease.
"""

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from flashsale.errors import NothingToDoError, SupersededRunError
from flashsale.minutes import utc_now
from flashsale.schema import ARCHIVE_BATCHES
from flashsale.stores.mongo import Document

LEASE = timedelta(seconds=20)
_RENEW_SECONDS = 5.0
_ID = "lease"
_held: set[str] = set()
"""Tokens of this process's own runs."""


class Lease:
    """What a run holds; `token` is its own."""

    def __init__(self, database: Database[Document], token: str) -> None:
        self._database = database
        self._token = token

    def renew(self) -> bool:
        """False when another run has it by now."""
        change = {"$set": {"until": utc_now() + LEASE}}
        return bool(self._leases.update_one({"_id": _ID, "token": self._token}, change).matched_count)

    def within(self, work: Callable[[ClientSession], None]) -> None:
        """Do `work` and touch the lease in one transaction; raises SupersededRunError when it is another's by now."""

        def both(session: ClientSession) -> None:
            touched = self._leases.update_one(
                {"_id": _ID, "token": self._token}, {"$set": {"until": utc_now() + LEASE}}, session=session
            )
            if not touched.matched_count:
                raise SupersededRunError("another archive run took over while this one slept; nothing was deleted")
            work(session)

        with self._database.client.start_session() as session:
            session.with_transaction(both)

    @property
    def _leases(self) -> Any:
        return self._database[ARCHIVE_BATCHES]


@contextmanager
def archive_lease(database: Database[Document]) -> Iterator[Lease]:
    """Hold the sale's lease for the length of the block; raises NothingToDoError while another run holds it."""
    leases, token = database[ARCHIVE_BATCHES], uuid.uuid4().hex
    _take(leases, token)
    _held.add(token)
    lease, ended = Lease(database, token), threading.Event()
    renewal = threading.Thread(target=_keep, args=(lease, ended), name="archive-lease", daemon=True)
    renewal.start()
    try:
        yield lease
    finally:
        ended.set()
        renewal.join()
        _held.discard(token)
        leases.delete_one({"_id": _ID, "token": token})


def _take(leases: Any, token: str) -> None:
    holder = {"token": token, "until": utc_now() + LEASE, "host": socket.gethostname(), "pid": os.getpid()}
    try:
        leases.update_one({"_id": _ID, "until": {"$lt": utc_now()}}, {"$set": holder}, upsert=True)
    except DuplicateKeyError:
        other = leases.find_one({"_id": _ID}) or {}
        # Of a process of this machine that is no more, nobody has to wait for the end.
        if _is_gone(other) and leases.update_one(other, {"$set": holder}).matched_count:
            return
        raise NothingToDoError(
            f"another archive run of this sale is at work (process {other.get('pid')} on {other.get('host')})"
        ) from None


def _is_gone(holder: Document) -> bool:
    if holder.get("host") != socket.gethostname():
        return False
    if holder["pid"] == os.getpid():
        # A run of this process that could not give it back, for MongoDB had gone.
        return holder["token"] not in _held
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _keep(lease: Lease, ended: threading.Event) -> None:
    while not ended.wait(_RENEW_SECONDS):
        try:
            if not lease.renew():
                return
        except PyMongoError:
            continue  # the run itself meets the same trouble, and tells it
