"""The most that this mongod takes from two processes that have nothing else to do: documents encoded beforehand.

The facts, the collections with their validators and indexes, and the write concern are those of the
generator; how the documents are sent, and how many at once, is tried out.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Literal, Self

from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from benchmarks.generator_pass import Pass
from benchmarks.generator_simulation import encoded
from flashsale.errors import FlashsaleError
from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from flashsale.schema import FACTS
from flashsale.settings import Settings
from flashsale.stores.mongo import Document, mongo_client
from generator.block_insertion import BlockDocuments, portions
from generator.encoding import FactBlock

WRITERS = 2
Way = Literal["blocks", "insert_many"]
"""One insert command for a block of rows; pymongo's own `insert_many` of raw documents."""


@dataclass(frozen=True, slots=True)
class Order:
    """Write the facts of the first `ticks` into `database`, `batch` documents of a table at a time."""

    database: str
    way: Way
    batch: int
    ticks: int


@dataclass(frozen=True, slots=True)
class _Done:
    documents: int = 0
    began: float = 0.0
    ended: float = 0.0
    cpu_seconds: float = 0.0


class FloorWriters:
    """`WRITERS` processes, each with the facts of its shards of the sale's first `ticks` ready to send.

    Made when they are ready.  Raises FlashsaleError when one of them fails.
    """

    def __init__(self, settings: Settings, sale: SaleRun, ticks: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._writers: list[tuple[SpawnProcess, Connection]] = []
        for number in range(WRITERS):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, settings, sale, ticks, number), daemon=True)
            process.start()
            there.close()
            self._writers.append((process, here))
        for _, connection in self._writers:
            _received(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """End the processes; repeating it does nothing."""
        for process, connection in self._writers:
            connection.close()
            process.join(10)
            if process.is_alive():
                process.kill()
        self._writers = []

    def write(self, order: Order) -> Pass:
        """From the first writer's begin to the last one's end."""
        for _, connection in self._writers:
            connection.send(order)
        done = [_received(connection) for _, connection in self._writers]
        return Pass(
            sum(one.documents for one in done),
            max(one.ended for one in done) - min(one.began for one in done),
            sum(one.cpu_seconds for one in done),
            batch=order.batch,
        )


def _received(connection: Connection) -> _Done:
    try:
        answer = connection.recv()
    except EOFError as error:
        raise FlashsaleError("a writer of the floor ended; its reason stands above") from error
    if not isinstance(answer, _Done):
        raise FlashsaleError(f"a writer of the floor failed: {answer}")
    return answer


def _serve(connection: Connection, settings: Settings, sale: SaleRun, ticks: int, number: int) -> None:
    """A writer's process: encode, then obey orders until nobody is there to give them."""
    scenario = parse_scenario(sale.scenario_toml, f"of sale {sale.sale_id}")
    blocks = list(encoded(scenario, sale, ticks, range(number, scenario.shards, WRITERS)))
    connection.send(_Done())
    with mongo_client(settings, "generator") as client:
        while True:
            try:
                order: Order = connection.recv()
            except EOFError:
                return
            send = _SENDERS[order.way]
            database = client[order.database]
            # Blocks come tick by tick, as many for each tick as the writer has shards.
            batches = list(in_batches(blocks[: order.ticks * len(blocks) // ticks], order.batch))
            calls = [send(database, batch) for batch in batches]
            client.admin.command("ping")
            began, cpu_before = time.monotonic(), time.process_time()
            for call in calls:
                call()
            ended, cpu_seconds = time.monotonic(), time.process_time() - cpu_before
            documents = sum(len(block) for batch in batches for block in batch)
            connection.send(_Done(documents, began, ended, cpu_seconds))


def in_batches(ticks: list[list[FactBlock]], rows: int) -> Iterator[list[FactBlock]]:
    """Batches of `rows` documents of one table, those of both tables in turns, as far as each has come in time."""
    found: list[tuple[float, list[FactBlock]]] = []
    for table in FACTS:
        blocks = [block for tick in ticks for block in tick if block.table.name == table.name]
        for portion in portions(blocks, rows):
            last, _ = portion[-1]
            found.append((last / len(blocks), [blocks[index].part(part) for index, part in portion]))
    for _, batch in sorted(found, key=lambda one: one[0]):
        yield batch


def _as_blocks(database: Database[Document], batch: list[FactBlock]) -> Callable[[], None]:
    documents = [BlockDocuments(block) for block in batch]
    concern, rows = {"w": "majority", "j": True}, sum(map(len, batch))

    def send() -> None:
        name = batch[0].table.name
        answer = database.command("insert", name, documents=documents, ordered=False, writeConcern=concern)
        if answer["n"] != rows:
            raise FlashsaleError(f"{name}: MongoDB took {answer['n']} of {rows} documents")

    return send


def _with_insert_many(database: Database[Document], batch: list[FactBlock]) -> Callable[[], None]:
    documents = [RawBSONDocument(row.tobytes()) for block in batch for row in block.rows]

    def send() -> None:
        database[batch[0].table.name].insert_many(documents, ordered=False)

    return send


_SENDERS: dict[Way, Callable[[Database[Document], list[FactBlock]], Callable[[], None]]] = {
    "blocks": _as_blocks,
    "insert_many": _with_insert_many,
}
