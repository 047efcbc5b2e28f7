"""One try to deliver one message to one target."""

import logging
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from apprise import Apprise, NotifyFormat, NotifyType

from flashsale.errors import one_line
from notifier.message import Message
from notifier.targets import Target, instance

_TYPES = {"alert": NotifyType.WARNING, "fault": NotifyType.FAILURE, "over": NotifyType.SUCCESS}
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` says why it was not delivered, without anything secret; empty when it was."""

    delivered: bool
    reason: str
    seconds: float


class Sender:
    """Delivers to one target; keeps apprise's object, which paces what it sends as the service asks for."""

    def __init__(self, target: Target, timeout_seconds: float) -> None:
        self._target = target
        self._timeout = timeout_seconds
        plugin = instance(target.url)
        # Each wait of a connection is shorter than the whole: a hanging server is told from a slow one.
        plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_seconds / 2
        if plugin.url().startswith("mailto"):
            # apprise's general pace of one in 5.5 s is for chat services; a mail server takes more.
            plugin.request_rate_per_sec = 0
        self._apprise = Apprise()
        self._apprise.add(plugin)

    def send(self, message: Message) -> Outcome:
        """One try, ended after `timeout_seconds`; a failure is told, never raised."""
        began = time.monotonic()
        try:
            result: Any = self._apprise.notify(
                body=message.body,
                title=message.subject,
                notify_type=_TYPES.get(message.kind, NotifyType.INFO),
                body_format=NotifyFormat.TEXT,
                interpret_escapes=False,
                timeout=self._timeout,
                log_level=logging.WARNING,
            )
        except Exception as error:
            # A target's library may raise anything; it must not end the others.
            return Outcome(False, self._without_secrets(f"{type(error).__name__}: {error}"), _since(began))
        seconds = _since(began)
        if result:
            return Outcome(True, "", seconds)
        said = "; ".join(entry.message for entry in result.logs())
        if result.timeout_count:
            said = f"no answer within {self._timeout:g} s"
        return Outcome(False, self._without_secrets(said or "apprise gave no reason"), seconds)

    def _without_secrets(self, text: str) -> str:
        parts = urlsplit(self._target.url)
        pieces = {parts.username or "", parts.password or "", *parts.path.split("/"), parts.query, parts.fragment}
        pieces |= {pair.partition("=")[2] for pair in parts.query.split("&")}
        host = parts.netloc.rpartition("@")[2]
        if host.partition(":")[0] not in self._target.label:
            pieces.add(host)
        secret = {p for piece in pieces for p in (piece, unquote(piece)) if len(p) >= _SHORTEST_SECRET}
        for piece in sorted(secret, key=len, reverse=True):
            text = text.replace(piece, "***")
        return one_line(Exception(text))


def keep_apprise_quiet() -> None:
    """What apprise and its libraries say may hold a URL: none of it reaches a log; results tell what matters."""
    for name in ("apprise", "requests", "urllib3", "smtplib"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False


def _since(began: float) -> float:
    return time.monotonic() - began
