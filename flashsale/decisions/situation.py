"""What is known when decisions are made: every (product, warehouse) with stock or demand, as arrays.

N pairs, W warehouses, G groups of pairs that share a plan; minutes count from now.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.demand.posterior import DemandPosterior, FloatArray

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True, slots=True)
class Inbound:
    """Shipments on their way, (J,): `pair` is an index into the situation's pairs, `qty` in units."""

    pair: IntArray
    minute: FloatArray
    qty: FloatArray


@dataclass(frozen=True, slots=True)
class Warehouses:
    """(W,): positions in degrees, `load` is the share of capacity in use."""

    warehouse_id: IntArray
    latitude: FloatArray
    longitude: FloatArray
    load: FloatArray
    name: tuple[str, ...]

    def rows(self, warehouse_id: IntArray) -> IntArray:
        """Row of each id; every id must be in the table, in any order (KeyError names one that is not)."""
        order = np.argsort(self.warehouse_id)
        place = np.minimum(np.searchsorted(self.warehouse_id, warehouse_id, sorter=order), len(order) - 1)
        rows: IntArray = order[place]
        wrong = self.warehouse_id[rows] != warehouse_id
        if wrong.any():
            raise KeyError(f"warehouse {warehouse_id[wrong][0]} is not in warehouses_dim")
        return rows

    def distance_km(self) -> FloatArray:
        """Great-circle distances (haversine), (W, W)."""
        latitude, longitude = np.radians(self.latitude), np.radians(self.longitude)
        half = np.sin((latitude[:, None] - latitude) / 2) ** 2
        half = half + np.cos(latitude[:, None]) * np.cos(latitude) * np.sin((longitude[:, None] - longitude) / 2) ** 2
        distance: FloatArray = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
        return distance


@dataclass(frozen=True, slots=True)
class Situation:
    """All pairs of the sale with stock or demand, (N,).

    `available` is -1 where it is unknown; `planned[k, g]` are the planned-intensity minutes of the next k
    minutes, up to the sale's end, of group g, (M + 1, G), M = 0 when it is over; money per unit in minor units.
    `eta_minutes` and `p15` are those of the pair's row, for the wording alone: NaN where it has none.
    """

    product_id: IntArray
    warehouse_id: IntArray
    status: npt.NDArray[np.str_]
    available: IntArray
    posterior: DemandPosterior
    planned: FloatArray
    group: IntArray
    unit_value: FloatArray
    unit_cost: FloatArray
    eta_minutes: FloatArray
    p15: FloatArray
    inbound: Inbound
    warehouses: Warehouses

    def planned_within(self, pairs: IntArray, minute: FloatArray) -> FloatArray:
        """Planned minutes ahead of `pairs` up to `minute` (of the same or a broadcast shape), linear within a minute.

        Beyond the table nothing more is planned.
        """
        last = len(self.planned) - 1
        if last == 0:
            return np.zeros(np.broadcast_shapes(pairs.shape, minute.shape))
        minute = np.clip(minute, 0, last)
        whole = np.minimum(minute.astype(np.int64), last - 1)
        group = self.group[pairs]
        low, high = self.planned[whole, group], self.planned[whole + 1, group]
        within: FloatArray = low + (high - low) * (minute - whole)
        return within
