"""Parameters that training sales tell directly, without a search.

All of it from what a shop sees, save one: `walkaway` needs to know how many went without, which only a
simulation tells; it is taken from training sales alone.
"""

from collections.abc import Iterator, Sequence
from itertools import product as combinations

import numpy as np
import numpy.typing as npt

from evaluation.cases import SALE_START
from evaluation.minute_rollups import MINUTE_MS
from evaluation.recording import Recording
from evaluation.situations import situations
from flashsale.calibration import Calibration
from flashsale.campaigns import CampaignPlan

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_BEFORE_AND_AFTER = 6
_BOOSTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3)
_UNITS = (20.0, 40.0, 60.0, 80.0, 100.0, 125.0, 150.0, 175.0, 200.0, 250.0, 300.0, 400.0, 600.0)
_ROUNDS = 8


def shipment_delay_and_share(recordings: Sequence[Recording]) -> tuple[float, float]:
    """(mean minutes late, part of the announced units that came).

    The mean of an exponential delay of which some are seen no further than the sale's end: time waited
    ÷ arrivals (maximum likelihood with right censoring).
    """
    waited = arrivals = came = announced = 0.0
    for recording in recordings:
        shipments = recording.shipments
        here = shipments.received_ms >= 0
        until = np.where(here, shipments.received_ms / MINUTE_MS, recording.minutes)
        waited += float(np.maximum(until - shipments.due, 0).sum())
        arrivals += float(here.sum())
        came += float(shipments.received_qty[here].sum())
        announced += float(shipments.qty[here].sum())
    return (waited / arrivals if arrivals else 0.0), (came / announced if announced else 1.0)


def discount_elasticity(recordings: Sequence[Recording]) -> float:
    """Slope of the change of demand, relative to plan and to the products without a change, over that of −ln(price).

    Minutes before and after each moment in which a campaign of some products starts or ends; least squares
    through 0; 0 where no discount ever changed.
    """
    points = [point for recording in recordings for point in _discount_changes(recording)]
    if not points:
        return 0.0
    price, demand, weight = np.array(points).T
    slope = float((weight * price * demand).sum() / (weight * price**2).sum())
    return max(slope, 0.0)


def _discount_changes(recording: Recording) -> Iterator[tuple[float, float, float]]:
    """(change of −ln(price), change of ln(demand ÷ plan) against others, weight) of each change."""
    products = len(recording.categories)
    plan = CampaignPlan(recording.campaigns, SALE_START, range(1, products + 1), recording.categories)
    planned, discount = (np.array(part) for part in zip(*map(plan.at, range(recording.minutes)), strict=True))
    in_stock = np.maximum(recording.in_stock_ms, 0) / MINUTE_MS
    log_price = -np.log1p(-discount)[:, recording.product]
    for minute in range(_BEFORE_AND_AFTER, recording.minutes - _BEFORE_AND_AFTER):
        change = log_price[minute] - log_price[minute - 1]
        if not change.any() or not (change == 0).any():
            continue
        spans = slice(minute - _BEFORE_AND_AFTER, minute), slice(minute, minute + _BEFORE_AND_AFTER)
        always = np.all([in_stock[span].min(axis=0) >= 1 for span in spans], axis=0)
        for value in np.unique(change[change != 0]):
            groups = [always & (change == value), always & (change == 0)]
            rates = [
                [
                    recording.units[span][:, group].sum() / max(planned[span][:, recording.product[group]].sum(), 1e-9)
                    for span in spans
                ]
                for group in groups
            ]
            if min(min(pair) for pair in rates) > 0:
                mine, others = (np.log(after / before) for before, after in rates)
                yield float(value), float(mine - others), 1.0


def appeal(recordings: Sequence[Recording]) -> tuple[float, float]:
    """(boost, units) of the appeal of the last units: the grid's most likely ones.

    Units of a product in a minute, while all of its warehouses have it, are taken for Poisson about (its share) ×
    (its category's demand of the minute) × (1 + boost · exp(−left ÷ units)), `left` as it stood before the minute;
    share and demand are found by iterative proportional fitting (Deming & Stephan 1940).
    """
    tables = [_product_minutes(recording) for recording in recordings]
    best, found = -np.inf, (0.0, _UNITS[0])
    for boost, units in combinations(_BOOSTS, _UNITS):
        likelihood = sum(_likelihood(*table, boost, units) for table in tables)
        if likelihood > best + 1e-9:
            best, found = likelihood, (boost, units)
    return found


def _product_minutes(recording: Recording) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """(units sold, units left before, category as 0 or 1 (G, P), whether all had stock), (M, P) each."""
    products, shape = len(recording.categories), (recording.minutes, len(recording.categories))
    sold, left, full = np.zeros(shape), np.zeros(shape), np.ones(shape, dtype=np.bool_)
    before = np.vstack([recording.available[:1], recording.available[:-1]])
    for pair, product in enumerate(recording.product.tolist()):
        sold[:, product] += recording.units[:, pair]
        left[:, product] += np.maximum(before[:, pair], 0)
        full[:, product] &= recording.in_stock_ms[:, pair] >= MINUTE_MS
    names = sorted(set(recording.categories))
    category = np.array([[name == own for own in recording.categories] for name in names], dtype=np.float64)
    full[0] = False
    return sold, left, category.reshape(len(names), products), full


def _likelihood(
    sold: FloatArray, left: FloatArray, category: FloatArray, full: BoolArray, boost: float, units: float
) -> float:
    multiplier = np.where(full, 1 + boost * np.exp(-left / units), 0.0)
    seen = np.where(full, sold, 0.0)
    share = np.ones(sold.shape[1])
    for _ in range(_ROUNDS):
        by_category = _over((seen @ category.T), (multiplier * share) @ category.T)
        demand = by_category @ category
        share = _over(seen.sum(axis=0), (multiplier * demand).sum(axis=0))
    expected = multiplier * demand * share
    some = expected > 0
    return float((seen[some] * np.log(expected[some]) - expected[some]).sum())


def _over(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)


def walkaway(recordings: Sequence[Recording], calibration: Calibration) -> float:
    """Units lost ÷ units expected at shelves that are empty for a whole minute while another warehouse has some."""
    lost = expected = 0.0
    for recording in recordings:
        for one in situations(recording, calibration):
            shelves = one.shelves
            gone = (shelves.available == 0) & (shelves.siblings > 0) & (recording.in_stock_ms[one.now] == 0)
            lost += float(recording.lost[one.now][gone].sum())
            expected += float((one.demand.rate() * one.plan.planned(1.0, shelves.plan))[gone].sum())
    return min(lost / expected, 1.0) if expected > 0 else 1.0
