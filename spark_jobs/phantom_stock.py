"""Phantom-stock suspects: pairs whose stock records do not follow from what was sold and received.

For each (product, warehouse) with stock on record, in units at T:

    residual = sold - (opening + received before T - closing)

`closing` is on_hand - reserved and, unlike the stock a page shows, may be below zero: units
promised that no record holds are the trace a phantom leaves when a picker comes in vain.
Records and sales that agree give 0.  A **negative** residual says that units left the records
without being sold: a count or a picker found them missing and they were written off.  A
**positive** one says that more was sold than the records ever had or gave up.

What may explain a residual, so that only the rest, `unexplained`, makes a suspect:

- downwards, receipts that are not booked yet: shipments received before T and after the
  pair's last inventory event;
- upwards, stock that is booked before its shipment is: what is announced, in transit, or
  received at T or later; and orders of the last minute whose inventory event is still to come;
- both ways, facts that were not counted (late, refused, conflicting, in quarantine): nobody knows
  of which pair, so as many as could be of it by chance, see `chance_of_uncounted`.

What facts cannot show: stock that is missing and that nobody has missed yet, for its records agree
among themselves; and missing units that were all sold and then cancelled with the pair's last
departure, for the books end as if they had been shipped.
"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from flashsale.data_quality import PhantomSuspects
from flashsale.minutes import epoch_ms
from spark_jobs.pair_columns import NULL, Ints
from spark_jobs.rollups import MinuteRollup

ROWS = 50
FALSE_ALARM = 0.01
"""Probability that uncounted facts make a suspect of any pair at all."""
_ORDER_SIZE = 2.0
"""E[q²] ÷ E[q] taken for a minute without orders to measure it by."""


@dataclass(frozen=True)
class Shipments:
    """N inbound shipments that were not cancelled, in any order.

    `pair` as `pair_columns.pair_key` makes it; `units` received, or announced while
    `received_ms` (epoch ms) is NULL.
    """

    pair: Ints
    units: Ints
    received_ms: Ints

    def received_before(self, end: datetime) -> NDArray[np.bool_]:
        """Which were received before `end`, (N,)."""
        before: NDArray[np.bool_] = (self.received_ms != NULL) & (self.received_ms < epoch_ms(end))
        return before


def phantom_suspects(
    last: MinuteRollup, shipments: Shipments, end: datetime, uncounted_share: float
) -> PhantomSuspects:
    """Suspects at `end`, the close of the minute `last`: how many, and the worst ROWS by |unexplained_units|.

    `uncounted_share` is the share of all facts that were not counted, 0 to 1.
    """
    pw = last.pw
    known = (pw["opening_available"] != NULL) & (pw["on_hand"] != NULL)
    booked_ms = np.where(known, pw["inventory_ts"], 0)
    closing = pw["on_hand"] - pw["reserved"]

    at, ours = _rows_of(pw.pair, shipments.pair)
    units, received = shipments.units[ours], shipments.received_before(end)[ours]
    unbooked = received & (shipments.received_ms[ours] > booked_ms[at])
    residual = pw["sold_units"] - pw["opening_available"] - _sum_at(at, units * received, len(known)) + closing

    chance = chance_of_uncounted(pw["sold_units"], uncounted_share, _order_size(last), int(known.sum()))
    lowest = -_sum_at(at, units * unbooked, len(known)) - chance
    highest = _sum_at(at, units * ~received, len(known)) + pw["units"] + chance
    explained = np.clip(residual, lowest, highest)
    unexplained = np.where(known, residual - explained, 0)

    found = np.flatnonzero(unexplained)
    # Pairs are ascending, and a stable sort keeps equals in that order.
    worst = found[np.argsort(-np.abs(unexplained[found]), kind="stable")][:ROWS]
    columns = (pw.product_id, pw.warehouse_id, residual, explained, unexplained)
    return {
        "total": len(found),
        "rows": [
            {
                "product_id": product,
                "warehouse_id": warehouse,
                "residual_units": off,
                "explained_units": by_shipments,
                "unexplained_units": rest,
            }
            for product, warehouse, off, by_shipments, rest in zip(*(c[worst].tolist() for c in columns), strict=True)
        ],
    }


def chance_of_uncounted(sold: Ints, share: float, order_size: float, pairs: int) -> Ints:
    """Units of each pair that uncounted facts may stand for, (P,); 0 when every fact was counted.

    Uncounted orders fall on pairs as the counted ones do, so a pair misses Poisson(λ) of them,
    λ = sold · share ÷ order_size, and t more than λ with probability exp(-t² ÷ (2λ + 2t/3)) at
    most (Bernstein's inequality).  t is chosen so that of `pairs` pairs none goes beyond with
    probability 1 - FALSE_ALARM; `order_size` is E[q²] ÷ E[q] units.
    """
    if share <= 0 or pairs == 0:
        return np.zeros(len(sold), dtype=np.int64)
    expected = sold * share / order_size
    surprise = math.log(pairs / FALSE_ALARM)
    beyond = surprise / 3 + np.sqrt(surprise**2 / 9 + 2 * expected * surprise)
    units: Ints = np.ceil((expected + beyond) * order_size).astype(np.int64)
    return units


def _order_size(last: MinuteRollup) -> float:
    return int(last.pw["units_squared"].sum()) / last.units if last.units else _ORDER_SIZE


def _rows_of(pairs: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """(row in sorted `pairs` of each `wanted` that is there, index of those in `wanted`)."""
    if not len(pairs):
        return pairs, pairs
    at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    found = np.flatnonzero(pairs[at] == wanted)
    return at[found], found


def _sum_at(at: Ints, units: Ints, length: int) -> Ints:
    """Units by row, (length,)."""
    total = np.zeros(length, dtype=np.int64)
    np.add.at(total, at, units)
    return total
