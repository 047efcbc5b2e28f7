"""What is refused before MongoDB sees it: documents no validator can judge, and facts from the future."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson
import numpy as np
from bson.datetime_ms import DatetimeMS
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from flashsale.minutes import epoch_ms
from flashsale.schema import Table
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import nesting
from generator.encoding import FactBlock

MAX_LEVELS = 100
_BYTES_PER_LEVEL = 5
"""Each level of BSON takes at least a length and an end: shorter documents need no look."""
MAX_FACT_BYTES = 16 * 1024
"""A right fact has a few hundred; MongoDB quotes a wrong one in its answer, which has a limit of its own."""
_YEAR_1_MS = epoch_ms(datetime(1, 1, 1, tzinfo=UTC))
_YEAR_10000_MS = epoch_ms(datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)) + 1
_TIMES = (datetime, DatetimeMS)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document was not stored: a short code that is counted by, and a sentence."""

    reason: str
    detail: str


def encode_at_door(
    table: Table, document: Mapping[str, Any], tick_ms: int, max_ahead_ms: int
) -> RawBSONDocument | Refusal:
    """`document` as BSON, ready to insert, or why it is refused; never raises for a bad document.

    `tick_ms` is the writer's clock, epoch ms; event times may be `max_ahead_ms` beyond it.
    """
    try:
        raw = bson.encode(document)
    except (BSONError, TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
        return Refusal("not_bson", f"{type(error).__name__}: {error}")
    if "_id" not in document:
        # The server would make one up, and a repeat would store the fact twice.
        return Refusal(f"missing:{table.key}", "_id is missing")
    if len(raw) > MAX_FACT_BYTES:
        return Refusal("too_large", f"{len(raw)} bytes, must be at most {MAX_FACT_BYTES}")
    if len(raw) > _BYTES_PER_LEVEL * MAX_LEVELS and nesting(document) > MAX_LEVELS:
        # MongoDB answers deeper ones by dropping the connection, which looks like an outage.
        return Refusal("too_deep", f"more than {MAX_LEVELS} levels of documents and arrays")
    for field in table.fields:
        moment = document.get(field.name)
        if isinstance(moment, DatetimeMS) and not _YEAR_1_MS <= int(moment) < _YEAR_10000_MS:
            return Refusal(f"range:{field.name}", f"{field.name} must lie in the years 1 to 9999, is {int(moment)} ms")
    event_time = document.get(table.event_time or "")
    if isinstance(event_time, _TIMES):
        ahead = moment_ms(event_time) - tick_ms
        if ahead > max_ahead_ms:
            return Refusal("ahead_of_clock", f"{table.event_time} is {ahead / 1000:.3f} s ahead of the writer's clock")
    return RawBSONDocument(raw)


def part_ahead(block: FactBlock, max_ahead_ms: int) -> tuple[FactBlock, list[Document]]:
    """(`block` without the facts that `encode_at_door` refuses, those facts as documents)."""
    latest = block.arrived_ms + max_ahead_ms
    if not len(block) or int(block.event_ms.max()) <= latest:
        return block, []
    ahead = block.event_ms > latest
    return block.part(~ahead), [block.document(int(row)) for row in np.flatnonzero(ahead)]


def moment_ms(moment: datetime | DatetimeMS) -> int:
    """Epoch milliseconds as BSON stores `moment`; a time without an offset is UTC."""
    if isinstance(moment, DatetimeMS):
        return int(moment)
    return epoch_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def refusal_of_server(table: Table, error: Mapping[str, Any]) -> Refusal:
    """The server's reason for one write error, as code and text.

    Codes are those of `flashsale.violations`: ``type:order_qty``, ``range:order_qty``,
    ``missing:city_id``, ``unknown_field``; the first broken field of the table decides.
    """
    rules = (error.get("errInfo") or {}).get("details", {}).get("schemaRulesNotSatisfied", [])
    problems: dict[str, str] = {}
    unknown = False
    for rule in rules:
        for name in rule.get("missingProperties", []):
            problems[name] = "missing"
        for item in rule.get("propertiesNotSatisfied", []):
            broken = {detail.get("operatorName") for detail in item.get("details", [])}
            problems[item["propertyName"]] = "type" if "bsonType" in broken else "range"
        unknown = unknown or "additionalProperties" in rule
    detail = f"{error.get('errmsg', '')} {bson_text(rules)}".strip()
    for field in table.fields:
        code = problems.get(table.stored_name(field))
        if code:
            return Refusal(f"{code}:{field.name}", detail)
    if unknown:
        return Refusal("unknown_field", detail)
    return Refusal(f"server_{error.get('code')}", detail)


def bson_text(value: Any) -> str:
    """Values from the server as one line of text, at most 3000 characters."""
    return str(value)[:3000] if value else ""
