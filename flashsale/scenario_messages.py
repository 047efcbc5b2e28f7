"""Say in one line what is wrong with a scenario: key, value, range."""

import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "tuple_type": "an array [...]",
    "model_type": "a table [...]",
    "bool_type": "true or false",
}


def first_problem(model: type[BaseModel], error: ValidationError) -> str:
    """``products.count must be 1..1000000, got 0`` for the first error of `model`'s validation."""
    # A misspelt key is both unknown and missing: the unknown one says what to do.
    detail = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    key, value, kind = _key(detail["loc"]), shown(detail["input"]), detail["type"]
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        return f"{key} is not a known key"
    if kind in _KINDS:
        return f"{key} must be {_KINDS[kind]}, got {value}"
    rules = _rules(model, detail["loc"])
    if kind in ("too_short", "too_long"):
        low, high = rules.get("min_length", 0), rules.get("max_length", "")
        return f"{key} must have {low}..{high} entries, got {detail.get('ctx', {}).get('actual_length', value)}"
    if kind in ("string_too_short", "string_too_long"):
        return f"{key} must have {rules.get('min_length', 0)}..{rules.get('max_length', '')} characters, got {value}"
    if "pattern" in rules:
        return f"{key} must match {rules['pattern']}, got {value}"
    if "le" in rules and ("ge" in rules or "gt" in rules):
        low = f"{rules['ge']}" if "ge" in rules else f"above {rules['gt']}, at most "
        return f"{key} must be {low}{'..' if 'ge' in rules else ''}{rules['le']}, got {value}"
    return f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}, got {value}"


def shown(value: Any) -> str:
    """`value` as a person wrote it, at most 60 characters."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _key(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text


def _rules(model: type[BaseModel], location: tuple[int | str, ...]) -> dict[str, Any]:
    """Bounds declared for the field (or array item) at `location`."""
    kind: Any = model
    rules: dict[str, Any] = {}
    for step in location:
        if isinstance(step, str):
            if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or step not in kind.model_fields:
                return {}
            field = kind.model_fields[step]
            kind, rules = field.annotation, _bounds(field.metadata)
        else:
            kind, rules = _plain(typing.get_args(_plain(kind)[0])[0])
        kind, inner = _plain(kind)
        rules = {**inner, **rules}
    return rules


def _plain(kind: Any) -> tuple[Any, dict[str, Any]]:
    """A type without its ``Annotated`` shell (or generic alias), and the bounds that shell declared."""
    if isinstance(kind, types.GenericAlias) or typing.get_origin(kind) is tuple:
        return kind, {}
    if typing.get_origin(kind) is typing.Annotated:
        inner, *metadata = typing.get_args(kind)
        flat: list[Any] = []
        for item in metadata:
            flat.extend(item.metadata if isinstance(item, FieldInfo) else [item])
        return inner, _bounds(flat)
    return kind, {}


def _bounds(metadata: list[Any]) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    for item in metadata:
        for name in ("ge", "gt", "le", "min_length", "max_length", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                bounds[name] = value
    return bounds
