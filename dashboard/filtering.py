"""What the filters offer, what they leave of a minute, and how that is said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.address import FilterField, Filters
from flashsale.snapshot import ActionRow, Actions
from flashsale.stores.context import DimensionsView

FIELD_LABELS: dict[FilterField, str] = {"category": "Category", "province": "Province", "warehouse": "Warehouse"}
_NAMED = 3
"""Chosen values of a field that are named before the rest is counted."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where rows belong: category by product, province by warehouse and by city; `warehouses` are names by id.

    `categories` knows the products that are shown, `all_categories` are the sale's.
    """

    categories: Mapping[int, str]
    all_categories: Collection[str]
    warehouse_provinces: Mapping[int, str]
    city_provinces: Mapping[int, str]
    warehouses: Mapping[int, str]

    @classmethod
    def of(cls, view: DimensionsView | None) -> "Places":
        """The places of a sale's dimensions; none before they are seeded."""
        if view is None:
            return cls({}, (), {}, {}, {})
        cities = {int(i): _text(row, "province") for i, row in view["cities"].items()}
        return cls(
            {int(i): _text(row, "category") for i, row in view["products"].items()},
            [_one_line(name) for name in view["categories"]],
            {int(i): cities.get(row["city_id"], "") for i, row in view["warehouses"].items()},
            cities,
            {int(i): _text(row, "name") or f"warehouse {i}" for i, row in view["warehouses"].items()},
        )

    def options(self) -> dict[FilterField, dict[str, str]]:
        """What can be chosen by field: value in the address -> text on screen, in order of the text."""
        found: dict[FilterField, dict[str, str]] = {
            "category": {name: name for name in self.all_categories if name},
            "province": {name: name for name in set(self.city_provinces.values()) if name},
            "warehouse": {str(i): name for i, name in self.warehouses.items()},
        }
        return {name: dict(sorted(values.items(), key=lambda item: item[1])) for name, values in found.items()}


def in_force(filters: Filters, options: Mapping[FilterField, Mapping[str, str]]) -> Filters:
    """The chosen values that this sale knows; an address may come from another sale."""

    def known(name: FilterField) -> tuple[str, ...]:
        return tuple(value for value in filters.values(name) if value in options[name])

    return Filters(known("category"), known("province"), known("warehouse"))


def filtered_actions(actions: Actions, filters: Filters, places: Places) -> Actions:
    """The rows of the chosen categories whose stock lies in the chosen provinces and warehouses, and their number."""
    if not filters:
        return actions
    rows = [row for row in actions["rows"] if _wanted(row, filters, places)]
    return {**actions, "total": len(rows), "rows": rows}


def wanted_warehouse(warehouse_id: int, filters: Filters, places: Places) -> bool:
    """Whether the filters leave a warehouse, by itself and by its province."""
    return _among(str(warehouse_id), filters.warehouse) and _among(
        places.warehouse_provinces.get(warehouse_id, ""), filters.province
    )


def wanted_city(city_id: int, filters: Filters, places: Places) -> bool:
    """Whether the filters leave a city, by its province."""
    return _among(places.city_provinces.get(city_id, ""), filters.province)


def said(filters: Filters, options: Mapping[FilterField, Mapping[str, str]]) -> str:
    """The filters in words: ``Sindh · Phones, Fashion``; empty when none is in force."""
    return " · ".join(
        _listed([options[name][value] for value in filters.values(name)])
        for name in FIELD_LABELS
        if filters.values(name)
    )


def rows_left(left: int, actions: Actions) -> str:
    """``4 of 27 rows``; of a longer list only the published ones are looked through."""
    published, total = len(actions["rows"]), max(actions["total"], len(actions["rows"]))
    of = f"{total:,} rows" if published == total else f"the {published:,} most urgent of {total:,} rows"
    return f"{left:,} of {of}"


def _wanted(row: ActionRow, filters: Filters, places: Places) -> bool:
    category = places.categories.get(row["product_id"], "")
    return _among(category, filters.category) and wanted_warehouse(row["warehouse_id"], filters, places)


def _among(value: str, chosen: tuple[str, ...]) -> bool:
    return not chosen or value in chosen


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _text(row: Mapping[str, Any], name: str) -> str:
    return _one_line(str(row.get(name, "")))


def _one_line(text: str) -> str:
    return " ".join(text.split())
