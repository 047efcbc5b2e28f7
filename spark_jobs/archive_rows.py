"""Rows of the archive as MongoDB holds them now, streamed as Arrow batches in a table's own columns."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
from pymongo.database import Database

from flashsale.errors import FlashsaleError
from flashsale.minutes import iso
from flashsale.rendering import arrow_schema
from flashsale.schema import FACTS, Table
from flashsale.stores.mongo import Document
from spark_jobs.archive_documents import document_row
from spark_jobs.fact_decoding import FactRules, decode_facts

Spend = Callable[[int], None]
"""Told of rows that were taken from MongoDB; it may wait, so that others get their turn."""

_FACTS_AT_ONCE = 100_000
"""More than a server's answer of 16 MB holds, so every answer is as long as it may be."""


class UnsoundFactsError(FlashsaleError):
    """Facts in the range break the rules: they are the sweep's, and never the archive's."""


class ArchiveRows:
    """One sale's rows; `rules` are those of each fact table, `spend` is told of every batch."""

    def __init__(self, database: Database[Document], rules: Callable[[Table], FactRules], spend: Spend) -> None:
        self._database = database
        self._rules = rules
        self._spend = spend

    def batches(self, table: Table, start: datetime, end: datetime) -> Iterator[pa.RecordBatch]:
        """Rows of ``[start, end)`` by the table's time, in its order.

        Raises UnsoundFactsError at the first fact that is none.
        """
        batches = self._facts if table in FACTS else self._documents
        for batch in batches(table, start, end):
            self._spend(batch.num_rows)
            yield batch

    def _facts(self, table: Table, start: datetime, end: datetime) -> Iterator[pa.RecordBatch]:
        rules, schema = self._rules(table), arrow_schema(table)
        names = [field.name for field in table.fields]
        # The driver's types say documents where bytes come.
        answers: Any = self._database[table.name].find_raw_batches(
            {table.event_time or "": {"$gte": start, "$lt": end}}, batch_size=_FACTS_AT_ONCE
        )
        for raw in answers:
            facts = decode_facts(raw, table, rules, names)
            if len(facts.unsound):
                raise UnsoundFactsError(
                    f"{self._database.name}.{table.name}: {len(facts.unsound)} facts of {iso(start)} to {iso(end)} "
                    "are not sound; the sweep moves them to quarantine"
                )
            columns = [pa.array(facts.columns[field.name]).cast(field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _documents(self, table: Table, start: datetime, end: datetime) -> Iterator[pa.RecordBatch]:
        time = stored_time(table)
        query = {time: {"$gte": start, "$lt": end}}
        # One at a time: a rollup may be a megabyte, a quarantined document too.
        answers: Any = self._database[table.name].find_raw_batches(query, batch_size=1, sort=[(time, 1)])
        for raw in answers:
            yield document_row(table, raw)


def stored_time(table: Table) -> str:
    """Field of the stored documents that decides a table's hour: ``_id`` where the key is a time."""
    return "_id" if table.event_time == table.key else table.event_time or ""
