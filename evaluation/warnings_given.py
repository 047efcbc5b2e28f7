"""Whether stockouts were warned of in time, and warnings came true.

A warning is a minute in which a (product, warehouse) was `at_risk`.  A stockout counts from `SETTLED` minutes
after the pair's first sale, outside the scenario's bursts and machines, and is warned of in time when there was
a warning `LEAD` to `HORIZON` minutes before it, after the stockout before it had ended.  A warning is true when
the shelf is empty within `HORIZON` minutes; where the sale ends before that can be told, it does not count.
"""

import numpy as np
import numpy.typing as npt

from evaluation.minute_rollups import MINUTE_MS
from evaluation.recording import Recording
from evaluation.replay import Rows
from flashsale.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SETTLED, LEAD, HORIZON = 25, 10, 30


def stockouts_warned(recording: Recording, rows: Rows, scenario: Scenario) -> FloatArray:
    """(stockouts that count, warned in time, of those with stock for `LEAD` minutes before, warned), (4,)."""
    at_risk = _at_risk(recording, rows)
    first_sale = np.where(recording.units.any(axis=0), np.argmax(recording.units > 0, axis=0), np.inf)
    found = np.zeros(4)
    for pair, ms in zip(recording.emptied.pair.tolist(), recording.emptied.ms.tolist(), strict=True):
        moment = ms / MINUTE_MS
        if moment < first_sale[pair] + SETTLED or _in_burst(recording, scenario, pair, moment):
            continue
        filled = recording.filled.ms[(recording.filled.pair == pair) & (recording.filled.ms < ms)]
        since = float(filled.max()) / MINUTE_MS if len(filled) else 0.0
        earliest, latest = int(np.ceil(max(moment - HORIZON, since, 1))), int(np.floor(moment - LEAD))
        warned = latest >= earliest and bool(at_risk[earliest : latest + 1, pair].any())
        lasting = latest >= earliest
        found += (1, warned, lasting, warned)
    return found


def warnings_true(recording: Recording, rows: Rows) -> FloatArray:
    """(warnings, true, alerts raised, true), (4,); an alert is raised in the first of consecutive minutes."""
    at_risk = _at_risk(recording, rows)
    before = at_risk[rows.minute - 1, rows.pair]
    true = rows.outcome <= HORIZON
    counts = rows.at_risk & (true | (rows.left >= HORIZON))
    raised = counts & ~before
    return np.array([counts.sum(), (counts & true).sum(), raised.sum(), (raised & true).sum()], dtype=np.float64)


def _at_risk(recording: Recording, rows: Rows) -> BoolArray:
    """By minute and pair, (M, N)."""
    found: BoolArray = np.zeros((recording.minutes, recording.pairs), dtype=np.bool_)
    found[rows.minute, rows.pair] = rows.at_risk
    return found


def _in_burst(recording: Recording, scenario: Scenario, pair: int, moment: float) -> bool:
    product = int(recording.product[pair]) + 1
    category = recording.categories[product - 1]
    for burst in scenario.bursts:
        everything = not burst.categories and not burst.products
        covered = everything or category in burst.categories or product in burst.products
        if covered and 0 <= moment - burst.starts_at_minute < burst.duration_minutes:
            return True
    return any(
        product in bots.products and 0 <= moment - bots.starts_at_minute < bots.duration_minutes
        for bots in scenario.bots
    )
