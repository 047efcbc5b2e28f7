"""What the page shows of a whole warehouse when it is asked: its minutes, its SKUs, what comes, what to do."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flashsale.alerts.history import alert_history
from flashsale.alerts.life import Alert, Pair
from flashsale.demand.inbound import Arrivals
from flashsale.drill_down import (
    FanPoint,
    InboundRow,
    WarehouseDetails,
    WarehouseEvent,
    WarehouseProduct,
    warehouse_field,
)
from flashsale.running_out import run_out_together
from flashsale.snapshot import ActionRow, Status, WarehouseRow
from spark_jobs.minute_pass import MinutePass
from spark_jobs.pair_columns import Ints, int_column, warehouse_of
from spark_jobs.rollups import MinuteRollup

SHOWN_PRODUCTS, SHOWN_EVENTS = 10, 12
INBOUND_STEP, INBOUND_UNTIL = 5, 60
"""Minutes."""
_HORIZONS = {5: "p5", 15: "p15", 30: "p30"}


def warehouse_details(
    warehouses: Sequence[WarehouseRow],
    actions: Sequence[ActionRow],
    alerts: Mapping[Pair, Alert],
    result: MinutePass,
    window: Sequence[MinuteRollup],
    minutes: int,
) -> dict[str, WarehouseDetails]:
    """The drill-down of each of `warehouses`, by its field of the details hash.

    `actions`: all rows of the table, most urgent first; `alerts`: those that are shown; `window`: rollups, the
    oldest first, of which the last `minutes` are shown.
    """
    shelves = _Shelves(result.products)
    own: dict[int, list[ActionRow]] = {row["warehouse_id"]: [] for row in warehouses}
    for action in actions:
        own.setdefault(action["warehouse_id"], []).append(action)
    elsewhere = shelves.units_of({row["product_id"] for rows in own.values() for row in rows[:SHOWN_PRODUCTS]})
    units, history = _units(window, minutes), _history(alerts)
    inbound = _inbound(result.outlook.arrivals, result.pairs)
    details: dict[str, WarehouseDetails] = {}
    for row in warehouses:
        warehouse, rows = row["warehouse_id"], own[row["warehouse_id"]]
        mine = shelves.warehouse_id == warehouse
        details[warehouse_field(warehouse)] = {
            "units": units.get(warehouse, [0] * minutes),
            "capacity_units_per_minute": row["capacity_units_per_minute"],
            "load": row["load"],
            "mean_fulfillment_delay": row["mean_fulfillment_delay"],
            "overloaded": row["overloaded"],
            "available": int(shelves.available[mine].sum()),
            "statuses": shelves.statuses(mine),
            "fan": shelves.run_out(mine),
            "inbound": inbound.get(warehouse, []),
            "open_rows": len(rows),
            "products": [_product(action, elsewhere) for action in rows[:SHOWN_PRODUCTS]],
            "history": history.get(warehouse, [])[:SHOWN_EVENTS],
        }
    return details


class _Shelves:
    """Columns of the `products` table, (N,): what is on the shelves, and the chance that it runs out."""

    def __init__(self, products: pa.Table) -> None:
        self.warehouse_id = int_column(products, "warehouse_id")
        self.available = np.maximum(int_column(products, "available"), 0)
        self._product_id = int_column(products, "product_id")
        self._status = np.array(products["status"].to_pylist())
        self._chances = {minute: products[name].to_numpy().astype(np.float64) for minute, name in _HORIZONS.items()}

    def units_of(self, products: set[int]) -> dict[int, int]:
        """Units of each of `products` in all warehouses together."""
        ids = np.array(sorted(products), np.int64)
        at = np.isin(self._product_id, ids)
        sums = np.bincount(np.searchsorted(ids, self._product_id[at]), self.available[at], len(ids))
        return dict(zip(ids.tolist(), sums.astype(np.int64).tolist(), strict=True))

    def statuses(self, mine: NDArray[np.bool_]) -> dict[Status, int]:
        names, counts = np.unique(self._status[mine], return_counts=True)
        return {cast(Status, str(name)): int(count) for name, count in zip(names, counts, strict=True)}

    def run_out(self, mine: NDArray[np.bool_]) -> list[FanPoint]:
        """How many of these have run out, now and by each horizon."""
        empty = (self._status == "sold_out") & mine
        out = int(empty.sum())
        points: list[FanPoint] = [{"minute": 0, "low": out, "middle": out, "high": out}]
        for minute, chance in self._chances.items():
            low, middle, high = run_out_together(chance[mine & ~empty])
            points.append({"minute": minute, "low": out + low, "middle": out + middle, "high": out + high})
        return points


def _product(row: ActionRow, units: Mapping[int, int]) -> WarehouseProduct:
    return {
        "product_id": row["product_id"],
        "status": row["status"],
        "available": row["available"],
        "elsewhere": units.get(row["product_id"], 0) - (row["available"] or 0),
        "action": row["action"],
        "qty": row["qty"],
        "from_warehouse_id": row["from_warehouse_id"],
        "value_saved": row["value_saved"],
    }


def _units(window: Sequence[MinuteRollup], minutes: int) -> dict[int, list[int]]:
    """Units sold of each warehouse in each of the last `minutes`, oldest first; 0 before the sale."""
    shown = window[-minutes:]
    found: dict[int, list[int]] = {}
    for place, rollup in enumerate(shown, minutes - len(shown)):
        ids, at = np.unique(rollup.pw.warehouse_id, return_inverse=True)
        sums = np.bincount(at, rollup.pw["units"], len(ids)).astype(np.int64)
        for warehouse, units in zip(ids.tolist(), sums.tolist(), strict=True):
            found.setdefault(warehouse, [0] * minutes)[place] = units
    return found


def _inbound(arrivals: Arrivals, pairs: Ints) -> dict[int, list[InboundRow]]:
    """Units expected by the end of each five minutes of the coming hour, where there are any."""
    soon = arrivals.within(INBOUND_UNTIL)
    warehouse = warehouse_of(pairs[soon.pair])
    step = np.maximum(np.ceil(soon.minutes / INBOUND_STEP), 1).astype(np.int64) * INBOUND_STEP
    found: dict[int, dict[int, float]] = {}
    for place, end, units in zip(warehouse.tolist(), step.tolist(), soon.units.tolist(), strict=True):
        of_place = found.setdefault(place, {})
        of_place[end] = of_place.get(end, 0.0) + units
    return {
        place: [{"expected_in_minutes": float(end), "units": round(units)} for end, units in sorted(steps.items())]
        for place, steps in found.items()
    }


def _history(alerts: Mapping[Pair, Alert]) -> dict[int, list[WarehouseEvent]]:
    """What happened to each warehouse's alerts, the newest first."""
    found: dict[int, list[WarehouseEvent]] = {}
    for (product, warehouse), alert in alerts.items():
        events = [cast(WarehouseEvent, {**event, "product_id": product}) for event in alert_history(alert)]
        found.setdefault(warehouse, []).extend(events)
    for events in found.values():
        events.sort(key=lambda event: event["product_id"])
        events.sort(key=lambda event: event["at"], reverse=True)
    return found
