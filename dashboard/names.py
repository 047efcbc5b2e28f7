"""Names of products, warehouses and cities; they are input from outside and stay plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flashsale.stores.context import DimensionsView, ProductName


@dataclass(frozen=True, slots=True)
class Names:
    """Looks names up by id; a thing without a name shows by its kind and number."""

    view: DimensionsView | None

    def with_products(self, products: Mapping[str, ProductName]) -> "Names":
        """These and the names of more products, by id."""
        return Names({**self.view, "products": {**self.view["products"], **products}}) if self.view else self

    def product(self, product_id: int) -> str:
        return self._name("product", self.view["products"] if self.view else {}, product_id, "name")

    def warehouse(self, warehouse_id: int) -> str:
        return self._name("warehouse", self.view["warehouses"] if self.view else {}, warehouse_id, "name")

    def place(self, warehouse_id: int) -> str:
        """``Karachi Port Qasim``, ``I-9 · Islamabad``: a warehouse and its city, which is not said twice."""
        warehouse, city = self.warehouse(warehouse_id), self._city_of(warehouse_id)
        return warehouse if city is None or city.casefold() in warehouse.casefold() else f"{warehouse} · {city}"

    def _city_of(self, warehouse_id: int) -> str | None:
        row = self.view["warehouses"].get(str(warehouse_id), {}) if self.view else {}
        city_id = row.get("city_id")
        return None if city_id is None else self.city(city_id)

    def city(self, city_id: int) -> str:
        return self._name("city", self.view["cities"] if self.view else {}, city_id, "city")

    @staticmethod
    def _name(kind: str, rows: Mapping[str, Mapping[str, Any]], identifier: int, field: str) -> str:
        text = " ".join(str(rows.get(str(identifier), {}).get(field, "")).split())
        return text or f"{kind} {identifier}"
