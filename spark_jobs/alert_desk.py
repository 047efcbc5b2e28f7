"""The alerts of the live minute: what people did with them, what the minute makes of them, stored before shown.

Commands wait on a Redis stream, which is a mailbox and no store: they leave it only once MongoDB has them.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo.database import Database

from flashsale.alerts.commands import Command, CommandError, apply_all, command_from
from flashsale.alerts.life import AlertBook, Bad, Pair, advance
from flashsale.decisions.rules import AlertRules
from flashsale.errors import SupersededRunError
from flashsale.redis_keys import SaleKeys
from flashsale.stores.alert_book import read_book, save_book
from flashsale.stores.mongo import Document
from flashsale.stores.redis_client import RedisClient

_LOG = logging.getLogger(__name__)
_TRIES = 5
COMMANDS_AT_ONCE = 10_000
"""Commands a run takes; what is left waits a minute."""


def take_minute(
    database: Database[Document],
    redis: RedisClient,
    sale_id: str,
    bad: Mapping[Pair, Bad],
    minute_end: datetime,
    rules: AlertRules,
) -> AlertBook:
    """The book after the waiting commands and the minute that ends at `minute_end`.

    Raises SupersededRunError when other runs keep changing the book meanwhile.
    """
    waiting = _waiting(redis, sale_id)
    commands = _readable(waiting)
    for attempt in range(_TRIES):
        try:
            book = _taken(database, sale_id, commands, bad, minute_end, rules)
            break
        except SupersededRunError:
            # A run beside this one was faster: what it did stands, and this one goes on from there.
            if attempt == _TRIES - 1:
                raise
    if waiting:
        redis.xdel(SaleKeys(sale_id).alert_commands, *waiting)
    return book


def _taken(
    database: Database[Document],
    sale_id: str,
    commands: list[Command],
    bad: Mapping[Pair, Bad],
    minute_end: datetime,
    rules: AlertRules,
) -> AlertBook:
    book = read_book(database)
    applied = apply_all(book, commands)
    for command, reason in applied.refused:
        _LOG.warning("alert command %s by %s not applied: %s", command.command_id, command.by, reason)
    book = save_book(database, book, applied.changed)
    return save_book(database, book, advance(sale_id, book, bad, minute_end, rules), minute_end)


def _waiting(redis: RedisClient, sale_id: str) -> dict[str, dict[str, str]]:
    """Stream id -> fields, oldest first."""
    entries: Any = redis.xrange(SaleKeys(sale_id).alert_commands, count=COMMANDS_AT_ONCE)
    return dict(entries)


def _readable(waiting: Mapping[str, Mapping[str, str]]) -> list[Command]:
    commands = []
    for fields in waiting.values():
        try:
            commands.append(command_from(fields))
        except CommandError as error:
            _LOG.warning("%s; dropped", error)
    return commands
