"""Which warehouses a plan overloads, and when: by the definition of the KPI."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.settings import Settings
from generator.planning.plan import Plan

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overload:
    """Minutes in ``[first, after)`` without a gap in which a warehouse is overloaded; the worst of them."""

    warehouse_id: int
    first: int
    after: int
    peak_load: float
    longest_delay_minutes: float


def warehouse_load(units: FloatArray, capacity: FloatArray, window: int) -> FloatArray:
    """Mean of the last `window` minutes ÷ `capacity` (W,), of `units` (M, W) sold by minute; fewer at the start."""
    total = np.concatenate([np.zeros((1, units.shape[1])), np.cumsum(units, axis=0)])
    end = np.arange(1, len(units) + 1)
    begin = np.maximum(end - window, 0)
    load: FloatArray = (total[end] - total[begin]) / (end - begin)[:, None] / capacity
    return load


def overloads(plan: Plan, settings: Settings) -> list[Overload]:
    """By first minute, then warehouse."""
    capacity = np.array([w.capacity_units_per_minute for w in plan.scenario.warehouses], dtype=np.float64)
    load = warehouse_load(plan.minutes.warehouse_units, capacity, settings.overload_window_minutes)
    delay = plan.minutes.delay
    over = (load >= settings.overload_load) | (delay >= settings.overload_delay_minutes)
    found = [
        Overload(w + 1, first, after, float(load[first:after, w].max()), float(delay[first:after, w].max()))
        for w in range(len(capacity))
        for first, after in _runs(over[:, w])
    ]
    return sorted(found, key=lambda one: (one.first, one.warehouse_id))


def _runs(flags: BoolArray) -> list[tuple[int, int]]:
    """(first, after) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(after)) for first, after in edges.reshape(-1, 2)]
