"""Where: the share of each city's demand that depends on stock about to run out."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.names import Names
from flashsale.snapshot import CityRow, CityWarehouseRow

SHOWN_CITIES = 8
SHOWN_WAREHOUSES = 8


@dataclass(frozen=True, slots=True)
class RiskMap:
    """`shares[i][j]` is the share 0..1 of `cities[i]` served by `warehouses[j]`; None without demand."""

    cities: tuple[str, ...]
    warehouses: tuple[str, ...]
    shares: tuple[tuple[float | None, ...], ...]
    units: tuple[tuple[float, ...], ...]
    city_total: int
    warehouse_total: int

    @property
    def left_out(self) -> str:
        """What does not fit, in words; empty when all is shown."""
        parts = []
        if self.city_total > len(self.cities):
            parts.append(f"{len(self.cities)} of {self.city_total} cities")
        if self.warehouse_total > len(self.warehouses):
            parts.append(f"{len(self.warehouses)} of {self.warehouse_total} warehouses")
        return ", ".join(parts) + ", most at risk first" if parts else ""


def risk_map(cities: Sequence[CityRow], cells: Sequence[CityWarehouseRow], names: Names) -> RiskMap:
    """The cities with the most value at risk per minute and the warehouses with the most demand at risk.

    Ties fall to the greater demand, then to the smaller id, so that rows keep their place.
    """
    by_city = sorted(
        (row for row in cities if row["demand_units"] > 0),
        key=lambda row: (-row["at_risk_value_per_minute"], -row["demand_units"], row["city_id"]),
    )
    at_risk: dict[int, float] = {}
    demand: dict[int, float] = {}
    for cell in cells:
        warehouse = cell["warehouse_id"]
        demand[warehouse] = demand.get(warehouse, 0.0) + cell["demand_units"]
        at_risk[warehouse] = at_risk.get(warehouse, 0.0) + cell["demand_units"] * (cell["at_risk_share"] or 0.0)
    by_warehouse = sorted(demand, key=lambda warehouse: (-at_risk[warehouse], -demand[warehouse], warehouse))

    rows = [row["city_id"] for row in by_city[:SHOWN_CITIES]]
    columns = by_warehouse[:SHOWN_WAREHOUSES]
    found = {(cell["city_id"], cell["warehouse_id"]): cell for cell in cells}
    grid = [[found.get((city, warehouse)) for warehouse in columns] for city in rows]
    return RiskMap(
        cities=tuple(names.city(city) for city in rows),
        warehouses=tuple(names.warehouse(warehouse) for warehouse in columns),
        shares=tuple(tuple(cell["at_risk_share"] if cell else None for cell in line) for line in grid),
        units=tuple(tuple(cell["demand_units"] if cell else 0.0 for cell in line) for line in grid),
        city_total=len(by_city),
        warehouse_total=len(by_warehouse),
    )
