"""The forecast of a sale's minutes: rollups and carried state in, `flashsale.outlook` out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from flashsale.calibration import Calibration
from flashsale.demand.plan_ahead import SalePlan
from flashsale.demand.state import Places
from flashsale.minutes import MINUTE
from flashsale.outlook import MS_PER_MINUTE, Observed, Outlook, look_ahead
from flashsale.sale_run import SaleRun
from spark_jobs.carried_state import CarriedState
from spark_jobs.dimensions import SaleDimensions
from spark_jobs.open_shipments import OpenShipments
from spark_jobs.pair_columns import NULL, Ints, PairColumns
from spark_jobs.rollups import MinuteRollup, available

PROBABILITIES = ("p5", "p15", "p30")
QUANTILES = ("eta_p10", "eta_p50", "eta_p90")
P_DECIMALS, MINUTE_DECIMALS = 4, 2
_MILLISECOND = timedelta(milliseconds=1)


class SaleOutlook:
    """What does not change from minute to minute: the plan, and where each product belongs."""

    def __init__(
        self,
        sale: SaleRun,
        dimensions: SaleDimensions,
        shipments: OpenShipments,
        calibration: Calibration,
        short_minutes: int,
    ) -> None:
        """`short_minutes`: how far ahead units short are counted."""
        self._sale_start = sale.sale_start
        # A sale that is stopped keeps its plan: what was foreseen before does not change.
        planned_minutes = -((sale.sale_start - (sale.planned_end or sale.sale_end)) // MINUTE)
        self._shipments = shipments
        self.calibration = calibration
        self._short_minutes = short_minutes
        self._product_ids = np.array([p["_id"] for p in dimensions.products], dtype=np.int64)
        self._warehouse_ids = np.array([w["_id"] for w in dimensions.warehouses], dtype=np.int64)
        names = [p["category"] for p in dimensions.products]
        self._category = np.unique(names, return_inverse=True)[1].astype(np.int64)
        self._plan = SalePlan(
            dimensions.campaigns,
            sale.sale_start,
            planned_minutes,
            self._product_ids.tolist(),
            names,
            calibration.discount_elasticity,
        )

    def digest(self, end: datetime) -> str:
        """What a minute's outlook depends on besides rollups, state and dimensions."""
        return f"{self.calibration.content_id()}:{self._short_minutes}:{self._shipments.digest(end)}"

    def at(self, end: datetime, window: Sequence[MinuteRollup], before: CarriedState) -> Outlook:
        """The outlook at `end`, of the pairs of the last rollup of `window`, in their order."""
        last = window[-1].pw
        minutes = tuple(self._observed(rollup, last.pair) for rollup in window[-2:])
        return look_ahead(
            before.demand(last.pair),
            minutes,
            available(last["on_hand"], last["reserved"]),
            self._places(last),
            self._plan,
            (end - self._sale_start) / MINUTE - 1,
            self._shipments.arrivals(end, last.pair, self.calibration),
            self.calibration,
            self._short_minutes,
        )

    def _observed(self, rollup: MinuteRollup, pairs: Ints) -> Observed:
        def people(name: str, machines: str) -> Ints:
            return rollup.pw.aligned(pairs, name, 0) - rollup.pw.aligned(pairs, machines, 0)

        since_start = (rollup.minute + MINUTE - self._sale_start) // _MILLISECOND
        return Observed(
            people("units", "bot_units"),
            people("units_squared", "bot_units_squared"),
            people("orders", "bot_orders"),
            rollup.pw.aligned(pairs, "in_stock_ms", NULL),
            max(1, min(since_start, MS_PER_MINUTE)),
        )

    def _places(self, pairs: PairColumns) -> Places:
        product = np.searchsorted(self._product_ids, pairs.product_id)
        warehouse = np.searchsorted(self._warehouse_ids, pairs.warehouse_id)
        return Places(product, warehouse, self._category[product])


def outlook_columns(outlook: Outlook) -> dict[str, pa.Array]:
    """Published figures of the outlook, by pair, rounded as they are published; NaN becomes null.

    p5, p15, p30, eta_p10, eta_p50, eta_p90; short_milliunits (null: unknown stock), latent_velocity (null: none),
    lost_now (milli-units), surge.
    """
    stated = outlook.forecast
    columns = {name: _nullable(stated.p[row], P_DECIMALS) for row, name in enumerate(PROBABILITIES)}
    columns |= {name: _nullable(stated.eta[row], MINUTE_DECIMALS) for row, name in enumerate(QUANTILES)}
    unknown = np.isnan(stated.short)
    short = np.rint(np.where(unknown, 0.0, stated.short) * 1000).astype(np.int64)
    return {
        **columns,
        "short_milliunits": pa.array(short, mask=unknown),
        "latent_velocity": pa.array(outlook.latent, mask=outlook.latent <= 0),
        "lost_now": pa.array(outlook.lost),
        "surge": pa.array(outlook.surge),
    }


def _nullable(values: npt.NDArray[np.float64], decimals: int) -> pa.Array:
    return pa.array(np.round(values, decimals), mask=np.isnan(values))
