"""What managers see of a simulated sale: the dimensions, the minutes' rollups and the forecast, never the truth.

N stocked pairs (product, warehouse); the same rules as those of the minute engine.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.baselines import stock_over_velocity
from evaluation.cases import SALE_START, Case, scenario_of
from evaluation.minute_rollups import MinuteRollup
from evaluation.replay import AT_RISK_MINUTES, AT_RISK_PROBABILITY
from flashsale.calibration import HORIZONS, Calibration
from flashsale.campaigns import CampaignPlan
from flashsale.decisions.situation import Inbound, Situation, Warehouses
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import SalePlan
from flashsale.demand.state import DemandState, Places
from flashsale.dimensions import draw_dimensions
from flashsale.minutes import MINUTE
from flashsale.outlook import Observed, Outlook, look_ahead

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

WINDOW, LOAD_WINDOW = 15, 5


@dataclass(frozen=True, slots=True)
class Coming:
    """Units on their way, (K,): `pair`, `due` (minute of the sale), `qty`."""

    pair: IntArray
    due: FloatArray
    qty: IntArray

    @classmethod
    def of(cls, rows: Iterable[tuple[int, float, int]]) -> "Coming":
        pair, due, qty = zip(*rows, strict=True) if (rows := list(rows)) else ((), (), ())
        return cls(np.array(pair, dtype=np.int64), np.array(due, dtype=np.float64), np.array(qty, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Seen:
    """The screen at the end of `minute`: the situation that decisions are made about, and S/v's units/min, (N,)."""

    minute: int
    situation: Situation
    velocity: FloatArray


class Screen:
    """Give it every minute's rollup in order."""

    def __init__(self, case: Case, stocked: BoolArray, calibration: Calibration) -> None:
        """`stocked` (P, W): which pairs' stock is reported."""
        scenario = scenario_of(case)
        dimensions = draw_dimensions(scenario, case.seed, SALE_START)
        ids = [one["_id"] for one in dimensions.products]
        categories = [one["category"] for one in dimensions.products]
        self._stocked, self._calibration = stocked, calibration
        self.product, self.warehouse = (np.asarray(index, dtype=np.int64) for index in np.nonzero(stocked))
        self.number: IntArray = np.full(stocked.shape, -1, dtype=np.int64)
        self.number[stocked] = np.arange(len(self.product))
        self._plan = SalePlan(
            dimensions.campaigns,
            SALE_START,
            scenario.duration_minutes,
            ids,
            categories,
            calibration.discount_elasticity,
        )
        self._campaigns = CampaignPlan(dimensions.campaigns, SALE_START, ids, categories)
        category = np.unique(categories, return_inverse=True)[1].astype(np.int64)
        self._places = Places(self.product, self.warehouse, category[self.product])
        self._base_price = np.array([one["base_price"] for one in dimensions.products], dtype=np.float64)
        self.unit_cost: IntArray = np.array([one["unit_cost"] for one in dimensions.products], dtype=np.int64)
        self._capacity = np.array([one["capacity_units_per_minute"] for one in dimensions.warehouses], dtype=np.float64)
        self._warehouse_ids = np.array([one["_id"] for one in dimensions.warehouses], dtype=np.int64)
        self._latitude = np.array([one["latitude"] for one in dimensions.warehouses], dtype=np.float64)
        self._longitude = np.array([one["longitude"] for one in dimensions.warehouses], dtype=np.float64)
        self._names = tuple(str(one["name"]) for one in dimensions.warehouses)
        self.announced = {
            int(one["_id"]): (
                int(self.number[one["product_id"] - 1, one["warehouse_id"] - 1]),
                (one["due_at"] - SALE_START) / MINUTE,
                int(one["qty"]),
            )
            for one in dimensions.shipments
        }
        """Shipment id -> (pair, minute due, units)."""
        self._state = DemandState.nothing(len(self.product))
        self._minutes: deque[Observed] = deque(maxlen=2)
        self._units: deque[IntArray] = deque(maxlen=WINDOW)
        self._value: deque[IntArray] = deque(maxlen=WINDOW)
        self._load: deque[IntArray] = deque(maxlen=LOAD_WINDOW)
        self._first_order: int | None = None

    def see(self, rollup: MinuteRollup, coming: Coming, sent: IntArray) -> Seen:
        """The screen at the end of the rollup's minute; `sent` (N,) are units that vans took since."""
        now = rollup.minute + 1
        units, value = self._people(rollup, "units"), self._people(rollup, "value")
        self._units.append(units)
        self._value.append(value)
        self._load.append(rollup.units.sum(axis=0))
        if self._first_order is None and rollup.orders.any():
            self._first_order = rollup.minute
        squares, orders = self._people(rollup, "squares"), self._people(rollup, "orders")
        self._minutes.append(Observed(units, squares, orders, rollup.in_stock_ms[self._stocked]))
        known = rollup.available[self._stocked]
        available = np.where(known < 0, known, np.maximum(known - sent, 0))
        order = np.argsort(coming.pair, kind="stable")
        coming = Coming(coming.pair[order], coming.due[order] - now, coming.qty[order])
        arrivals = Arrivals.expected(coming.pair, coming.due, coming.qty.astype(np.float64), self._calibration)
        outlook = look_ahead(
            self._state,
            tuple(self._minutes),
            available,
            self._places,
            self._plan,
            rollup.minute,
            arrivals,
            self._calibration,
        )
        self._state = outlook.state
        return self._seen(rollup.minute, available, outlook, coming)

    def _seen(self, minute: int, available: IntArray, outlook: Outlook, coming: Coming) -> Seen:
        sold = np.sum(self._units, axis=0).astype(np.float64)
        velocity = sold / self._elapsed(minute, WINDOW)
        eta = np.where(available == 0, 0.0, stock_over_velocity(available, velocity))
        p15 = outlook.forecast.p[HORIZONS.index(15)]
        wanted = (sold > 0) | (outlook.latent > 0)
        at_risk = (available > 0) & ((eta <= AT_RISK_MINUTES) | (p15 >= AT_RISK_PROBABILITY))
        status = np.select(
            [available < 0, (available == 0) & wanted, available == 0, at_risk],
            ["unknown", "sold_out", "not_stocked", "at_risk"],
            "ok",
        )
        listed = (self._base_price * (1 - self._campaigns.at(minute)[1]))[self.product]
        unit_value = np.divide(np.sum(self._value, axis=0), sold, out=listed.copy(), where=sold > 0)
        load = np.sum(self._load, axis=0) / self._elapsed(minute, LOAD_WINDOW) / self._capacity
        situation = Situation(
            product_id=self.product + 1,
            warehouse_id=self._warehouse_ids[self.warehouse],
            status=status,
            available=available,
            posterior=outlook.demand,
            planned=outlook.plan.cumulative,
            group=outlook.shelves.plan,
            unit_value=unit_value,
            unit_cost=self.unit_cost[self.product].astype(np.float64),
            eta_minutes=np.where(np.isfinite(eta), eta, np.nan),
            p15=p15,
            inbound=Inbound(coming.pair, coming.due, coming.qty.astype(np.float64)),
            warehouses=Warehouses(self._warehouse_ids, self._latitude, self._longitude, load, self._names),
        )
        return Seen(minute, situation, velocity)

    def _elapsed(self, minute: int, window: int) -> int:
        """Whole minutes of the window since the first order, at least one."""
        return 1 if self._first_order is None else max(1, min(window, minute + 1 - self._first_order))

    def _people(self, rollup: MinuteRollup, name: str) -> IntArray:
        people: IntArray = (getattr(rollup, name) - getattr(rollup, f"bot_{name}"))[self._stocked]
        return people
