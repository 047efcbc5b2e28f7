"""Insert one batch of encoded facts and tell, for each, what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from flashsale.schema import Table
from flashsale.stores.mongo import Document
from generator.door import Refusal, refusal_of_server
from generator.retry import TRANSIENT_CODES, UndecidedWriteError, is_transient

BATCH = 2_000
BATCH_BYTES = 1024 * 1024
"""Per insert: if every document is wrong in every field, the answer that quotes them stays below 16 MB."""
_DUPLICATE_KEY = 11000

# What the server says about one document, not about itself: failed validation, bad value,
# overflow (nesting), invalid BSON, field names and _id it does not accept, too large.
_DOCUMENT_CODES = frozenset({2, 9, 14, 15, 22, 52, 53, 54, 55, 56, 57, 121, 10334, 17280, 17419, 17420})

_AS_STORED: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_DECODED: CodecOptions[Document] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`stored` now; `same` or `conflict` when the id was there before; `refused` by the server."""

    kind: Literal["stored", "same", "conflict", "refused"]
    refusal: Refusal | None = None


STORED = Outcome("stored")


def batches(facts: Sequence[RawBSONDocument]) -> Iterator[slice]:
    """Slices of `facts`, each of which MongoDB can take, and answer, at once."""
    start, size = 0, 0
    for index, fact in enumerate(facts):
        length = len(fact.raw)
        if index > start and (index - start == BATCH or size + length > BATCH_BYTES):
            yield slice(start, index)
            start, size = index, 0
        size += length
    if facts:
        yield slice(start, len(facts))


def insert_facts(database: Database[Document], table: Table, facts: Sequence[RawBSONDocument]) -> list[Outcome]:
    """Insert `facts`, one of `batches`, unordered; one outcome for each, in order.  Can be repeated.

    Raises pymongo errors when MongoDB is away (then nothing is known; repeat it) and
    OperationFailure for what is no document's fault.
    """
    outcomes: list[Outcome | None] = [None] * len(facts)
    open_indices = list(range(len(facts)))
    while open_indices:
        twice = []
        errors = _write_errors(database, table, [facts[i] for i in open_indices])
        for position, index in enumerate(open_indices):
            error = errors.get(position)
            if error is None:
                outcomes[index] = STORED
            elif error["code"] == _DUPLICATE_KEY:
                twice.append(index)
            else:
                outcomes[index] = Outcome("refused", refusal_of_server(table, error))
        # Whatever held the id may be gone again (archived, or rolled back): insert those anew.
        open_indices = _compare(database, table, facts, twice, outcomes)
    return [outcome for outcome in outcomes if outcome is not None]


def _compare(
    database: Database[Document],
    table: Table,
    facts: Sequence[RawBSONDocument],
    indices: list[int],
    outcomes: list[Outcome | None],
) -> list[int]:
    """Set the outcome of facts whose id was taken; returns those whose id is free again."""
    if not indices:
        return []
    # Read from the majority: what a failover may still undo must not count as stored.
    collection = database[table.name].with_options(_AS_STORED, read_concern=ReadConcern("majority"))
    ids = list({facts[i]["_id"] for i in indices})
    held = {document["_id"]: bytes(document.raw) for document in collection.find({"_id": {"$in": ids}})}
    free = []
    for index in indices:
        stored = held.get(facts[index]["_id"])
        if stored is None:
            free.append(index)
            continue
        differing = _differing_fields(bytes(facts[index].raw), stored)
        if differing:
            detail = f"another document holds the id; different: {', '.join(differing)}"
            outcomes[index] = Outcome("conflict", Refusal("id_taken", detail))
        else:
            outcomes[index] = Outcome("same")
    return free


def _differing_fields(left: bytes, right: bytes) -> list[str]:
    """Fields whose BSON differs; the order of fields does not matter, the type of a value does."""
    if left == right:
        return []
    one, other = bson.decode(left, _DECODED), bson.decode(right, _DECODED)
    names = sorted(one.keys() | other.keys())
    return [
        name
        for name in names
        if name not in one or name not in other or bson.encode({"": one[name]}) != bson.encode({"": other[name]})
    ]


def require_documents_fault(error: Mapping[str, Any]) -> None:
    """Raise unless the write error says something about its document: UndecidedWriteError when asking again can help,
    else OperationFailure."""
    if error["code"] in TRANSIENT_CODES:
        raise UndecidedWriteError(error.get("errmsg", "interrupted"))
    if error["code"] not in _DOCUMENT_CODES | {_DUPLICATE_KEY}:
        raise OperationFailure(error.get("errmsg", "write error"), error["code"], dict(error))


def _write_errors(
    database: Database[Document], table: Table, facts: Sequence[RawBSONDocument]
) -> dict[int, Mapping[str, Any]]:
    """Write error by position; what is not listed was acknowledged by the majority."""
    try:
        database[table.name].insert_many(facts, ordered=False)
    except BulkWriteError as error:
        return _checked(error, facts, database, table)
    except OperationFailure as error:
        if is_transient(error) or error.code not in _DOCUMENT_CODES:
            raise
        # One document made the server refuse the whole batch: halve it until that one stands alone.
        if len(facts) == 1:
            return {0: {"code": error.code, "errmsg": str((error.details or {}).get("errmsg", error))}}
        middle = len(facts) // 2
        errors = _write_errors(database, table, facts[:middle])
        rest = _write_errors(database, table, facts[middle:])
        return errors | {middle + position: found for position, found in rest.items()}
    return {}


def _checked(
    error: BulkWriteError, facts: Sequence[RawBSONDocument], database: Database[Document], table: Table
) -> dict[int, Mapping[str, Any]]:
    details = error.details
    if details.get("writeConcernErrors"):
        raise UndecidedWriteError(f"not acknowledged by the majority: {details['writeConcernErrors'][0].get('errmsg')}")
    found: dict[int, Mapping[str, Any]] = {}
    for one in details["writeErrors"]:
        require_documents_fault(one)
        if one["code"] == 121 and not one.get("errInfo") and len(facts) > 1:
            # A long answer is cut by the server: ask about this document alone.
            one = _write_errors(database, table, [facts[one["index"]]]).get(0)
            if one is None:
                continue
        found[one["index"]] = one
    return found
