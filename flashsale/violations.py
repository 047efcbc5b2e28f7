"""Say why a stored document breaks its table's description, as a short code and a sentence.

MongoDB's validator decides what is valid and explains it for what it refuses; for a
document that got past it, only this module can name the reason.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from flashsale.schema import Field, Table

_PYTHON_TYPE: dict[str, tuple[type, ...]] = {
    "int64": (Int64,),
    "double": (float,),
    "string": (str,),
    "date": (datetime, DatetimeMS),
    "list<string>": (list,),
    "list<int32>": (list,),
}


def violation(table: Table, document: Mapping[str, Any]) -> tuple[str, str] | None:
    """(code, detail) of the first broken rule in field order, or None.

    `document` is as pymongo decodes it, where int64 is `Int64` and int32 is `int`.
    """
    for field in table.fields:
        name = table.stored_name(field)
        if name not in document:
            return f"missing:{field.name}", f"{name} is missing"
        problem = _problem(field, document[name])
        if problem:
            return problem[0] + f":{field.name}", f"{name} {problem[1]}"
    known = {table.stored_name(field) for field in table.fields}
    extra = sorted(set(document) - known)
    if extra:
        return "unknown_field", f"{', '.join(extra)[:200]}: not a field of {table.name}"
    return None


def _problem(field: Field, value: Any) -> tuple[str, str] | None:
    if value is None and field.nullable:
        return None
    if not _has_type(field, value):
        return "type", f"must be {field.type}, is {type(value).__name__} {value!r:.80}"
    if isinstance(value, float) and not math.isfinite(value):
        return "range", f"must be finite, is {value}"
    if field.minimum is not None and field.maximum is not None and not field.minimum <= value <= field.maximum:
        return "range", f"must be {field.minimum} to {field.maximum}, is {value}"
    if field.choices and value not in field.choices:
        return "range", f"must be one of {', '.join(field.choices)}, is {value!r:.80}"
    return None


def _has_type(field: Field, value: Any) -> bool:
    if field.type == "int32":
        return type(value) is int
    return isinstance(value, _PYTHON_TYPE[field.type])
