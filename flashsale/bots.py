"""Which orders of a minute machines made: one product again and again, with one seller or city and one quantity,
at intervals far more even than chance.

People come at random.  The m gaps between Poisson arrivals, as shares of their sum, are a uniform point of the
standard simplex (Pyke 1965, "Spacings", J. R. Stat. Soc. B 27), and their coefficient of variation is about 1.  The
points whose coefficient is at most c are a ball around the centre, of radius c ÷ √m; its volume over the simplex's,
√m ÷ (m − 1)!, bounds the chance from above, for every m.  Time of day, a burst or a clock of whole seconds make gaps
less even, never more, so that a crowd is not taken for a machine.
"""

from dataclasses import dataclass
from math import lgamma, log, pi

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BotRules:
    """When a group of orders, equal in product, quantity and seller, city or both, is a machine's.

    `least_orders`: so many in the minute; `least_lift`: times as many as the rest of the product's orders lead one to
    expect; `false_alarm`: probability that the gaps of people's orders are called even, for each group looked at.
    """

    least_orders: int = 20
    least_lift: float = 4.0
    false_alarm: float = 1e-6


RULES = BotRules()


@dataclass(frozen=True, slots=True)
class MinuteOrders:
    """N orders of one minute in any order, each column (N,); `moment_ms` counts from any moment."""

    product: Ints
    seller: Ints
    city: Ints
    qty: Ints
    moment_ms: Ints


_PATTERNS = (("seller", "city", "qty"), ("seller", "qty"), ("city", "qty"))
"""What a machine's orders share besides the product; each is looked for among what the ones before it left."""


def bot_like(orders: MinuteOrders, rules: BotRules = RULES) -> Mask:
    """Which orders machines made, (N,).

    A group is taken as a whole: the few people who wanted the same are at most 1 ÷ `least_lift` of it.
    """
    machines: Mask = np.zeros(len(orders.product), np.bool_)
    for pattern in _PATTERNS:
        left = np.flatnonzero(~machines)
        columns = [getattr(orders, name)[left] for name in pattern]
        machines[left] = _in_pattern(orders.product[left], columns, orders.moment_ms[left], rules)
    return machines


def log_chance(total: npt.ArrayLike, squares: npt.ArrayLike, gaps: int) -> Floats:
    """Logarithm of a bound on the probability that Poisson arrivals come at least as evenly; 0 says nothing.

    `total` and `squares` are the sum of the `gaps` gaps and of their squares, of one stretch or many.
    """
    total, squares = np.asarray(total, np.float64), np.asarray(squares, np.float64)
    # Greenwood's statistic (1946) less its least value: the squared distance from the centre.
    distance = squares / np.maximum(total, 1) ** 2 - 1 / gaps
    half = (gaps - 1) / 2
    # Gaps without any scatter are as certain as the clock's millisecond lets them be.
    ball = half * np.log(pi * np.maximum(distance, 1e-18)) - lgamma(half + 1)
    bound: Floats = np.minimum(0.0, ball + lgamma(gaps) - log(gaps) / 2)
    # Orders of one instant have no gaps to judge.
    return np.where(total > 0, bound, 0.0)


def _in_pattern(product: Ints, columns: list[Ints], moment_ms: Ints, rules: BotRules) -> Mask:
    """Which orders are in a machine's group, groups being those equal in `product` and all `columns`."""
    label = _labels(product, *columns)
    count = np.bincount(label)
    expected = _expected(product, columns, label, count)[label]
    likely = (count[label] >= rules.least_orders) & (count[label] >= rules.least_lift * expected)
    machines: Mask = np.zeros(len(product), np.bool_)
    rows = np.flatnonzero(likely)
    rows = rows[np.lexsort((moment_ms[rows], label[rows]))]
    for group in np.split(rows, np.flatnonzero(np.diff(label[rows])) + 1):
        moments: Indices = moment_ms[group].astype(np.int64)
        machines[group] = _even(moments[1:] - moments[:-1], rules)
    return machines


def _labels(*columns: Ints) -> Indices:
    """Group number of each row, from 0, for groups equal in all `columns`."""
    label: Indices = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, index = np.unique(column, return_inverse=True)
        label = np.unique(label * len(values) + index, return_inverse=True)[1]
    return label


def _expected(product: Ints, columns: list[Ints], label: Indices, count: Indices) -> Floats:
    """Orders expected in each group if in the product's other orders the columns were independent.

    One more of everything than was seen, so that what nobody else bought is not impossible.
    """
    member = np.empty(len(count), np.int64)
    member[label] = np.arange(len(label))
    of_product = _labels(product)
    others = np.bincount(of_product)[of_product[member]] - count
    expected: Floats = others + np.float64(1)
    for column in columns:
        same = _labels(product, column)
        expected = expected * (np.bincount(same)[same[member]] - count + 1) / (others + 1)
    return expected


def _even(gaps: Indices, rules: BotRules) -> bool:
    """Whether the gaps are even all along, or for half of the orders, a quarter and so on, anywhere.

    Stretches, because a machine goes on in vain once the stock has run out, and begins between people's orders.
    """
    sums = np.append(0, np.cumsum(gaps))
    squares = np.append(0, np.cumsum(gaps * gaps))
    least, stretches = 0.0, 0
    length = len(gaps)
    while length >= max(2, rules.least_orders - 1):
        chance = log_chance(sums[length:] - sums[:-length], squares[length:] - squares[:-length], length)
        least, stretches = min(least, float(chance.min())), stretches + len(chance)
        length //= 2
    return least < log(rules.false_alarm / max(1, stretches))
