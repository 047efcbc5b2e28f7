"""Names of products, warehouses and cities; they are input from outside and stay plain text."""

from dataclasses import dataclass
from typing import Any

from flashsale.stores.context import DimensionsView


@dataclass(frozen=True, slots=True)
class Names:
    """Looks names up by id; a thing without a name shows by its kind and number."""

    view: DimensionsView | None

    def product(self, product_id: int) -> str:
        return self._name("product", self.view["products"] if self.view else {}, product_id, "name")

    def warehouse(self, warehouse_id: int) -> str:
        return self._name("warehouse", self.view["warehouses"] if self.view else {}, warehouse_id, "name")

    def city(self, city_id: int) -> str:
        return self._name("city", self.view["cities"] if self.view else {}, city_id, "city")

    @staticmethod
    def _name(kind: str, rows: dict[str, dict[str, Any]], identifier: int, field: str) -> str:
        text = " ".join(str(rows.get(str(identifier), {}).get(field, "")).split())
        return text or f"{kind} {identifier}"
