"""Each pair's demand as the minutes so far tell it: Σ g^k over all of them, and priors from its relatives."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from tests.support.scaled_demand import Demand
from tests.support.told_sale import Pair, Sale, Told

SURGE_LEVEL = 0.001
History = Mapping[int, Mapping[Pair, Told]]
"""By minute of the sale, the pairs that any fact has named by its end."""


@dataclass(frozen=True, slots=True)
class Past:
    """Sums over the minutes so far, the older the lighter."""

    units: float
    squares: float
    orders: float
    exposure: float


def pasts_of(sale: Sale, told: History, last: int) -> dict[Pair, Past]:
    """By pair known in `last` or ever: Σ g^k over the minutes up to it, k minutes before it."""
    pasts: dict[Pair, Past] = {}
    for pair in {pair for minute in told.values() for pair in minute}:
        known = [(sale.calibration.forgetting ** (last - m), m, told[m][pair]) for m in told if pair in told[m]]
        upto = [(weight, m, t) for weight, m, t in known if m <= last]
        pasts[pair] = Past(
            sum(weight * t.units for weight, _, t in upto),
            sum(weight * t.squares for weight, _, t in upto),
            sum(weight * t.orders for weight, _, t in upto),
            sum(weight * sale.intensity(pair[0], m) * t.in_stock for weight, m, t in upto),
        )
    return pasts


def demands_of(sale: Sale, pasts: Mapping[Pair, Past]) -> dict[Pair, Demand]:
    """Each pair's demand: its own past, and a prior from its product, its category and its warehouse."""
    calibration = sale.calibration
    by_product: defaultdict[int, list[Pair]] = defaultdict(list)
    by_category: defaultdict[str, list[Pair]] = defaultdict(list)
    by_warehouse: defaultdict[int, list[Pair]] = defaultdict(list)
    for product, warehouse in pasts:
        by_product[product].append((product, warehouse))
        by_category[sale.category[product]].append((product, warehouse))
        by_warehouse[warehouse].append((product, warehouse))

    def total(pairs: Iterable[Pair], name: str) -> float:
        return float(sum(getattr(pasts[pair], name) for pair in pairs))

    overall = _ratio(total(pasts, "units"), total(pasts, "exposure"))
    strength = calibration.product_strength
    pull = {
        warehouse: (total(pairs, "units") + strength) / (total(pairs, "exposure") * overall + strength)
        for warehouse, pairs in by_warehouse.items()
    }

    def pulled(pairs: Iterable[Pair]) -> float:
        return sum(pasts[pair].exposure * pull[pair[1]] for pair in pairs)

    demands = {}
    for pair, past in pasts.items():
        relatives = by_category[sale.category[pair[0]]]
        prior = (total(relatives, "units") + overall) / (pulled(relatives) + 1)
        mine = by_product[pair[0]]
        rate = (total(mine, "units") + strength) / (pulled(mine) + strength / prior) if prior > 0 else 0.0
        rate *= pull[pair[1]]
        sold, weight = total(relatives, "units"), calibration.quantity_strength
        phi = max(_ratio(total(relatives, "squares"), sold), 1.0)
        mean = max(_ratio(sold, total(relatives, "orders")), 1.0)
        phi = max((past.squares + weight * phi) / (past.units + weight), 1.0)
        mean = max((past.units + weight) / (past.orders + weight / mean), 1.0)
        a = calibration.pair_strength
        orders = a + past.orders
        minutes = mean * a / rate + past.exposure if rate > 0 else inf
        # Two unknowns, the rate of orders and their size, each with its relative variance.
        size = max(phi / mean - 1, 0.0) * past.orders / (past.orders + weight / mean) ** 2
        shape = 1 / (1 / orders + size)
        demands[pair] = Demand(
            shape=shape,
            exposure=shape * phi / (orders / minutes * mean) if minutes < inf else inf,
            phi=phi,
            order_shape=orders,
            order_exposure=minutes,
            order_units=mean,
            drift_limit=calibration.drift_limit,
            drift_half=calibration.drift_half_minutes,
        )
    return demands


def surges_of(sale: Sale, told: History, last: int) -> dict[Pair, bool]:
    """Whether people ordered improbably often in the last two minutes, told what was known before them."""
    if last < 1:
        return dict.fromkeys(told[last], False)
    before = pasts_of(sale, told, last - 2)
    demands = demands_of(sale, before)
    found = {}
    for pair, now in told[last].items():
        minutes = [(now, last), *([(told[last - 1][pair], last - 1)] if pair in told[last - 1] else [])]
        orders = sum(t.orders for t, _ in minutes)
        planned = sum(sale.intensity(pair[0], m) * t.in_stock for t, m in minutes)
        improbable = demands[pair].orders_at_least(orders, planned, 2) < SURGE_LEVEL
        found[pair] = before[pair].units > 0 and planned > 0 and improbable
    return found


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0
