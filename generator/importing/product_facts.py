"""What the rows say about their products besides the order: name, category, base price, cost."""

import numpy as np
import numpy.typing as npt

from generator.importing.cells import EMPTY

IntArray = npt.NDArray[np.int64]

ROLES = ("product_name", "category", "base_price", "unit_cost")


class ProductFacts:
    """For each role the mapping names: product code -> the number of the first row that has one."""

    def __init__(self) -> None:
        self.by_role: dict[str, dict[int, int]] = {}

    def note(self, columns: dict[str, IntArray]) -> None:
        """Learn from rows: `columns` holds their products and, by role, what they say."""
        for role in ROLES:
            if role not in columns:
                continue
            known = self.by_role.setdefault(role, {})
            told = columns[role] != EMPTY
            products, first = np.unique(columns["product"][told], return_index=True)
            numbers = columns[role][told][first]
            for product, number in zip(products.tolist(), numbers.tolist(), strict=True):
                known.setdefault(product, number)

    def of(self, role: str, product: int) -> int | None:
        return self.by_role.get(role, {}).get(product)
