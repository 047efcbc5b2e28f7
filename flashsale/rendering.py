"""Render a table of `flashsale.schema` for MongoDB, Arrow, Spark and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flashsale.schema import Field, FieldType, Table

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql.types import DataType, StructType

_BSON_TYPE: dict[FieldType, str] = {
    "int32": "int",
    "int64": "long",
    "double": "double",
    "string": "string",
    "date": "date",
    "bool": "bool",
    "binary": "binData",
    "list<string>": "array",
    "list<int32>": "array",
    "list<struct>": "array",
}
_LIST_ITEM: dict[FieldType, str] = {"list<string>": "string", "list<int32>": "int"}


def mongo_validator(table: Table) -> dict[str, Any]:
    """``$jsonSchema`` of `table`: exact types, ranges, presence, no unknown field."""
    return {
        "$jsonSchema": {
            "bsonType": "object",
            "title": table.name,
            "required": [table.stored_name(field) for field in table.fields],
            "additionalProperties": False,
            "properties": {table.stored_name(f): _mongo_property(f) for f in table.fields},
        }
    }


def _mongo_property(field: Field) -> dict[str, Any]:
    bson_type: str | list[str] = _BSON_TYPE[field.type]
    if field.nullable:
        bson_type = [str(bson_type), "null"]
    rules: dict[str, Any] = {"bsonType": bson_type, "description": field.description}
    if field.minimum is not None:
        rules["minimum"] = field.minimum
    if field.maximum is not None:
        rules["maximum"] = field.maximum
    if field.choices:
        rules["enum"] = list(field.choices)
    if field.type in _LIST_ITEM:
        rules["items"] = {"bsonType": _LIST_ITEM[field.type]}
    return rules


def arrow_schema(table: Table) -> pyarrow.Schema:
    """Arrow (and so Parquet) schema of `table`, under its own field names."""
    import pyarrow as pa

    return pa.schema([_arrow_field(field) for field in table.fields])


def _arrow_field(field: Field) -> pyarrow.Field:
    import pyarrow as pa

    if field.type == "list<struct>":
        return pa.field(field.name, pa.list_(pa.struct([_arrow_field(item) for item in field.items])), nullable=False)
    types: dict[FieldType, pa.DataType] = {
        "int32": pa.int32(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "string": pa.string(),
        "date": pa.timestamp("ms", tz="UTC"),
        "bool": pa.bool_(),
        "binary": pa.binary(),
        "list<string>": pa.list_(pa.string()),
        "list<int32>": pa.list_(pa.int32()),
    }
    return pa.field(field.name, types[field.type], nullable=field.nullable)


def spark_schema(table: Table, *, stored_names: bool = False) -> StructType:
    """Spark schema of `table`; with `stored_names` the key is called ``_id`` as in MongoDB."""
    from pyspark.sql import types as t

    types: dict[FieldType, DataType] = {
        "int32": t.IntegerType(),
        "int64": t.LongType(),
        "double": t.DoubleType(),
        "string": t.StringType(),
        "date": t.TimestampType(),
        "list<string>": t.ArrayType(t.StringType()),
        "list<int32>": t.ArrayType(t.IntegerType()),
    }
    return t.StructType(
        [
            t.StructField(
                table.stored_name(field) if stored_names else field.name,
                types[field.type],
                field.nullable,
            )
            for field in table.fields
        ]
    )


def data_dictionary(tables: tuple[Table, ...]) -> str:
    """Markdown of `tables`; `docs/data-dictionary.md` is exactly this text."""
    parts = [
        "# Data dictionary\n\n"
        "Rendered from `flashsale/schema.py` by `python -m flashsale.rendering`; a test keeps it equal.\n"
    ]
    for table in tables:
        parts.append(f"\n## {table.name}\n\n{table.description}\n\n")
        parts.append("| field | type | unit | range | description |\n|---|---|---|---|---|\n")
        for field in table.fields:
            parts.append(_dictionary_row(table, field))
            parts.extend(_dictionary_row(table, item, field.name + ".") for item in field.items)
    return "".join(parts)


def _dictionary_row(table: Table, field: Field, within: str = "") -> str:
    name = f"`{within}{field.name}`" + (" (`_id`)" if field.name == table.key else "")
    kind = field.type + (" or null" if field.nullable else "")
    if field.choices:
        allowed = ", ".join(field.choices)
    elif field.minimum is None:
        allowed = ""
    else:
        allowed = f"{field.minimum} to {field.maximum}"
    return f"| {name} | {kind} | {field.unit} | {allowed} | {field.description} |\n"


if __name__ == "__main__":
    import sys

    from flashsale.archived_tables import DOCUMENTS
    from flashsale.schema import TABLES

    sys.stdout.write(data_dictionary((*TABLES, *DOCUMENTS)))
