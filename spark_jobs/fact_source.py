"""What Spark's Python workers do: read a range of facts straight from MongoDB, as Arrow batches.

The raw answers of the server are decoded many documents at a time (`fact_decoding`), where a
connector makes an object of each value.  Imported by the workers, which find MongoDB
and its secret where every service does: in their settings.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from flashsale.errors import FlashsaleError
from flashsale.minutes import epoch_ms
from flashsale.schema import Table
from flashsale.settings import load_settings
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from spark_jobs.fact_decoding import FactRules, decode_facts

UNSOUND = 2
"""In place of a warehouse, with `NO_PRODUCT`: a fact that is not what it should be."""
NO_PRODUCT = -1
_BATCH_ROWS = 100_000
"""More than a server's answer of 16 MB holds: so the first answer is as long as the others."""

_clients: dict[str, Client] = {}


class FactRange(NamedTuple):
    """Facts with an event time in ``[start, end)``, of these `products` alone if any are named."""

    start: datetime
    end: datetime
    products: tuple[int, ...] = ()

    def query(self, event_time: str) -> dict[str, Any]:
        """As MongoDB is asked."""
        within = {event_time: {"$gte": self.start, "$lt": self.end}}
        return {**within, "product_id": {"$in": list(self.products)}} if self.products else within


def fact_reader(
    database: str, table: Table, ranges: list[FactRange], rules: FactRules, names: tuple[str, ...]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` over a frame of numbers: number i becomes the facts of range i.

    Columns `names`, times in epoch ms.  An unsound fact is a row with `NO_PRODUCT`, `UNSOUND`, its
    event time (the range's start when it has none) and zeros.
    """

    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with mongo_errors(f"reading {database}.{table.name}"):
            collection = _client()[database][table.name]
            for batch in numbers:
                for number in batch.column(0).to_pylist():
                    wanted = ranges[number]
                    # The driver's types say documents where bytes come.
                    answers: Any = collection.find_raw_batches(
                        wanted.query(table.event_time or ""), batch_size=_BATCH_ROWS
                    )
                    yield from (_batch(raw, wanted.start) for raw in answers)

    def _batch(raw: bytes, start: datetime) -> pa.RecordBatch:
        facts = decode_facts(raw, table, rules, names)
        columns = dict(facts.columns)
        if len(facts.unsound):
            marks = {"product_id": NO_PRODUCT, "warehouse_id": UNSOUND}
            moments = np.maximum(facts.unsound, epoch_ms(start))
            for name, column in columns.items():
                mark = np.full(len(moments), marks.get(name, 0), column.dtype)
                columns[name] = np.append(column, moments if name == table.event_time else mark)
        return pa.RecordBatch.from_pydict(columns)

    return read


def _client() -> Client:
    """One client for the life of the worker process, which serves many tasks."""
    if "jobs" not in _clients:
        try:
            _clients["jobs"] = mongo_client(load_settings(), "jobs")
        except FlashsaleError as error:
            raise FlashsaleError(f"a Spark worker cannot log in to MongoDB: {error}") from error
    return _clients["jobs"]
