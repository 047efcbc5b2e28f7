"""How far back each kind of document is still needed: pure rules, in UTC minutes.

``kpi_state`` has no bound here, for it is never dropped.  Its settled marks tell the engine and
the archive, from the sale's first minute on, which minutes are final; and replaying a minute
starts from the state of the one before, which sums up the whole sale and takes the fine rollups
that are dropped after a window: it could only be had again from every fact of the sale.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flashsale.minutes import MINUTE, floor_minute
from flashsale.settings import Settings

HISTORY_MINUTES = 60
"""Length of the published trend."""


@dataclass(frozen=True, slots=True)
class NeededFrom:
    """The oldest key still needed, by collection; what is older may go, under each one's own condition."""

    city_rollups: datetime
    rollups: datetime
    history: datetime


def city_rollups_from(open_end: datetime, settings: Settings) -> datetime:
    """Oldest fine rollup that the minute ending at `open_end` and all after it still need.

    A window, the minutes that may still change, and one more.  While a gap waits to be filled,
    `open_end` is the gap's: the window before it is still needed.
    """
    return open_end - (settings.window + settings.lateness + 2 * MINUTE)


def history_from(open_end: datetime) -> datetime:
    """Oldest history that a trend still shows."""
    return open_end - timedelta(minutes=HISTORY_MINUTES)


def rollups_edge(open_end: datetime, oldest_fact: datetime | None, settings: Settings) -> datetime:
    """Oldest minute that may be built again; of the rollups before it the last one is needed too.

    It closes with the stock that the next minute carries on.  Facts still in MongoDB can be
    counted again by a backfill, so no minute of theirs is older than the edge.
    """
    window = city_rollups_from(open_end, settings)
    return window if oldest_fact is None else min(window, floor_minute(oldest_fact))
