"""One minute of the forecast, from what was observed to what is stated: what the engine and the backtest share.

N pairs (product, warehouse).  Units that machines bought are left out of `Observed` by the caller: they
tell nothing about what people will want.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.calibration import Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import PlanAhead, SalePlan
from flashsale.demand.posterior import DemandPosterior
from flashsale.demand.state import DemandState, MinuteDemand, Places, posterior
from flashsale.forecast import Forecast, Shelves, forecast
from flashsale.running_out import SHORT_MINUTES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SURGE_LEVEL = 0.001
MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Observed:
    """Sums of one minute: units, squared quantities, orders (N,); `in_stock_ms`: time of it with stock, −1 unknown.

    `open_ms`: time of it since the sale began, less than a minute in the first one.
    """

    units: IntArray
    squares: IntArray
    orders: IntArray
    in_stock_ms: IntArray
    open_ms: int = MS_PER_MINUTE

    def demand(self, intensity: FloatArray) -> MinuteDemand:
        """As demand is remembered: unknown stock counts as stock, and orders prove some."""
        return MinuteDemand(
            self.units.astype(np.float64),
            self.squares.astype(np.float64),
            self.orders.astype(np.float64),
            intensity * self.in_stock_share(),
        )

    def in_stock_share(self) -> FloatArray:
        """Share of the time since the sale began with stock, (N,)."""
        # Clocks differ: what was sold in a minute without stock by the records was there all the same.
        unknown = (self.in_stock_ms < 0) | ((self.in_stock_ms == 0) & (self.orders > 0))
        share: FloatArray = np.where(unknown, 1.0, np.minimum(self.in_stock_ms / self.open_ms, 1.0))
        return share


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known after a minute: `state` to carry on, and the forecast with what it was made of.

    `latent` (N,): units per minute that people want at the minute's planned intensity, 0 for a pair that never
    sold anything; `lost` (N,): milli-units wanted in the minute and not there; `surge` (N,): demand of the last
    two minutes was improbable.
    """

    state: DemandState
    demand: DemandPosterior
    shelves: Shelves
    arrivals: Arrivals
    plan: PlanAhead
    forecast: Forecast
    latent: FloatArray
    lost: IntArray
    surge: BoolArray


def look_ahead(
    before: DemandState,
    minutes: tuple[Observed, ...],
    available: IntArray,
    places: Places,
    plan: SalePlan,
    minute: float,
    arrivals: Arrivals,
    calibration: Calibration,
    short_minutes: int = SHORT_MINUTES,
) -> Outlook:
    """The outlook at the end of the clock's minute that began `minute` minutes after the sale's start.

    A sale may start within a minute of the clock; its first one then began before it.  `before`: state a minute
    earlier; `minutes`: the one or two minutes up to now, this one last; `available` (N,) units, −1 unknown.
    """
    group = plan.group[places.product]
    intensity = plan.at(minute)[group]
    now = minutes[-1].demand(intensity)
    state = before.after(now, calibration.forgetting)
    demand = posterior(state, places, calibration)
    siblings = np.bincount(places.product, weights=np.maximum(available, 0)).astype(np.int64)[places.product]
    shelves = Shelves(available, siblings, group)
    ahead = plan.ahead(minute + 1)
    latent = np.where(state.units > 0, demand.rate() * intensity, 0.0)
    surge = np.zeros(len(available), dtype=np.bool_)
    if len(minutes) > 1:
        earlier = minutes[-2].demand(plan.at(minute - 1)[group])
        surge = surging(before.a_minute_ago(), (earlier, now), places, calibration)
    return Outlook(
        state=state,
        demand=demand,
        shelves=shelves,
        arrivals=arrivals,
        plan=ahead,
        forecast=forecast(shelves, demand, ahead, arrivals, calibration, short_minutes),
        latent=latent,
        lost=lost_milliunits(latent, minutes[-1].in_stock_share(), shelves, calibration),
        surge=surge,
    )


def lost_milliunits(
    latent: FloatArray, in_stock_share: FloatArray, shelves: Shelves, calibration: Calibration
) -> IntArray:
    """Milli-units wanted in a minute and not there, (N,): `latent` units × the share of it without stock.

    While another warehouse has the product only a part of the customers is lost (`Calibration.walkaway`).
    """
    elsewhere = shelves.siblings > np.maximum(shelves.available, 0)
    missed = latent * (1 - in_stock_share) * np.where(elsewhere, calibration.walkaway, 1.0)
    return np.rint(missed * 1000).astype(np.int64)


def surging(
    before: DemandState, minutes: tuple[MinuteDemand, MinuteDemand], places: Places, calibration: Calibration
) -> BoolArray:
    """Pairs whose last two minutes were improbable (< `SURGE_LEVEL`) under the forecast of two minutes ago, (N,).

    A tail of the predictive distribution of orders (a predictive p-value, Box 1980), one-sided: only more than
    expected.  Orders and not units, whose scaled count has too light a tail for a bound as small as this.
    Needs a forecast of the pair itself: one that had sold nothing before cannot surge.
    """
    expected = posterior(before, places, calibration)
    orders, exposure = minutes[0].orders + minutes[1].orders, minutes[0].exposure + minutes[1].exposure
    improbable = expected.orders_at_least(orders, exposure, 2.0) < SURGE_LEVEL
    surge: BoolArray = improbable & (before.units > 0) & (exposure > 0)
    return surge
