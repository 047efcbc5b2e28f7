"""Viewers of the page as the browser's side of Streamlit's own protocol: a websocket and protobuf messages each.

What a browser does with the messages (drawing) is not part of a refresh's cost to the server and is left out; a
headless Chromium for each of 50 viewers would measure this machine instead of the page.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from flashsale.errors import FlashsaleError

OPEN_SECONDS = 60.0
FIRST_FIGURE = b"Orders / min"
"""Of the first figure, which no state without figures draws."""
_LARGEST_MESSAGE = 16 * 2**20


@dataclass(slots=True)
class Refreshes:
    """Seconds from asking for a refresh to its last message, one entry each; `received` bytes in all."""

    seconds: list[float] = field(default_factory=list)
    received: int = 0


class Viewer:
    """One open page; `open` draws it, `refresh` asks for what its timer asks for every 5 seconds."""

    def __init__(self, connection: Any, fragment: str) -> None:
        self._connection = connection
        self._fragment = fragment

    @classmethod
    async def open(cls, port: int) -> "Viewer":
        """Connect and wait for the first screen.  Raises FlashsaleError when it does not come or shows no figures."""
        connection = await websockets.connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=_LARGEST_MESSAGE,
        )
        message = BackMsg()
        message.rerun_script.query_string = ""
        await connection.send(message.SerializeToString())
        fragment, figures = "", False
        async with asyncio.timeout(OPEN_SECONDS):
            while True:
                received = ForwardMsg.FromString(await connection.recv(decode=False))
                kind = received.WhichOneof("type")
                if kind == "auto_rerun":
                    fragment = received.auto_rerun.fragment_id
                elif kind == "delta":
                    figures = figures or FIRST_FIGURE in received.delta.SerializeToString()
                elif kind == "script_finished":
                    break
        if not fragment or not figures:
            raise FlashsaleError("the page under test shows no figures: look at the log of its Streamlit")
        return cls(connection, fragment)

    async def refresh(self) -> tuple[float, int]:
        """(seconds, bytes) of one refresh."""
        message = BackMsg()
        message.rerun_script.fragment_id = self._fragment
        message.rerun_script.is_auto_rerun = True
        begun, size = time.perf_counter(), 0
        await self._connection.send(message.SerializeToString())
        while True:
            text = bytes(await self._connection.recv(decode=False))
            size += len(text)
            if ForwardMsg.FromString(text).WhichOneof("type") == "script_finished":
                return time.perf_counter() - begun, size

    async def close(self) -> None:
        await self._connection.close()


async def watch(port: int, viewers: int, seconds: float, interval: float) -> Refreshes:
    """`viewers` pages that each refresh every `interval` seconds, out of step as people open them, for `seconds`."""
    pages = [await Viewer.open(port) for _ in range(viewers)]
    found = Refreshes()
    end = time.monotonic() + seconds

    async def look(page: Viewer, number: int) -> None:
        due = time.monotonic() + interval * number / viewers
        while due < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            took, size = await page.refresh()
            found.seconds.append(took)
            found.received += size
            due = max(due + interval, time.monotonic())

    await asyncio.gather(*(look(page, number) for number, page in enumerate(pages)))
    await asyncio.gather(*(page.close() for page in pages))
    return found


async def hurry(pages: list[Viewer], refreshes: int) -> None:
    """`refreshes` of each page one after the other, all pages at once."""

    async def look(page: Viewer) -> None:
        for _ in range(refreshes):
            await page.refresh()

    await asyncio.gather(*(look(page) for page in pages))
