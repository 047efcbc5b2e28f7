"""Cut a run off right before one of its writes, as a kill at that instant would."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pymongo.collection import Collection
from redis.client import Pipeline as RedisTransaction
from redis.client import Redis

_MONGO_WRITES = ("replace_one", "insert_one", "insert_many", "update_one", "update_many", "delete_many", "bulk_write")


class CutError(BaseException):
    """Not an Exception: nothing on the way may handle it, as nothing handles a kill."""


@contextmanager
def cut_before(number: int, names: str = "") -> Iterator[None]:
    """Raise CutError instead of write `number` (from 1) of this process, and instead of each that follows.

    A write is named by its collection or its first key; only those are counted in which the
    regular expression `names` is found.
    """
    writes = 0

    def counted(name: str) -> None:
        nonlocal writes
        writes += re.search(names, name) is not None
        if writes >= number:
            raise CutError(f"before write {number} ({name})")

    def of_collection(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(self: Collection[Any], *args: Any, **kwargs: Any) -> Any:
            counted(self.name)
            return original(self, *args, **kwargs)

        return write

    def of_transaction(original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(self: RedisTransaction, *args: Any, **kwargs: Any) -> Any:
            keys = [str(command[0][1]) for command in self.command_stack if command[0][0] not in ("GET", "MGET")]
            if keys:
                counted(keys[0])
            return original(self, *args, **kwargs)

        return execute

    def of_key(original: Callable[..., Any]) -> Callable[..., Any]:
        def set_key(self: Redis, *args: Any, **kwargs: Any) -> Any:
            # A transaction only queues it: it counts when that is executed.
            if not isinstance(self, RedisTransaction):
                counted(str(args[0]))
            return original(self, *args, **kwargs)

        return set_key

    patches = [patch.object(Collection, name, of_collection(getattr(Collection, name))) for name in _MONGO_WRITES]
    patches.append(patch.object(RedisTransaction, "execute", of_transaction(RedisTransaction.execute)))
    patches.append(patch.object(Redis, "set", of_key(Redis.set)))
    try:
        for each in patches:
            each.start()
        yield
    finally:
        for each in patches:
            each.stop()
