"""The mapping: a small TOML file that says what the columns of an order file mean.

`load_mapping` gives frozen models or raises MappingError with one line that names the
file, the key, the value and the range.  Every key is explained in ``configs/import/example.toml``.
"""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from flashsale.scenario_base import Label, Minute, Minutes, Part, Rows, Share
from flashsale.scenario_messages import first_problem
from generator.importing.bad_cells import ImportFileError
from generator.importing.mapping_rules import contradiction

Title = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Titles = Annotated[tuple[Title, ...], BeforeValidator(_as_list), Field(strict=False, max_length=5)]
"""One column, or several whose texts are joined."""


class MappingError(ImportFileError):
    """A mapping file cannot be used."""


class File(Part):
    """How a CSV file is written; numbers of text columns follow `decimal` and `thousands` in Parquet too."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    escape: str = Field(default="", max_length=1)
    encoding: str = Field(default="utf-8", min_length=1, max_length=40)
    decimal: Literal[".", ","] = "."
    thousands: str = Field(default="", max_length=1)


class Columns(Part):
    """Titles of the columns by what they hold; an empty one is not in the file."""

    order_id: Titles = ()
    product: Title
    product_name: str = ""
    category: str = ""
    base_price: str = ""
    unit_cost: str = ""
    seller: str = ""
    warehouse: Title
    city: Title
    quantity: Title
    unit_price: str = ""
    line_value: str = ""
    time: Titles


class Time(Part):
    """`format`: iso, epoch_seconds, epoch_ms, or directives of strptime; `time_zone` is that of times without one."""

    format: str = Field(default="iso", min_length=1, max_length=60)
    time_zone: str = Field(min_length=1, max_length=60)


class Money(Part):
    """Whether amounts are in major or minor units; `round` lets fractions of a minor unit be rounded."""

    unit: Literal["major", "minor"] = "major"
    minor_per_major: int = Field(default=100, ge=1, le=10_000)
    round: bool = False


class Defaults(Part):
    """What stands in for columns that the file does not have."""

    category: Label = "All products"
    unit_cost_share: Share = 0.7


class Sale(Part):
    """Orders outside of ``[starts_at, ends_at)`` are not imported; by default the first and last order bound it."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


class City(Part):
    """A city: position and province are needed unless the gazetteer knows it."""

    name: Label
    aliases: Rows[Name] = Field(default=(), max_length=1000)
    province: str = Field(default="", max_length=60)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


class Warehouse(Part):
    """A warehouse; without a position of its own it stands in the middle of its city."""

    name: Label
    aliases: Rows[Name] = Field(default=(), max_length=1000)
    city: Label
    capacity_units_per_minute: int = Field(ge=1, le=10_000_000)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


class Stock(Part):
    """A file of opening stock, relative to the mapping, and its columns."""

    file: str = Field(min_length=1, max_length=4096)
    product: Title
    warehouse: Title
    on_hand: Title


class Campaign(Part):
    """A campaign as in a scenario, but with products by the file's own names."""

    name: Label
    categories: Rows[Label] = Field(default=(), max_length=100)
    products: Rows[Name] = Field(default=(), max_length=100_000)
    discount_pct: float = Field(ge=0, le=95)
    starts_at_minute: Minute
    duration_minutes: Minutes
    intensity: Rows[Rows[Annotated[int, Field(ge=0, le=100_000)]]] = Field(min_length=1, max_length=1000)


class Mapping(Part):
    """A whole mapping; `text` is the TOML source as read, `folder` where it was."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,14}$")
    file: File = File()
    columns: Columns
    time: Time
    money: Money = Money()
    defaults: Defaults = Defaults()
    sale: Sale = Sale()
    cities: Rows[City] = Field(default=(), max_length=100_000)
    warehouses: Rows[Warehouse] = Field(min_length=1, max_length=500)
    stock: Stock | None = None
    campaigns: Rows[Campaign] = Field(default=(), max_length=100)
    text: str
    folder: Path


def load_mapping(path: Path) -> Mapping:
    """The mapping in `path`; raises MappingError (also for a file that cannot be read)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingError(f"mapping {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"mapping {path}: is not UTF-8 text (byte {error.start})") from error
    return parse_mapping(text, str(path), path.parent)


def parse_mapping(text: str, source: str, folder: Path = Path()) -> Mapping:
    """The mapping that `text` (TOML) describes; `source` names it in MappingError."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingError(f"mapping {source}: is not valid TOML: {error}") from error
    for own in ("text", "folder"):
        if own in data:
            raise MappingError(f"mapping {source}: {own} is not a known key")
    try:
        mapping = Mapping.model_validate({**data, "text": text, "folder": folder})
    except ValidationError as error:
        raise MappingError(f"mapping {source}: {first_problem(Mapping, error)}") from error
    problem = contradiction(mapping)
    if problem:
        raise MappingError(f"mapping {source}: {problem}")
    return mapping
