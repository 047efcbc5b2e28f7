"""The retention job: drop what the live sale's minutes need no more, and say what is kept and why.

``kpi_rollup_pwc`` goes by age; ``kpi_rollup_pw`` and ``kpi_history`` only once an archive batch
holds them.  Quarantine stays: the data-quality figures of the sale are counted from it.
``kpi_state`` stays too (`retention_bounds` tells why).  Facts are the archive job's alone.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.database import Database

from flashsale.minutes import floor_minute, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.schema import FACTS, KPI_HISTORY, QUARANTINE_OF, ROLLUP_PW, ROLLUP_PWC
from flashsale.settings import Settings
from flashsale.stores.health import write_health
from flashsale.stores.mongo import Document, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs.health import failure_shown
from spark_jobs.minute_store import MinuteStore
from spark_jobs.retention_bounds import NeededFrom, city_rollups_from, history_from, rollups_edge
from spark_jobs.retention_documents import Outcome, drop_aged, drop_archived

_LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 600
# A backfill goes through its range in pieces and reads the fine rollups of the piece before.
RECENTLY_COMPUTED = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run did; `quarantined` counts the documents that stand in quarantine."""

    aged: Outcome
    archived: tuple[Outcome, ...]
    quarantined: int
    seconds: float

    def line(self) -> str:
        dropped = ", ".join(f"{each.dropped:,} {each.collection}" for each in (self.aged, *self.archived))
        kept = "; ".join(each.kept_line() for each in self.archived)
        return (
            f"dropped {dropped}; {kept}; "
            f"kept {self.quarantined:,} in quarantine: counted by data quality; {self.seconds:.1f} s"
        )


def run(settings: Settings, sale_id: str | None = None, now: datetime | None = None) -> RetentionReport:
    """Drop what has aged of a sale (default: the live one); `now` defaults to the clock.

    Raises FlashsaleError when a service says no; whatever was dropped by then was free to go.
    """
    started = time.monotonic()
    with (
        failure_shown(settings, "retention", PERIOD_SECONDS),
        redis_errors("retention"),
        mongo_errors("retention"),
        mongo_client(settings, "jobs") as mongo,
    ):
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        check_sale(mongo, sale)
        database = mongo[sale.database]
        now = now or utc_now()
        needed = needed_from(database, floor_minute(sale.sale_start), floor_minute(now), settings)
        report = RetentionReport(
            drop_aged(database[ROLLUP_PWC], needed.city_rollups, now - RECENTLY_COMPUTED),
            (
                drop_archived(database, ROLLUP_PW, needed.rollups),
                drop_archived(database, KPI_HISTORY, needed.history),
            ),
            sum(database[name].estimated_document_count() for name in QUARANTINE_OF.values()),
            time.monotonic() - started,
        )
        with redis_client(settings, "publisher") as redis:
            write_health(redis, SaleKeys(sale.sale_id).health("retention"), "ok", report.line(), PERIOD_SECONDS)
        _LOG.info(report.line())
        return report


def needed_from(database: Database[Document], first_minute: datetime, end: datetime, settings: Settings) -> NeededFrom:
    """The oldest minutes that the engine, a backfill or the page may still ask for, as of minute `end`."""
    store = MinuteStore(database)
    open_end = store.first_open_end(first_minute, end)
    edge = rollups_edge(open_end, _oldest_fact(database, first_minute), settings)
    return NeededFrom(
        city_rollups=city_rollups_from(open_end, settings),
        rollups=store.last_rollup_before(edge) or edge,
        history=history_from(open_end),
    )


def _oldest_fact(database: Database[Document], first_minute: datetime) -> datetime | None:
    """Least event time in MongoDB, by the index; what is no date or before the sale is the sweep's."""
    times = []
    for table in FACTS:
        name = table.event_time or ""
        found = database[table.name].find_one({name: {"$gte": first_minute}}, {name: 1}, sort=[(name, 1)])
        if found is not None:
            times.append(found[name])
    return min(times, default=None)
