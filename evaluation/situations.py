"""What is known at the start of each minute of a recorded sale, made as the minute engine makes it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.baselines import WINDOW, Due
from evaluation.cases import SALE_START
from evaluation.minute_rollups import MINUTE_MS
from evaluation.recording import Recording
from flashsale.calibration import Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.demand.plan_ahead import PlanAhead, SalePlan
from flashsale.demand.posterior import DemandPosterior
from flashsale.demand.state import DemandState, Places, posterior
from flashsale.forecast import Shelves
from flashsale.outlook import Observed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is known at the start of minute `now`, of N pairs; `before`: the state a minute earlier,
    `sold_something`: whether a pair ever did."""

    now: int
    before: DemandState
    observed: Observed
    places: Places
    sale_plan: SalePlan
    shelves: Shelves
    demand: DemandPosterior
    sold_something: BoolArray
    plan: PlanAhead
    arrivals: Arrivals
    due: Due
    velocity: FloatArray
    planned_velocity: FloatArray


def situations(recording: Recording, calibration: Calibration, every: int = 1) -> Iterator[Situation]:
    """What is known at the start of each minute but the first, of every `every`-th one."""
    products = len(recording.categories)
    plan = SalePlan(
        recording.campaigns,
        SALE_START,
        recording.minutes,
        range(1, products + 1),
        recording.categories,
        calibration.discount_elasticity,
    )
    places = Places(recording.product, recording.warehouse, recording.category)
    group = plan.group[recording.product]
    exposure = np.zeros((recording.minutes, recording.pairs))
    state = DemandState.nothing(recording.pairs)
    first_order = int(np.argmax(recording.orders.sum(axis=1) > 0))
    for minute in range(recording.minutes - 1):
        observed = _observed(recording, minute)
        sold = observed.demand(plan.at(minute)[group])
        exposure[minute] = sold.exposure
        before, state = state, state.after(sold, calibration.forgetting)
        now = minute + 1
        if now % every:
            continue
        since = max(0, now - WINDOW)
        window = recording.units[since:now].sum(axis=0).astype(np.float64)
        exposed = exposure[since:now].sum(axis=0)
        due = _due(recording, now)
        available = recording.available[minute].astype(np.int64)
        yield Situation(
            now=now,
            before=before,
            observed=observed,
            places=places,
            sale_plan=plan,
            shelves=Shelves(available, _siblings(available, recording.product, products), group),
            demand=posterior(state, places, calibration),
            sold_something=state.units > 0,
            plan=plan.ahead(now),
            arrivals=Arrivals.expected(due.pair, due.minutes, due.qty.astype(np.float64), calibration),
            due=Due(due.pair, np.maximum(due.minutes, 0), due.qty),
            velocity=window / max(1, min(WINDOW, now - first_order)),
            planned_velocity=np.divide(window, exposed, out=np.zeros(len(window)), where=exposed > 0),
        )


def _observed(recording: Recording, minute: int) -> Observed:
    return Observed(
        *(getattr(recording, name)[minute].astype(np.int64) for name in ("units", "squares", "orders", "in_stock_ms"))
    )


def _siblings(available: IntArray, product: IntArray, products: int) -> IntArray:
    left = np.bincount(product, weights=np.maximum(available, 0), minlength=products)
    siblings: IntArray = left[product].astype(np.int64)
    return siblings


def _due(recording: Recording, now: int) -> Due:
    """Shipments not received by minute `now`; overdue ones are due in the past."""
    shipments = recording.shipments
    open_ones = (shipments.received_ms < 0) | (shipments.received_ms >= now * MINUTE_MS)
    return Due(shipments.pair[open_ones], (shipments.due[open_ones] - now).astype(np.float64), shipments.qty[open_ones])
