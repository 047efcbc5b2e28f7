"""The writer's one retry policy: MongoDB away or changing its primary is waited out, and said."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

import pymongo
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.stores.mongo import mongo_errors

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 5.0
ONE_TRY_SECONDS = 3.0

# Not primary, stepped down, shutting down, interrupted, host unreachable, out of time,
# write concern not reached: nothing was decided, and asking again can help.
TRANSIENT_CODES = frozenset(
    {6, 7, 50, 64, 79, 89, 91, 100, 112, 189, 202, 262, 317, 9001, 10107, 11600, 11601, 11602, 13435, 13436}
)


_UNAUTHORIZED = 13


class UndecidedWriteError(ConnectionFailure):
    """MongoDB answered, but did not acknowledge by the majority."""


def is_transient(error: PyMongoError) -> bool:
    """Whether the same operation may succeed later."""
    if isinstance(error, ConnectionFailure):
        return True
    labelled = error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError")
    return labelled or (isinstance(error, OperationFailure) and error.code in TRANSIENT_CODES)


def until_acknowledged(doing: str, attempt: Callable[[], T], stop: threading.Event) -> T:
    """Result of `attempt`, which must be repeatable; tried again, more and more slowly, while MongoDB is away.

    Raises ServiceUnavailableError when `stop` is set meanwhile, FlashsaleError for a
    failure that time does not heal.
    """
    wait = FIRST_WAIT_SECONDS
    while True:
        with mongo_errors(doing):
            try:
                return attempt()
            except PyMongoError as error:
                if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
                    raise FlashsaleError(
                        f"{doing}: not authorized by MongoDB; while a sale is upgraded nobody may write, "
                        "the next start goes on from the last acknowledged tick"
                    ) from error
                if not is_transient(error):
                    raise
                problem = one_line(error)[:160]
        _LOG.warning("%s: MongoDB does not answer (%s); trying again in %.2g s", doing, problem, wait)
        if stop.wait(wait):
            raise ServiceUnavailableError(
                f"{doing}: stopped while MongoDB was away; the tick is done again at the next start"
            )
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def one_try(doing: str, attempt: Callable[[], T]) -> T:
    """Result of `attempt`, for who has something else to do while MongoDB is away.

    Raises ServiceUnavailableError when it does not answer within a few seconds, FlashsaleError
    when it refuses.
    """
    with mongo_errors(doing):
        try:
            with pymongo.timeout(ONE_TRY_SECONDS):
                return attempt()
        except PyMongoError as error:
            if is_transient(error) or error.timeout:
                raise ServiceUnavailableError(f"{doing}: MongoDB does not answer ({one_line(error)[:120]})") from error
            raise
