"""Real local servers that take messages, or refuse them, or hang: a webhook and a mail server."""

import json
import socket
import threading
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from embedded.config import free_ports

HANG = 0
"""Instead of a status: take the message and say nothing until the receiver is closed."""


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true value of `condition`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:.0f} s")


class Webhook:
    """An HTTP server at a port of its own: `status` is its answer, `taken` the messages it said 200 to."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.times: list[float] = []
        (self.port,) = free_ports(1)
        self._server: ThreadingHTTPServer | None = None
        self._closing = threading.Event()

    @property
    def url(self) -> str:
        return f"json://hook:hook-password@127.0.0.1:{self.port}/hook-token-12345"

    def subjects(self) -> list[str]:
        return [message["title"] for message in self.taken]

    def open(self) -> "Webhook":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.asked.append(message)
                if receiver.status == HANG:
                    receiver._closing.wait()
                    return
                if receiver.status == 200:
                    receiver.taken.append(message)
                    receiver.times.append(time.monotonic())
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._closing.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def close(self) -> None:
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Mailbox:
    """An SMTP server; `taken` are the mails it accepted, `raw` their bytes, `code` its answer to a mail."""

    def __init__(self) -> None:
        self.code = "250 OK"
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        (self.port,) = free_ports(1)
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=war-room@example.com&to=ops@example.com"

    def subjects(self) -> list[str]:
        return [str(mail["subject"]) for mail in self.taken]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.code.startswith("250"):
            self.raw.append(envelope.content)
            self.recipients.append(envelope.rcpt_tos)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.taken.append(mail)
        return self.code

    def open(self) -> "Mailbox":
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


class Silent:
    """A server that takes connections and never says a word."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()
