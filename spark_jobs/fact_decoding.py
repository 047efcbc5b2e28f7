"""Facts from BSON to columns, each one checked on the way: the door's rules, and what only a join can tell.

A document laid out as the generator writes it is read in place, many at a time; any other is decoded
by itself, for MongoDB takes a good document with its fields in another order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import bson
import numpy as np
import numpy.typing as npt
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS

from flashsale.fact_layout import LENGTH_BYTES, ByteRows, FactLayout, fact_layout
from flashsale.minutes import epoch_ms
from flashsale.schema import Table
from flashsale.stores.mongo import Document
from flashsale.violations import violation

Column = npt.NDArray[np.int64] | npt.NDArray[np.int32] | npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# A time beyond year 9999 is still a BSON date, and bytes that are no UTF-8 still a string.
LENIENT: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="backslashreplace",
)


@dataclass(frozen=True)
class FactRules:
    """What a sound fact keeps besides its schema; times in epoch ms.

    `known`: field -> sorted ids it may hold; ``earliest <= arrived_at < latest``; its event time
    is at most `max_ahead` after its arrival.
    """

    known: Mapping[str, npt.NDArray[np.int64]]
    earliest: int
    latest: int
    max_ahead: int


@dataclass(frozen=True)
class DecodedFacts:
    """Sound facts as columns of equal length, and the event times (epoch ms) of the others.

    The event time of an unsound document that has none is 0.
    """

    columns: dict[str, Column]
    unsound: npt.NDArray[np.int64]


def decode_facts(raw: bytes, table: Table, rules: FactRules, names: Sequence[str]) -> DecodedFacts:
    """Columns `names` of the BSON documents in `raw`, which stand one after the other."""
    layout = fact_layout(table)
    rows, odd = _split(raw, layout)
    values = rows.view(layout.values)[:, 0]
    columns = {field.name: np.ascontiguousarray(values[field.name]) for field in table.fields}
    others, unsound = _decoded_one_by_one(odd, table)
    if others:
        columns = {name: np.append(columns[name], column) for name, column in _columns_of(others, table).items()}
    sound = _sound(columns, table, rules)
    if sound.all():
        return DecodedFacts({name: columns[name] for name in names}, unsound)
    refused = columns[table.event_time or ""][~sound]
    return DecodedFacts({name: columns[name][sound] for name in names}, np.append(unsound, refused))


def _split(raw: bytes, layout: FactLayout) -> tuple[ByteRows, list[bytes]]:
    """(N, L) documents in the table's own layout, and all others."""
    data = np.frombuffer(raw, np.uint8)
    if len(data) % layout.length == 0:
        rows = data.reshape(-1, layout.length)
        if (rows[:, layout.fixed] == layout.template[layout.fixed]).all():
            return rows, []
    own, odd = [], []
    start = 0
    while start < len(raw):
        end = start + int.from_bytes(raw[start : start + LENGTH_BYTES], "little")
        if end - start == layout.length and (data[start:end] == layout.template)[layout.fixed].all():
            own.append(data[start:end])
        else:
            odd.append(raw[start:end])
        start = end
    return np.array(own, np.uint8).reshape(-1, layout.length), odd


def _decoded_one_by_one(odd: Iterable[bytes], table: Table) -> tuple[list[Document], npt.NDArray[np.int64]]:
    """Documents that keep the schema, and the event times of those that do not."""
    good: list[Document] = []
    unsound: list[int] = []
    for text in odd:
        document = bson.decode(text, LENIENT)
        if violation(table, document) is None:
            good.append(document)
        else:
            moment = document.get(table.event_time or "")
            unsound.append(_milliseconds(moment) if isinstance(moment, datetime | DatetimeMS) else 0)
    return good, np.array(unsound, np.int64)


def _columns_of(documents: Sequence[Document], table: Table) -> dict[str, Column]:
    types = fact_layout(table).values
    columns: dict[str, Column] = {}
    for field in table.fields:
        found = [document[table.stored_name(field)] for document in documents]
        plain = [_milliseconds(value) for value in found] if field.type == "date" else found
        columns[field.name] = np.array(plain, types[field.name])
    return columns


def _milliseconds(moment: datetime | DatetimeMS) -> int:
    return int(moment) if isinstance(moment, DatetimeMS) else epoch_ms(moment)


def _sound(columns: Mapping[str, Column], table: Table, rules: FactRules) -> Mask:
    sound: Mask = np.ones(len(columns[table.key]), np.bool_)
    for field in table.fields:
        if field.minimum is not None and field.maximum is not None:
            # So written, NaN is out of range.
            sound &= (columns[field.name] >= field.minimum) & (columns[field.name] <= field.maximum)
    for name, ids in rules.known.items():
        sound &= _is_known(columns[name], ids)
    arrived = columns["arrived_at"]
    sound &= (arrived >= rules.earliest) & (arrived < rules.latest)
    sound &= columns[table.event_time or ""] - arrived <= rules.max_ahead
    return sound


def _is_known(column: Column, ids: npt.NDArray[np.int64]) -> Mask:
    if not len(ids):
        return np.zeros(len(column), np.bool_)
    at = np.minimum(np.searchsorted(ids, column), len(ids) - 1)
    known: Mask = ids[at] == column
    return known
