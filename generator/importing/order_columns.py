"""The columns of an order file, each with what makes a number of its cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flashsale.minutes import epoch_ms, iso
from generator.importing.bad_cells import bad, is_empty
from generator.importing.cells import NumberColumn
from generator.importing.mapping import Mapping
from generator.importing.names import Vocabulary, known_reader
from generator.importing.numbers import MAX_QUANTITY, amount_reader, number_reader, whole_reader
from generator.importing.places import city_names, warehouse_names
from generator.importing.times import TimeReader, time_reader

_PRODUCT_TITLES = ("product_name", "category", "base_price", "unit_cost")


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """Names met in the file, by code."""

    products: Vocabulary
    sellers: Vocabulary
    cities: Vocabulary
    product_names: Vocabulary
    categories: Vocabulary


class OrderColumnReaders:
    """`numbers`: one reader for each mapped column, by role: those a row must have, then those of its product.

    Times outside of the mapping's sale, or at or after `until_ms` (epoch ms; None: no limit), are bad.
    """

    def __init__(self, mapping: Mapping, until_ms: int | None) -> None:
        columns = mapping.columns
        numbers = number_reader(mapping.file)
        amount = amount_reader(numbers, mapping.money)
        rounded = amount_reader(numbers, mapping.money.model_copy(update={"round": True}))
        words = Vocabularies(*(Vocabulary() for _ in range(5)))
        self.words = words
        known_cities = city_names(mapping)
        codes = {folded: words.cities.code(city) for folded, city in known_cities.items()}
        warehouses = known_reader(warehouse_names(mapping), "is not in [[warehouses]] of the mapping")
        cities = known_reader(codes, "is not in the gazetteer; add it to [[cities]] of the mapping")
        time = _within_sale(time_reader(mapping.time, numbers), mapping, until_ms)

        self.amount_role = "unit_price" if columns.unit_price else "line_value"
        self.needed = [
            NumberColumn("product", columns.product, words.products.code),
            NumberColumn("warehouse", columns.warehouse, warehouses),
            NumberColumn("city", columns.city, cities),
            NumberColumn("quantity", columns.quantity, whole_reader(numbers, 1, MAX_QUANTITY)),
            NumberColumn(self.amount_role, columns.unit_price or columns.line_value, amount),
            NumberColumn("time", joined_title(columns.time), time),
        ]
        if columns.seller:
            self.needed.append(NumberColumn("seller", columns.seller, words.sellers.code, optional=True))
        readers: dict[str, Callable[[Any], int]] = {
            "product_name": words.product_names.code,
            "category": words.categories.code,
            "base_price": rounded,
            "unit_cost": rounded,
        }
        self.needed += [
            NumberColumn(role, getattr(columns, role), readers[role], optional=True)
            for role in _PRODUCT_TITLES
            if getattr(columns, role)
        ]

    def column(self, role: str) -> NumberColumn:
        return next(column for column in self.needed if column.role == role)


def wanted_titles(mapping: Mapping) -> dict[str, str]:
    """Title -> key of the mapping, of all columns the file must have."""
    titles: dict[str, str] = {}
    for key, value in mapping.columns.model_dump().items():
        for title in (value,) if isinstance(value, str) else value:
            if title:
                titles.setdefault(title, f"columns.{key}")
    return titles


def joined_title(titles: Sequence[str]) -> str:
    return " + ".join(titles)


def joined_cells(columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """One column as it is; several as texts with a blank between, None where one of them is empty."""
    if len(columns) == 1:
        return columns[0]
    return [
        None if any(map(is_empty, cells)) else " ".join(str(cell).strip() for cell in cells)
        for cells in zip(*columns, strict=True)
    ]


def sale_bounds_ms(mapping: Mapping) -> tuple[int | None, int | None]:
    """The mapping's [start, end) of the sale in epoch ms, None where it leaves it to the orders."""
    zone = ZoneInfo(mapping.time.time_zone)

    def ms(moment: datetime | None) -> int | None:
        if moment is None:
            return None
        return epoch_ms((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC))

    return ms(mapping.sale.starts_at), ms(mapping.sale.ends_at)


def _within_sale(read: TimeReader, mapping: Mapping, until_ms: int | None) -> TimeReader:
    start, end = sale_bounds_ms(mapping)

    def within(cell: Any) -> int:
        ms = read(cell)
        if start is not None and ms < start:
            raise bad("outside", cell, f"lies before `starts_at` in [sale], {_text(start)}")
        if end is not None and ms >= end:
            raise bad("outside", cell, f"does not lie before `ends_at` in [sale], {_text(end)}")
        if until_ms is not None and ms >= until_ms:
            raise bad("future", cell, "lies in the future; `--speed 1` replays orders from now on")
        return ms

    return within


def _text(ms: int) -> str:
    return iso(datetime.fromtimestamp(ms / 1000, UTC))
